"""What was seen of a work tree spares reading it again, and never shows: every look is compared with one that knows nothing."""

from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import ConflictError
from llmcfg.filefacts import TICK_NS
from llmcfg.git.lookagain import look_again
from llmcfg.git.repository import open_repository
from llmcfg.git.seen import Seen, encode_seen, parse_seen
from support.worktrees import LATER_NS, settings_from, wait_a_tick
from support.written import WrittenRepository

FILES = {
    "base/limits.yaml": "rpm: 10\n",
    "base/models/chat.yaml": "name: a\n",
    "base/models/deep/one.yaml": "name: b\n",
    "tenants/acme/limits.yaml": "rpm: 11\n",
}


@pytest.fixture(scope="module", autouse=True)
def no_settings_of_git(tmp_path_factory):
    with settings_from(tmp_path_factory.mktemp("settings")):
        yield


@pytest.fixture
def written(tmp_path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "repository", FILES)


def look(path: Path, noted: bytes | None = None, now_ns: int = LATER_NS):
    """A walk, which knows what was noted."""
    return open_repository(path).work_tree(parse_seen(noted), now_ns)


def again(path: Path, noted: bytes | None, now_ns: int = LATER_NS):
    """Another look, which walks nowhere."""
    seen = parse_seen(noted)
    return None if seen is None else look_again(str(path), seen, now_ns)


def shown(snapshot):
    return {path: entry[:] for path, entry in snapshot.entries.items()}, [*snapshot.entries], [*snapshot.findings]


@pytest.mark.parametrize("look_once_more", [look, again])
def test_a_file_whose_facts_are_the_same_is_not_read(written, look_once_more):
    first = look(written.path)
    oid, other = first.entries["base/limits.yaml"].oid, "0" * 40
    once_more = look_once_more(written.path, first.noted.replace(oid.encode(), other.encode()))
    assert once_more.entries["base/limits.yaml"].oid == other


def test_a_folder_whose_facts_are_the_same_is_not_listed(written):
    noted = look(written.path).noted
    once_more = look(written.path, noted.replace(b"one.yaml", b"two.yaml"))
    assert {finding.origin.file for finding in once_more.findings} == {"base/models/deep/two.yaml"}
    assert again(written.path, noted.replace(b"one.yaml", b"two.yaml")) is None


@pytest.mark.parametrize("look_once_more", [look, again])
def test_a_second_look_at_the_same_has_nothing_to_note(written, look_once_more):
    first = look(written.path)
    once_more = look_once_more(written.path, first.noted)
    assert shown(once_more) == shown(first)
    assert once_more.stood_on == first.stood_on
    assert once_more.newest_ns == first.newest_ns
    assert once_more.noted is None


def facts_noted(noted: bytes) -> dict[str, bool]:
    seen = parse_seen(noted)
    return {path: any(seen.file_facts[at * 32 : (at + 1) * 32]) for at, path in enumerate(seen.file_paths)}


def test_what_changed_lately_is_read_again(written, tmp_path):
    wait_a_tick(tmp_path / "probe")
    (written.path / "base/limits.yaml").write_text("rpm: 99\n")
    changed_ns = (written.path / "base/limits.yaml").stat().st_ctime_ns
    noted = look(written.path, now_ns=changed_ns + TICK_NS).noted
    assert not facts_noted(noted)["base/limits.yaml"]
    assert facts_noted(noted)["base/models/chat.yaml"]
    assert look(written.path, now_ns=0).noted is None


@pytest.mark.parametrize("look_once_more", [look, again])
def test_content_is_read_when_it_is_asked_for_and_held_to_its_id(written, look_once_more):
    noted = look(written.path).noted
    snapshot = look_once_more(written.path, noted)
    oid = snapshot.entries["base/limits.yaml"].oid
    assert snapshot.read(oid) == b"rpm: 10\n"
    (written.path / "base/limits.yaml").write_text("rpm: 99\n")
    with pytest.raises(ConflictError, match="changed while it was being read"):
        snapshot.read(oid)


