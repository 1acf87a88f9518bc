"""The file of a cache: whatever is wrong with it, it answers nothing wrong, and nobody waits or fails because of it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from cache.random_repositories import run
from llmcfg.cache import store
from llmcfg.cache.care import clear_all, describe, prune, verify
from llmcfg.cache.opening import open_cache
from llmcfg.cache.place import cache_file, cache_folder
from llmcfg.cache.store import DiskCache
from llmcfg.model.target import Scope
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.wiring import Workspace
from support.written import WrittenRepository

NAME, OTHER = b"n" * 16, b"o" * 16


def written(file: Path, **contents: bytes) -> None:
    cache = DiskCache(file)
    cache.learn(NAME, b"known")
    cache.add(NAME, b"value")
    for name, content in contents.items():
        cache.add(name.encode().ljust(16), content)
    cache.keep()
    cache.close()


def answers(file: Path) -> tuple[bytes | None, bytes | None]:
    cache = DiskCache(file)
    try:
        return cache.fact(NAME, "read", "a.yaml"), cache.content(NAME)
    finally:
        cache.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "c.sqlite"


def test_what_was_kept_is_there_for_the_next_process(file):
    written(file)
    assert answers(file) == (b"known", b"value")


def test_what_was_not_kept_is_not(file):
    cache = DiskCache(file)
    cache.learn(NAME, b"known")
    cache.add(NAME, b"value")
    cache.close()
    assert answers(file) == (None, None)


def test_the_file_is_readable_by_its_user_alone(tmp_path):
    cache = open_cache(cache_file(tmp_path / "new" / "llmcfg", tmp_path), tmp_path)
    assert cache is not None
    cache.learn(NAME, b"known")
    cache.keep()
    cache.close()
    assert cache.file.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (cache.file.parent, cache.file.parent.parent)} == {0o700}


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_is_not_used(file, mode):
    written(file)
    file.chmod(mode)
    assert answers(file) == (None, None)
    assert file.exists()


def test_a_folder_that_others_can_write_is_not_used(tmp_path):
    root = tmp_path / "llmcfg"
    root.mkdir(mode=0o700)
    root.chmod(0o777)
    assert open_cache(cache_file(root, tmp_path), tmp_path) is None


def test_a_symbolic_link_in_the_place_of_the_file_is_not_followed(file, tmp_path):
    written(tmp_path / "elsewhere.sqlite")
    file.symlink_to(tmp_path / "elsewhere.sqlite")
    assert answers(file) == (None, None)


def test_where_no_folder_can_be_made_there_is_no_cache(tmp_path):
    (tmp_path / "file").write_text("")
    assert open_cache(cache_file(tmp_path / "file" / "llmcfg", tmp_path), tmp_path) is None


def test_what_is_no_database_is_replaced(file):
    file.write_bytes(b"not a database at all, and longer than a header of one would be" * 99)
    file.chmod(0o600)
    assert answers(file) == (None, None)
    written(file)
    assert answers(file) == (b"known", b"value")


def test_a_database_of_another_form_is_replaced(file):
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    file.chmod(0o600)
    assert answers(file) == (None, None)
    written(file)
    assert answers(file) == (b"known", b"value")


def test_a_file_that_another_process_holds_is_done_without_and_stays(file):
    written(file)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    cache = DiskCache(file)
    assert cache.content(NAME) is None
    cache.learn(OTHER, b"new")
    cache.keep()
    cache.close()
    holder.execute("ROLLBACK")
    holder.close()
    assert answers(file) == (b"known", b"value")


def test_a_disk_without_room_loses_what_is_new_and_nothing_else(file, monkeypatch):
    written(file)
    opened = store._open

    def without_room(path):
        connection = opened(path)
        connection.execute("PRAGMA max_page_count = 8")
        return connection

    monkeypatch.setattr(store, "_open", without_room)
    written(file, big=os.urandom(1 << 20))
    monkeypatch.undo()
    assert answers(file) == (b"known", b"value")


def test_an_end_in_the_middle_of_writing_leaves_what_was_there(file):
    written(file)
    child = os.fork()
    if not child:
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM facts")
        for number in range(500):
            row = (number.to_bytes(16, "big"), b"", os.urandom(4096))
            connection.execute("INSERT INTO contents VALUES (?, 0, ?, ?)", row)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert answers(file) == (b"known", b"value")


def test_what_two_processes_learn_at_once_is_kept_of_both(file):
    first, second = DiskCache(file), DiskCache(file)
    for cache, name in ((first, NAME), (second, OTHER)):
        cache.fact(name, "read", "x")
        cache.learn(name, b"mine")
    first.keep()
    second.keep()
    later = DiskCache(file)
    assert (later.fact(NAME, "read", "x"), later.fact(OTHER, "read", "x")) == (b"mine", b"mine")


def test_values_that_were_not_used_for_long_go_first(file, monkeypatch):
    monkeypatch.setattr(store, "CACHE_BYTES", 1 << 20)
    for day in range(6):
        cache = DiskCache(file, today=day)
        for number in range(100):
            cache.add(b"%d %d" % (day, number), os.urandom(3000))
        if day:
            assert cache.content(b"0 0") is not None
        cache.keep()
        cache.close()
    cache = DiskCache(file, today=9)
    assert cache.content(b"0 0") is not None, "it was used every day"
    assert cache.content(b"1 1") is None
    assert cache.content(b"5 99") is not None
    assert file.stat().st_size < 2 << 20


def test_a_drawer_that_is_full_begins_anew(file, monkeypatch):
    monkeypatch.setattr(store, "CACHE_DRAWER_FACTS", 10)
    for begin in (0, 8):
        cache = DiskCache(file)
        for number in range(begin, begin + 8):
            cache.learn(b"x" * 15 + bytes([number]), b"")
        cache.keep()
        cache.close()
    cache = DiskCache(file)
    assert cache.fact(b"x" * 15 + bytes([12]), "read", "x") == b""
    assert cache.fact(b"x" * 15 + bytes([1]), "read", "x") is None


def test_only_the_caches_of_two_engines_are_kept(tmp_path):
    git = tmp_path / "git"
    git.mkdir()
    root = tmp_path / "llmcfg"
    written_now = open_cache(cache_file(root, git), git)
    assert written_now is not None
    folder = cache_folder(root, git)
    for number in range(3):
        old = folder / f"{number}.sqlite"
        written(old)
        os.utime(old, (number, number))
    written(written_now.file)
    assert {path.name for path in folder.glob("*.sqlite")} == {"2.sqlite", written_now.file.name}


def test_verify_says_what_is_damaged_and_removes_it(tmp_path):
    cache = open_cache(cache_file(tmp_path / "llmcfg", tmp_path), tmp_path)
    assert cache is not None
    written(cache.file, other=b"other value")
    with sqlite3.connect(cache.file) as connection:
        connection.execute("UPDATE contents SET content = ? WHERE name = ?", (b"valuf", NAME))
    connection.close()
    assert verify(tmp_path / "llmcfg", tmp_path) == 1
    assert verify(tmp_path / "llmcfg", tmp_path) == 0
    assert [entry.documents for entry in describe(tmp_path / "llmcfg", tmp_path)] == [1]


def test_prune_removes_caches_of_repositories_that_are_gone_and_nothing_else(tmp_path):
    root, gone, here = tmp_path / "llmcfg", tmp_path / "gone", tmp_path / "here"
    for git in (gone, here):
        git.mkdir()
        cache = open_cache(cache_file(root, git), git)
        assert cache is not None
        written(cache.file)
    (root / "not-ours").mkdir()
    gone.rmdir()
    assert prune(root) > 0
    assert {path.name for path in root.iterdir()} == {cache_folder(root, here).name, "not-ours"}
    clear_all(root)
    assert [path.name for path in root.iterdir()] == ["not-ours"]


SECRET = "AKIAQYLPMN5HFIQR7XYA"
NAMED = "hT5kQ9vLx2Rm8WpZ4nBc7JdF1gSa6YuE"


@pytest.mark.parametrize(
    "text",
    [
        f"region: eu\nkey: {SECRET}\n",
        f"region: eu\npassword: {NAMED}\n",
        f"region: eu\nx: 010  # {SECRET}\ny: {SECRET}\n",
        f"region: eu\nx: 'ENC[AES256_GCM,data:{SECRET}]'\n",
    ],
)
def test_nothing_that_looks_like_a_secret_lies_in_it(file, text):
    files = {
        "llmcfg.yaml": "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: x\nenvironments: {dev: {}}\n",
        "base/plain.yaml": "told: yes it is\n",
        "base/a.yaml": text,
        "environments/dev/a.yaml": "region: us\n",
        "consumers/app.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\n",
    }
    cache = DiskCache(file)
    run(files, Memo(cache))
    cache.close()
    content = file.read_bytes()
    assert b"yes it is" in content
    assert SECRET.encode() not in content
    assert NAMED.encode() not in content


def test_what_is_read_of_a_cache_is_not_remembered_and_changes_nothing(tmp_path):
    """`get` looks at little: it takes what a build remembered, and leaves a cache as it was."""
    written = WrittenRepository(tmp_path, {"base/limits.yaml": "rpm: 10\n", "base/other.yaml": "a: {b: 1}\n"})
    root = tmp_path / "cache"
    assert Workspace(written.path, cache=root, only_reads=True).cache is None
    assert not root.exists()
    building = Workspace(written.path, cache=root)
    assert validate_configuration(building.configuration()) == ()
    (written.path / "base/limits.yaml").write_text("rpm: 20\n")
    reading = Workspace(written.path, cache=root, only_reads=True)
    before = reading.cache.file.read_bytes()
    assert reading.configuration().effective(Scope("dev", None)).value_at(("limits", "rpm")) == 20
    assert ("read", "base/limits.yaml") in reading.cache.missed
    assert ("read", "base/other.yaml") not in reading.cache.missed
    reading.cache.close()
    assert reading.cache.file.read_bytes() == before
