"""What was seen of a work tree spares reading it again, and never shows: every look is compared with one that knows nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import ConflictError
from llmcfg.filefacts import TICK_NS
from llmcfg.git.repository import open_repository
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


def look(path: Path, seen: bytes | None = None, now_ns: int = LATER_NS):
    return open_repository(path).work_tree(seen, now_ns)


def shown(snapshot):
    return {path: entry[:] for path, entry in snapshot.entries.items()}, snapshot.findings


def test_a_file_whose_facts_are_the_same_is_not_read(written):
    first = look(written.path)
    oid, other = first.entries["base/limits.yaml"].oid, "0" * 40
    again = look(written.path, first.index.encoded().replace(oid.encode(), other.encode()))
    assert again.entries["base/limits.yaml"].oid == other


def test_a_folder_whose_facts_are_the_same_is_not_listed(written):
    seen = look(written.path).index.encoded()
    again = look(written.path, seen.replace(b"one.yaml", b"two.yaml"))
    assert {finding.origin.file for finding in again.findings} == {"base/models/deep/two.yaml"}


def test_a_second_look_at_the_same_has_nothing_to_note(written):
    first = look(written.path)
    again = look(written.path, first.index.encoded())
    assert shown(again) == shown(first)
    assert again.stood_on == first.stood_on
    assert again.index.encoded() is None


def test_what_changed_lately_is_read_again(written, tmp_path):
    wait_a_tick(tmp_path / "probe")
    (written.path / "base/limits.yaml").write_text("rpm: 99\n")
    changed_ns = (written.path / "base/limits.yaml").stat().st_ctime_ns
    seen = look(written.path, now_ns=changed_ns + TICK_NS).index.encoded()
    assert b"base/limits.yaml" not in seen
    assert b"base/models/chat.yaml" in seen
    assert look(written.path, now_ns=0).index.encoded() is None


def test_content_is_read_when_it_is_asked_for_and_held_to_its_id(written, tmp_path):
    seen = look(written.path).index.encoded()
    snapshot = look(written.path, seen)
    oid = snapshot.entries["base/limits.yaml"].oid
    assert snapshot.read(oid) == b"rpm: 10\n"
    (written.path / "base/limits.yaml").write_text("rpm: 99\n")
    with pytest.raises(ConflictError, match="changed while it was being read"):
        snapshot.read(oid)


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"not an index", b"\x93\x80\x80", b"\x93\x80\x80\x81\xa1a\x92\xc0\xa1b"]
)
def test_what_is_no_index_is_as_none(written, content):
    assert shown(look(written.path, content)) == shown(look(written.path))


def test_a_list_of_ignored_files_has_its_say_in_folders_that_did_not_change(written, tmp_path):
    seen = look(written.path).index.encoded()
    wait_a_tick(tmp_path / "probe")
    (written.path / "base/.gitignore").write_text("new.yaml\n")
    (written.path / "base/models/new.yaml").write_text("name: c\n")
    seen = look(written.path, seen).index.encoded()
    wait_a_tick(tmp_path / "probe")
    (written.path / "base/.gitignore").write_text("old.yaml\n")
    after = look(written.path, seen)
    assert shown(after) == shown(look(written.path))
    assert "base/models/new.yaml" in after.entries


PATHS = st.sampled_from(["base/limits.yaml", "base/models/chat.yaml", "base/models/new.yaml", "tenants/acme/x y.yaml"])
IGNORING = st.sampled_from([".gitignore", "base/.gitignore", "base/models/.gitignore", ".git/info/exclude"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PATHS, st.sampled_from(["rpm: 10\n", "rpm: 99\n", "rpm: 100\n"])),
        st.tuples(st.just("remove"), PATHS, st.just("")),
        st.tuples(st.just("replace"), PATHS, PATHS),
        st.tuples(st.just("link"), PATHS, PATHS),
        st.tuples(st.just("ignore"), IGNORING, st.sampled_from(["*.yaml\n", "new.yaml\n", "deep/\n", ""])),
        st.tuples(st.just("forget"), PATHS, st.just("")),
    ),
    min_size=1,
    max_size=3,
)


def make(written: WrittenRepository, how: str, path: str, what: str) -> None:
    place = written.path / path
    if how in ("write", "ignore"):
        if place.is_symlink():
            place.unlink()
        place.write_text(what)
    elif how == "remove":
        place.unlink(missing_ok=True)
    elif how == "replace" and place.is_file():
        place.rename(written.path / what)
    elif how == "link" and path != what:
        place.unlink(missing_ok=True)
        place.symlink_to(written.path / what)
    elif how == "forget":
        written.git("rm", "-q", "--cached", "--ignore-unmatch", path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_a_look_with_an_index_sees_what_one_without_sees(rounds):
    with TemporaryDirectory() as folder:
        written = WrittenRepository(Path(folder) / "repository", FILES)
        seen = look(written.path).index.encoded()
        for changes in rounds:
            wait_a_tick(Path(folder) / "probe")
            for change in changes:
                make(written, *change)
            after = look(written.path, seen)
            assert shown(after) == shown(look(written.path))
            seen = after.index.encoded() or seen