def test_content_that_changed_is_held_as_it_was(written, tmp_path):
    noted = look(written.path).noted
    wait_a_tick(tmp_path / "probe")
    (written.path / "base/limits.yaml").write_text("rpm: 98\n")
    snapshot = again(written.path, noted)
    (written.path / "base/limits.yaml").write_text("rpm: 99\n")
    assert snapshot.read(snapshot.entries["base/limits.yaml"].oid) == b"rpm: 98\n"


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"not an index", b"\x93\x80\x80", b"\x93\x80\x80\x81\xa1a\x92\xc0\xa1b"]
)
def test_what_is_no_index_is_as_none(written, content):
    assert parse_seen(content) is None
    assert shown(look(written.path, content)) == shown(look(written.path))


@pytest.mark.parametrize("name", ["folders", "folder_facts", "listings", "files", "file_facts", "oids"])
def test_columns_that_do_not_fit_are_none(written, name):
    seen = parse_seen(look(written.path).noted)
    column = getattr(seen, name)
    for short in (column[:-33], column[:0]):
        assert parse_seen(encode_seen(msgspec.structs.replace(seen, **{name: short}))) is None


def test_a_list_of_ignored_files_has_its_say_in_folders_that_did_not_change(written, tmp_path):
    noted = look(written.path).noted
    wait_a_tick(tmp_path / "probe")
    (written.path / "base/.gitignore").write_text("new.yaml\n")
    (written.path / "base/models/new.yaml").write_text("name: c\n")
    noted = look(written.path, noted).noted
    wait_a_tick(tmp_path / "probe")
    (written.path / "base/.gitignore").write_text("old.yaml\n")
    assert again(written.path, noted) is None
    after = look(written.path, noted)
    assert shown(after) == shown(look(written.path))
    assert "base/models/new.yaml" in after.entries


def test_a_list_of_ignored_files_that_changed_lately_decides_nothing(written, tmp_path):
    wait_a_tick(tmp_path / "probe")
    (written.path / ".git/info/exclude").write_text("old.yaml\n")
    changed_ns = (written.path / ".git/info/exclude").stat().st_ctime_ns
    assert again(written.path, look(written.path, now_ns=changed_ns + TICK_NS).noted) is None
    assert again(written.path, look(written.path, now_ns=changed_ns + TICK_NS + 1).noted) is not None


def test_where_the_index_has_no_say_it_may_change(written, tmp_path):
    noted = look(written.path).noted
    wait_a_tick(tmp_path / "probe")
    written.git("rm", "-q", "--cached", "base/limits.yaml")
    written.git("commit", "-q", "-m", "untracked")
    assert shown(again(written.path, noted)) == shown(look(written.path))


def test_where_a_file_is_ignored_the_index_has_a_say(written, tmp_path):
    (written.path / "base/.gitignore").write_text("limits.yaml\n")
    noted = look(written.path).noted
    assert "base/limits.yaml" in again(written.path, noted).entries
    wait_a_tick(tmp_path / "probe")
    written.git("rm", "-q", "--cached", "base/limits.yaml")
    assert again(written.path, noted) is None
    assert "base/limits.yaml" not in look(written.path, noted).entries


def test_an_empty_folder_may_become_a_submodule(written, tmp_path):
    (written.path / "base/other").mkdir()
    noted = look(written.path).noted
    assert again(written.path, noted) is not None
    wait_a_tick(tmp_path / "probe")
    commit = written.git("rev-parse", "HEAD")
    written.git("update-index", "--add", "--cacheinfo", f"160000,{commit},base/other")
    assert again(written.path, noted) is None
    assert [finding.origin.file for finding in look(written.path, noted).findings] == ["base/other"]


def saved_aside(path: Path, text: str) -> None:
    """As editors do it: the folder changes too."""
    path.with_suffix(".tmp").write_text(text)
    path.with_suffix(".tmp").rename(path)


