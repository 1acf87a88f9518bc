"""A cache never changes a result, whatever happened to it: every byte is compared with a run that has none."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.random_repositories import REPOSITORIES, difference, run
from llmcfg.cache.store import DiskCache
from llmcfg.pipeline.known import name_of, name_of_bytes
from llmcfg.pipeline.memo import Memo

PROJECT = Path(__file__).resolve().parents[2]
QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SWEEP = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAMAGES = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 1 << 16)),
    st.tuples(st.just("flip"), st.integers(0, 1 << 20)),
    st.tuples(st.just("overwrite"), st.binary(min_size=1, max_size=64)),
    st.tuples(st.just("row"), st.integers(0, 1 << 20)),
    st.tuples(st.just("row"), st.integers(0, 1 << 20)),
    st.tuples(st.just("gone"), st.none()),
    st.tuples(st.just("empty"), st.none()),
)


def damage(file: Path, how: str, what: object) -> None:
    content = file.read_bytes() if file.exists() else b""
    if how == "gone" or not content:
        file.unlink(missing_ok=True)
    elif how == "row":
        damage_row(file, int(str(what)))
    elif how == "cut":
        file.write_bytes(content[: int(str(what)) % len(content)])
    elif how == "flip":
        at = int(str(what)) % (8 * len(content))
        file.write_bytes(
            content[: at // 8] + bytes([content[at // 8] ^ (1 << at % 8)]) + content[at // 8 + 1 :],
        )
    elif how == "overwrite":
        assert isinstance(what, bytes)
        file.write_bytes(what + content[len(what) :])
    else:
        file.write_bytes(b"")


def damage_row(file: Path, where: int) -> None:
    """Flip a bit of something that is kept, in a database that is whole."""
    with closing(sqlite3.connect(file)) as connection, connection, suppress(sqlite3.Error):
        for table in ("facts", "contents"):
            rows = connection.execute(f"SELECT rowid, content FROM {table} ORDER BY rowid").fetchall()
            for number, content in rows:
                at = where % (8 * len(content))
                changed = bytearray(content)
                changed[at // 8] ^= 1 << at % 8
                connection.execute(f"UPDATE {table} SET content = ? WHERE rowid = ?", (bytes(changed), number))


def with_cache(file: Path, files: dict[str, str]):
    cache = DiskCache(file)
    try:
        return run(files, Memo(cache))
    finally:
        cache.close()


def hold(revisions, damages):
    plain = [run(files, Memo()) for files in revisions]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "c.sqlite"
        for (how, what), files, expected in zip(damages, revisions, plain, strict=False):
            assert with_cache(file, files) == expected
            assert with_cache(file, files) == expected
            damage(file, how, what)
        for files, expected in zip(revisions, plain, strict=True):
            assert with_cache(file, files) == expected


REVISIONS = st.lists(REPOSITORIES, min_size=1, max_size=3)
MANY_DAMAGES = st.lists(DAMAGES, min_size=3, max_size=3)


@QUICK
@given(REVISIONS, MANY_DAMAGES)
def test_warm_cold_and_damaged_caches_never_change_findings_or_bundles(revisions, damages):
    hold(revisions, damages)


@pytest.mark.sweep
@SWEEP
@given(REVISIONS, MANY_DAMAGES)
def test_many_warm_cold_and_damaged_caches_never_change_findings_or_bundles(revisions, damages):
    hold(revisions, damages)


def hold_after_a_change(files, other, draw):
    path = draw.draw(st.sampled_from(sorted(files)))
    changed = {name: text for name, text in files.items() if name != path}
    if path in other:
        changed[path] = other[path]
    changed.setdefault("llmcfg.yaml", files["llmcfg.yaml"])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "c.sqlite"
        with_cache(file, files)
        assert with_cache(file, changed) == run(changed, Memo())
        assert with_cache(file, files) == run(files, Memo())


@QUICK
@given(REPOSITORIES, REPOSITORIES, st.data())
def test_one_changed_file_is_noticed_whatever_was_remembered_before(files, other, draw):
    hold_after_a_change(files, other, draw)


@pytest.mark.sweep
@SWEEP
@given(REPOSITORIES, REPOSITORIES, st.data())
def test_a_changed_file_of_many_is_noticed_whatever_was_remembered_before(files, other, draw):
    hold_after_a_change(files, other, draw)


@QUICK
@given(REPOSITORIES, REPOSITORIES)
def test_a_cache_never_changes_a_difference(before, after):
    expected = difference(before, after, Memo())
    with TemporaryDirectory() as folder:
        for _ in range(2):
            cache = DiskCache(Path(folder) / "c.sqlite")
            assert difference(before, after, Memo(cache)) == expected
            cache.close()


def hold_with_two_writers(one, other):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "c.sqlite"
        first, second = DiskCache(file), DiskCache(file)
        first.fact(b"0" * 16, "read", "x")
        second.fact(b"0" * 16, "read", "x")
        expected = run(one, Memo()), run(other, Memo())
        assert (run(one, Memo(first)), run(other, Memo(second))) == expected
        assert (run(one, Memo(second)), run(other, Memo(first))) == expected
        first.close()
        second.close()
        assert (with_cache(file, one), with_cache(file, other)) == expected


@QUICK
@given(REPOSITORIES, REPOSITORIES)
def test_two_that_write_at_once_do_not_mix(one, other):
    hold_with_two_writers(one, other)


@pytest.mark.sweep
@SWEEP
@given(REPOSITORIES, REPOSITORIES)
def test_of_many_no_two_that_write_at_once_mix(one, other):
    hold_with_two_writers(one, other)


def test_the_comparison_would_see_a_wrong_fact(tmp_path):
    files = {
        "llmcfg.yaml": "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: x\nenvironments: {dev: {}}\n"
        "schemas: [{documents: a, schema: schemas/a.json}]\n",
        "base/a.yaml": "k: text\n",
        "schemas/a.json": '{"type": "object", "properties": {"k": {"type": "integer"}}}',
        "consumers/app.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [a]\n",
    }
    asked: list[tuple[bytes, str]] = []

    class Listening(DiskCache):
        def fact(self, name, step, about):
            asked.append((name, step))
            return super().fact(name, step, about)

    expected = run(files, Memo(Listening(tmp_path / "c.sqlite")))
    liar = DiskCache(tmp_path / "c.sqlite")
    for name, step in asked:
        if step == "check":
            liar.learn(name, b"")
    liar.keep()
    assert with_cache(tmp_path / "c.sqlite", files) != expected


def test_names_of_results_tell_their_parts_apart():
    assert len({name_of("a", "b", "c"), name_of("a", "bc"), name_of("ab", "c"), name_of("a", "b c")}) == 4
    assert name_of_bytes("a", [b"1" * 16, b"2" * 16]) != name_of_bytes("a", [b"2" * 16, b"1" * 16])


_MANY = """
import sys
from pathlib import Path
from cache.random_repositories import run
from llmcfg.cache.store import DiskCache
from llmcfg.pipeline.memo import Memo
FILES = eval(sys.argv[2])
for _ in range(6):
    cache = DiskCache(Path(sys.argv[1]))
    assert run(FILES, Memo(cache)) == run(FILES, Memo())
    cache.close()
"""


def test_processes_that_run_at_once_all_say_the_same(tmp_path):
    file = tmp_path / "c.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT / "tests"), *sys.path])}
    running = [
        subprocess.Popen([sys.executable, "-c", _MANY, str(file), repr(_FILES)], env=environment) for _ in range(3)
    ]
    assert [each.wait(120) for each in running] == [0, 0, 0]
    assert with_cache(file, _FILES) == run(_FILES, Memo())


_FILES = {
    "llmcfg.yaml": "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: x\nenvironments: {dev: {}, prod: {}}\n",
    **{f"base/d{number}.yaml": f"k: {number}\nv: '{{{{config:d0.k}}}}'\n" for number in range(20)},
    "environments/prod/d0.yaml": "k: 7\n",
    "consumers/app.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\n",
}
