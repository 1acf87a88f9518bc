"""An answer is given again as long as nothing changed that it stands on, and never after."""

from __future__ import annotations

import os
import shutil
import time
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.cache.care import clear_all, clear_one, prune, verify
from llmcfg.cache.stamp import FOLDER, find_answer, keep_answer, stamps
from llmcfg.filefacts import TICK_NS, facts_of
from llmcfg.git.repository import open_repository
from llmcfg.standing import remember
from support.worktrees import LATER_NS, settings_from, wait_a_tick
from support.written import WrittenRepository


@pytest.fixture(scope="module", autouse=True)
def no_settings_of_git(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    with settings_from(folder):
        yield folder


QUESTION, ANSWER = "validate", ("{}\n", "no findings\n")
FILES = {
    "base/limits.yaml": "rpm: 10\n",
    "base/models/chat.yaml": "name: a\n",
    "prompts/greeting.yaml": "text: hello\n",
    "docs/notes.md": "notes\n",
    ".gitignore": "*.swp\n",
    "base/.gitignore": "scratch.yaml\n",
}


class Stamped:
    """A repository with an answer about its work tree."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "cache"
        self.root.mkdir()
        self.written = WrittenRepository(folder / "repository", FILES)
        self.path = self.written.path
        self.program = folder / "program"
        self.program.mkdir()
        (self.program / "verbs.py").write_text("1\n")
        self.stamp()

    def stamp(self, began_ns: int = LATER_NS) -> None:
        repository = open_repository(self.path)
        self.snapshot = repository.work_tree()
        remember(
            self.root, QUESTION, ANSWER,
            repository=repository, snapshot=self.snapshot, program=self.program, began_ns=began_ns,
        )  # fmt: skip
        wait_a_tick(self.root.parent / "probe")

    @property
    def answer(self):
        return find_answer(str(self.root), QUESTION)

    @property
    def files(self) -> dict[str, str]:
        return {path: entry.oid for path, entry in open_repository(self.path).work_tree().entries.items()}


@pytest.fixture
def stamped(tmp_path) -> Stamped:
    return Stamped(tmp_path)


def test_what_was_asked_is_answered_again(stamped):
    assert stamped.answer == ANSWER
    assert stamped.answer == ANSWER


def test_another_question_has_no_answer_even_in_the_same_place(stamped):
    (place,) = map(Path, stamps(str(stamped.root)))
    shutil.copy(place, place.with_name(f"{zlib.crc32(b'other'):08x}"))
    assert find_answer(str(stamped.root), "other") is None


def same_size(path: Path) -> None:
    path.write_text("rpm: 99\n")


def restored_time(path: Path) -> None:
    found = path.stat()
    path.write_text("rpm: 99\n")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replaced(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text("rpm: 99\n")
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    other.rename(path)


def far_away(path: Path) -> None:
    os.utime(path, ns=(0, 1 << 64))


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("models/chat.yaml")


@pytest.mark.parametrize(
    "change", [same_size, restored_time, replaced, far_away, linked, Path.unlink, lambda path: path.chmod(0)]
)
def test_a_changed_file_is_noticed_however_it_was_changed(stamped, change):
    change(stamped.path / "base/limits.yaml")
    assert stamped.answer is None


@pytest.mark.parametrize(
    "path", ["base/new.yaml", "base/models/new.yaml", "prompts/x/deep.yaml", "policies/p.rego", "base/.gitignore", "a"]
)
def test_a_new_file_is_noticed_tracked_or_not(stamped, path):
    (stamped.path / path).parent.mkdir(parents=True, exist_ok=True)
    (stamped.path / path).write_text("x: 1\n")
    assert stamped.answer is None


@pytest.mark.parametrize("name", ["base/models", "base/models/chat.yaml", "base"])
def test_a_new_name_is_noticed(stamped, name):
    (stamped.path / name).rename(stamped.path / f"{name}x")
    assert stamped.answer is None


@pytest.mark.parametrize(
    "path", [".gitignore", "base/.gitignore", ".git/info/exclude", ".git/config", ".git/index", ".git/HEAD"]
)
def test_what_git_leaves_out_or_tracks_is_noticed(stamped, path):
    with (stamped.path / path).open("a") as file:
        file.write("\n")
    assert stamped.answer is None


def test_a_list_of_ignored_files_that_comes_to_be_is_noticed(tmp_path):
    stamped = Stamped(tmp_path)
    (stamped.path / ".git/info/exclude").unlink()
    stamped.stamp()
    assert stamped.answer == ANSWER
    (stamped.path / ".git/info/exclude").write_text("*.yaml\n")
    assert stamped.answer is None


def test_a_submodule_in_the_index_is_noticed(stamped):
    (stamped.path / "base/other").mkdir()
    stamped.stamp()
    commit = stamped.written.git("rev-parse", "HEAD")
    stamped.written.git("update-index", "--add", "--cacheinfo", f"160000,{commit},base/other")
    assert stamped.answer is None


def test_a_change_of_the_program_is_noticed(stamped):
    (stamped.program / "verbs.py").write_text("2\n")
    assert stamped.answer is None


@pytest.mark.parametrize("path", ["docs/notes.md", "docs/new.md", "base/scratch.yaml.d/x"])
def test_what_no_answer_stands_on_does_not_matter(stamped, path):
    (stamped.path / "base/scratch.yaml.d").mkdir()
    (stamped.path / ".git/info/exclude").write_text("scratch.yaml.d\n")
    stamped.stamp()
    (stamped.path / path).write_text("x\n")
    assert stamped.answer == ANSWER


def test_a_commit_of_what_is_there_does_not_matter(stamped):
    stamped.written.git("commit", "-q", "--allow-empty", "-m", "again")
    assert stamped.answer == ANSWER


def test_a_configuration_below_the_top_stands_on_what_is_above_it_too(tmp_path):
    stamped = Stamped(tmp_path)
    inner = stamped.path / "docs" / "platform"
    (inner / "base").mkdir(parents=True)
    shutil.copy(stamped.path / "llmcfg.yaml", inner)
    top, stamped.path = stamped.path, inner
    stamped.stamp()
    assert stamped.answer == ANSWER
    (top / "docs" / ".gitignore").write_text("base\n")
    assert stamped.answer is None


def test_a_linked_work_tree_is_stamped_and_watched_too(tmp_path):
    stamped = Stamped(tmp_path)
    stamped.written.git("worktree", "add", "-q", "../linked")
    stamped.path = stamped.path.parent / "linked"
    stamped.stamp()
    assert stamped.answer == ANSWER
    (stamped.path / "base/limits.yaml").unlink()
    assert stamped.answer is None


def test_nothing_is_stamped_while_something_changed_lately(tmp_path):
    stamped = Stamped(tmp_path)
    clear_all(stamped.root)
    stamped.root.mkdir(exist_ok=True)
    stamped.stamp(time.time_ns())
    assert stamped.answer is None
    newest = max(max(facts[:2]) for facts in stamped.snapshot.stood_on.values())
    stamped.stamp(newest + TICK_NS)
    assert stamped.answer is None


@pytest.mark.parametrize(
    "setting", ["include.path=/nowhere", "includeIf.gitdir:/.path=/nowhere", "core.excludesFile=x"]
)
def test_nothing_is_stamped_where_settings_of_git_lead_elsewhere(stamped, setting):
    clear_all(stamped.root)
    stamped.root.mkdir(exist_ok=True)
    stamped.written.git("config", *setting.split("=", 1))
    stamped.stamp()
    assert not [*stamps(str(stamped.root))]


@pytest.mark.parametrize("place", ["~/ignored", "{home}/ignored"])
def test_a_list_of_ignored_files_that_settings_name_is_watched(stamped, no_settings_of_git, place):
    stamped.written.git("config", "core.excludesFile", place.format(home=no_settings_of_git))
    stamped.stamp()
    assert stamped.answer == ANSWER
    (no_settings_of_git / "ignored").write_text("limits.yaml\n")
    assert stamped.answer is None
    (no_settings_of_git / "ignored").unlink()
    assert stamped.answer == ANSWER


def test_nothing_is_stamped_of_a_revision(stamped):
    clear_all(stamped.root)
    stamped.root.mkdir(exist_ok=True)
    repository = open_repository(stamped.path)
    snapshot = repository.snapshot(repository.resolve("HEAD"))
    remember(
        stamped.root, QUESTION, ANSWER,
        repository=repository, snapshot=snapshot, program=stamped.program, began_ns=LATER_NS,
    )  # fmt: skip
    assert stamped.answer is None


PATHS = st.sampled_from(
    ["base/limits.yaml", "base/models/chat.yaml", "base/new.yaml", "base/scratch.yaml", "docs/notes.md", "x.swp"]
)
TEXTS = st.sampled_from(["rpm: 10\n", "rpm: 99\n", "rpm: 100\n"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PATHS, TEXTS),
        st.tuples(st.just("remove"), PATHS, TEXTS),
        st.tuples(st.just("replace"), PATHS, PATHS),
        st.tuples(st.just("ignore"), st.sampled_from([".gitignore", "base/.gitignore", ".git/info/exclude"]), PATHS),
        st.tuples(st.just("add"), PATHS, TEXTS),
        st.tuples(st.just("forget"), PATHS, TEXTS),
    ),
    min_size=1,
    max_size=4,
)


def make(stamped: Stamped, how: str, path: str, what: str) -> None:
    place = stamped.path / path
    if how == "write":
        place.write_text(what)
    elif how == "remove":
        place.unlink(missing_ok=True)
    elif how == "replace" and place.is_file():
        place.rename(stamped.path / what)
    elif how == "ignore":
        place.write_text(f"{Path(what).name}\n")
    elif how == "add" and place.is_file():
        stamped.written.git("add", "-f", path)
    elif how == "forget":
        stamped.written.git("rm", "-q", "--cached", "--ignore-unmatch", path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES)
def test_as_long_as_a_stamp_holds_the_work_tree_holds_the_same(changes):
    with TemporaryDirectory() as folder:
        stamped = Stamped(Path(folder))
        before = stamped.files
        for change in changes:
            make(stamped, *change)
        assert stamped.answer is None or stamped.files == before


def test_a_damaged_stamp_answers_nothing(stamped):
    (place,) = map(Path, stamps(str(stamped.root)))
    content = place.read_bytes()
    for cut in (0, 1, 3, 4, 5, len(content) // 2, len(content) - 1):
        place.write_bytes(content[:cut])
        assert stamped.answer is None
    for at in range(0, len(content), 97):
        place.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        assert stamped.answer is None
    place.write_bytes(content)
    assert stamped.answer == ANSWER


def test_a_stamp_of_another_form_answers_nothing(stamped):
    (place,) = map(Path, stamps(str(stamped.root)))
    body = b"stamp 0\n" + place.read_bytes()[12:]
    for other in (body, b"", b"\0" * 40):
        place.write_bytes(zlib.crc32(other).to_bytes(4, "big") + other)
        assert stamped.answer is None


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_stamp_that_others_may_write_answers_nothing(stamped, mode):
    (place,) = map(Path, stamps(str(stamped.root)))
    place.chmod(mode)
    assert stamped.answer is None
    place.chmod(0o600)
    place.parent.chmod(0o777)
    assert stamped.answer is None


def test_a_link_in_the_place_of_a_stamp_answers_nothing(stamped):
    (place,) = map(Path, stamps(str(stamped.root)))
    place.rename(stamped.root / "elsewhere")
    place.symlink_to(stamped.root / "elsewhere")
    assert stamped.answer is None


def test_a_place_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / FOLDER).write_text("")
    keep_answer(str(tmp_path), QUESTION, ANSWER, of="/x", present={}, absent=[], most=1)
    assert find_answer(str(tmp_path), QUESTION) is None


def test_only_the_newest_stamps_are_kept(tmp_path):
    (tmp_path / "there").touch()
    present = {str(tmp_path / "there"): facts_of((tmp_path / "there").stat())}
    for number in range(5):
        keep_answer(str(tmp_path), f"{number}", ANSWER, of="/x", present=present, absent=[], most=2)
        for place in stamps(str(tmp_path)):
            os.utime(place, ns=(0, Path(place).stat().st_mtime_ns - TICK_NS))
    assert [find_answer(str(tmp_path), f"{number}") for number in range(5)] == [None, None, None, ANSWER, ANSWER]


def test_care_of_a_cache_reaches_its_stamps(stamped):
    assert prune(stamped.root) == 0
    assert verify(stamped.root, stamped.path / ".git") == 0
    clear_one(stamped.root, stamped.root)
    assert stamped.answer == ANSWER
    (place,) = map(Path, stamps(str(stamped.root)))
    place.write_bytes(b"")
    assert verify(stamped.root, stamped.path / ".git") == 1
    stamped.stamp()
    clear_one(stamped.root, stamped.path / ".git")
    assert not [*stamps(str(stamped.root))]
    stamped.stamp()
    (stamped.path / "base/limits.yaml").unlink()
    assert prune(stamped.root) > 0
    stamped.stamp()
    clear_all(stamped.root)
    assert not stamped.root.exists()