@pytest.mark.parametrize("save", [Path.write_text, saved_aside])
def test_a_file_that_is_saved_does_not_lead_to_a_walk(written, tmp_path, save):
    noted = look(written.path).noted
    wait_a_tick(tmp_path / "probe")
    save(written.path / "base/models/chat.yaml", "name: z\n")
    after = again(written.path, noted)
    assert shown(after) == shown(look(written.path))
    assert after.stood_on == look(written.path).stood_on
    assert after.noted is None


def test_many_files_that_changed_are_noted_anew(tmp_path):
    files = {f"base/many/d{number}.yaml": "name: a\n" for number in range(20)}
    written = WrittenRepository(tmp_path / "repository", files)
    noted = look(written.path).noted
    wait_a_tick(tmp_path / "probe")
    for number in range(20):
        (written.path / f"base/many/d{number}.yaml").write_text("name: b\n")
    assert again(written.path, noted, now_ns=time.time_ns()).noted is None
    after = again(written.path, noted)
    assert shown(after) == shown(look(written.path))
    assert after.noted == look(written.path).noted


PATHS = st.sampled_from(
    ["base/limits.yaml", "base/models/chat.yaml", "base/models/new.yaml", "tenants/acme/x y.yaml", "notes.md", "Base"]
)
FOLDERS = st.sampled_from(["base/models", "base/models/deep", "tenants/acme", "base/other", "docs"])
IGNORING = st.sampled_from(
    [".gitignore", "base/.gitignore", "base/models/.gitignore", "base/other/.gitignore", ".git/info/exclude"]
)
TEXTS = st.sampled_from(["rpm: 10\n", "rpm: 99\n", "rpm: 100\n"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PATHS, TEXTS),
        st.tuples(st.just("write"), PATHS, TEXTS),
        st.tuples(st.just("save"), PATHS, TEXTS),
        st.tuples(st.just("disguise"), PATHS, TEXTS),
        st.tuples(st.just("remove"), PATHS, st.just("")),
        st.tuples(st.just("replace"), PATHS, PATHS),
        st.tuples(st.just("link"), PATHS, PATHS),
        st.tuples(st.just("chmod"), PATHS, st.sampled_from(["755", "600"])),
        st.tuples(st.just("folder"), st.one_of(FOLDERS, PATHS), st.just("")),
        st.tuples(st.just("move"), FOLDERS, FOLDERS),
        st.tuples(st.just("swap"), FOLDERS, FOLDERS),
        st.tuples(st.just("nest"), FOLDERS, st.just("")),
        st.tuples(st.just("ignore"), IGNORING, st.sampled_from(["*.yaml\n", "new.yaml\n", "deep/\n", ""])),
        st.tuples(st.just("forget"), PATHS, st.just("")),
        st.tuples(st.just("commit"), st.just("."), st.just("")),
        st.tuples(st.just("checkout"), st.just("."), st.just("")),
    ),
    min_size=1,
    max_size=3,
)


def make(written: WrittenRepository, how: str, path: str, what: str) -> None:
    place, other = written.path / path, written.path / what
    if how == "ignore" and place.parent.is_dir():
        place.write_text(what)
    elif how in ("write", "save", "disguise") and not place.is_dir():
        if place.is_symlink():
            place.unlink()
        times = (place.stat().st_atime_ns, place.stat().st_mtime_ns) if place.exists() else (0, 0)
        (saved_aside if how == "save" else Path.write_text)(place, what)
        if how == "disguise":
            os.utime(place, ns=times)
    elif how == "remove" and not place.is_dir():
        place.unlink(missing_ok=True)
    elif how == "replace" and place.is_file() and not other.is_dir():
        place.rename(other)
    elif how == "link" and path != what and not place.is_dir():
        place.unlink(missing_ok=True)
        place.symlink_to(other)
    elif how == "chmod" and place.is_file():
        place.chmod(int(what, 8))
    elif how == "folder":
        if place.is_file() or place.is_symlink():
            place.unlink()
        place.mkdir(exist_ok=True)
    elif how == "move" and place.is_dir() and not other.exists() and path not in what:
        place.rename(other)
    elif how == "swap" and place.is_dir() and other.is_dir() and path not in what and what not in path:
        place.rename(written.path / "aside")
        other.rename(place)
        (written.path / "aside").rename(other)
    elif how == "nest" and place.is_dir() and not (place / ".git").exists():
        (place / ".git").mkdir()
        (place / ".git" / "HEAD").touch()
    elif how == "forget":
        written.git("rm", "-rq", "--cached", "--ignore-unmatch", path)
    elif how == "commit":
        written.git("add", "-u")
        written.git("commit", "-q", "--allow-empty", "-m", "more")
    elif how == "checkout":
        written.git("checkout", "-q", "-f", "HEAD~1" if written.git("rev-list", "--count", "HEAD") != "1" else "HEAD")


def require_same(written: WrittenRepository, noted: bytes | None, now_ns: int) -> bytes | None:
    """Three looks at the same: one that knows nothing, a walk that knows what was noted, and another look. What the last one notes."""
    fresh = look(written.path, now_ns=now_ns)
    walked, once_more = look(written.path, noted, now_ns), again(written.path, noted, now_ns)
    assert shown(walked) == shown(fresh)
    assert walked.newest_ns == fresh.newest_ns
    if once_more is None:
        return walked.noted or noted
    assert shown(once_more) == shown(fresh)
    assert once_more.stood_on == fresh.stood_on
    assert once_more.newest_ns == fresh.newest_ns
    return once_more.noted or noted


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_a_look_with_an_index_sees_what_one_without_sees(rounds):
    with TemporaryDirectory() as folder:
        written = WrittenRepository(Path(folder) / "repository", FILES)
        noted = look(written.path).noted
        for changes in rounds:
            wait_a_tick(Path(folder) / "probe")
            for change in changes:
                make(written, *change)
            noted = require_same(written, noted, LATER_NS)


@given(st.integers(0, 2**32), st.integers(0, 7))
def test_what_was_damaged_is_none_or_fits(place, bit):
    """The cache has a digest of it besides."""
    noted = encode_seen(
        Seen({"/a": (1, 2, 3, 4), "/b": None}, "\0b", bytes(64), b"db\0fc", "a\0b", bytes(64), "1" * 80, True)
    )
    damaged = bytearray(noted)
    damaged[place % len(noted)] ^= 1 << bit
    for content in (bytes(damaged), noted[: place % len(noted)]):
        seen = parse_seen(content)
        assert seen is None or (len(seen.folder_paths) == len(seen.folder_listings) == 2 and len(seen.file_paths) == 2)


@pytest.mark.parametrize("save", [Path.write_text, saved_aside])
def test_changes_of_one_size_within_a_tick_are_seen(written, save):
    """As quickly as a program can write, by the clock as it is: what looks the same to the file system is read."""
    noted, place = look(written.path, now_ns=time.time_ns()).noted, written.path / "base/models/chat.yaml"
    for number in range(200):
        save(place, f"n: {number % 10}\n")
        noted = require_same(written, noted, time.time_ns())


def test_what_changes_while_it_is_looked_at_is_seen_by_the_next_look(written):
    """Another process writes, renames and checks out under the feet of one that looks and notes what it sees."""
    is_over = threading.Event()

    def change() -> None:
        for number in itertools.count():
            if is_over.is_set():
                return
            saved_aside(written.path / "base/models/chat.yaml", f"n: {number % 10}\n")
            (written.path / "base/limits.yaml").write_text(f"rpm: {number % 90 + 10}\n")
            (written.path / "tenants/acme").rename(written.path / "tenants/other")
            (written.path / "tenants/other").rename(written.path / "tenants/acme")

    writer = threading.Thread(target=change)
    writer.start()
    noted = None
    try:
        for _ in range(40):
            seen = again(written.path, noted, time.time_ns()) or look(written.path, noted, time.time_ns())
            noted = seen.noted or noted
    finally:
        is_over.set()
        writer.join()
    require_same(written, noted, time.time_ns())
