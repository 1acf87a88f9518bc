"""What writes durably, each with what it promises and what has to hold after any crash: nothing promised is lost, nothing half is seen,
and the next one goes through with nobody's help."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from llmcfg import disk
from llmcfg.bundlefile.files import BUNDLE_FILE
from llmcfg.daemon.state import StateFolder, StoredRequest, Suspension
from llmcfg.errors import ConflictError, RemoteError
from llmcfg.git.repository import open_repository
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sync.records import StatusRecord, read_status, write_status

Promise = Callable[[str], None]


class Writer(NamedTuple):
    """`prepare` makes the folder as it was before, `write` is what a crash comes into, `check` looks at what it left, and goes on."""

    name: str
    prepare: Callable[[Path], None]
    write: Callable[[Path, Promise], None]
    check: Callable[[Path, frozenset[str]], None]
    is_repeatable: bool = True
    most: int | None = None  # states that are looked at, where there are very many


# single files

OLD, NEW = b"old " * 50, b"new " * 80


def prepare_file(root: Path) -> None:
    (root / "file").write_bytes(OLD)


def replace_file(root: Path, promise: Promise) -> None:
    disk.atomic_write(root / "file", NEW)
    promise("new")


def check_file(root: Path, promised: frozenset[str]) -> None:
    found = (root / "file").read_bytes()
    assert found == NEW or (found == OLD and "new" not in promised), f"the file holds {found[:20]!r}"
    disk.atomic_write(root / "file", OLD)
    assert (root / "file").read_bytes() == OLD


def make_file(root: Path, promise: Promise) -> None:
    disk.make_folders(root / "a/b")
    disk.atomic_write(root / "a/b/file", NEW)
    promise("new")


def check_made(root: Path, promised: frozenset[str]) -> None:
    path = root / "a/b/file"
    assert path.exists() or "new" not in promised, "a promised file is gone"
    assert not path.exists() or path.read_bytes() == NEW
    make_file(root, lambda _: None)


def prepare_several(root: Path) -> None:
    for name in ("one", "two", "gone"):
        (root / name).write_bytes(OLD)


def replace_several(root: Path, promise: Promise) -> None:
    disk.write_all({root / "one": NEW, root / "two": NEW}, [root / "gone"])
    promise("new")


def check_several(root: Path, promised: frozenset[str]) -> None:
    found = [(root / name).read_bytes() for name in ("one", "two")]
    assert set(found) <= {OLD, NEW}
    assert found == [NEW, NEW] or "new" not in promised, "what was promised is old"
    assert (root / "gone").exists() or found == [NEW, NEW], "something is removed before its successor is there"
    assert not ((root / "gone").exists() and "new" in promised), "what was removed is back"


LINES = [f'{{"entry": {number}}}'.encode() for number in range(3)]


def append_lines(root: Path, promise: Promise) -> None:
    for number, line in enumerate(LINES):
        disk.append_line(root / "log", line)
        promise(str(number))


def check_lines(root: Path, promised: frozenset[str]) -> None:
    path = root / "log"
    whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    assert whole == LINES[: len(whole)], "a line is torn, or out of order"
    assert len(whole) >= len(promised), "a promised line is gone"


# the directory sink

FIRST = {"head.json": b"1", "_shared/api/a.json": b'{"a":1}', "_shared/api/same.json": b"{}"}
SECOND = {"head.json": b"2", "_shared/api/a.json": b'{"a":2}', "_shared/api/same.json": b"{}"}
MANY = {**SECOND, **{f"_shared/c{number}/a.json": b"%d" % number for number in range(14)}}
THIRD = {"head.json": b"3", "other.json": b"{}"}


def name_of(files: dict[str, bytes]) -> str:
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def contents(files: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def read_current(root: Path) -> dict[str, bytes] | None:
    """As a consumer reads it: the link is resolved once."""
    link = root / "current"
    if not link.is_symlink():
        return None
    folder = root / link.readlink()
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != BUNDLE_FILE
    }


class Consumers:
    """Content with everything but what they are told to refuse after the switch. They remember what they were told to use."""

    def __init__(self, unwell: bytes = b"", told: Promise = lambda _: None) -> None:
        self.unwell = unwell
        self.told = told

    def validate(self, staged: Path, before: Path | None) -> None: ...

    def settle(self, current: Path, before: Path | None) -> None:
        self.told(f"told {(current / 'head.json').read_text()}")
        if (current / "head.json").read_bytes() == self.unwell:
            raise RemoteError("not well", code="hook-probe")


def make_sink(root: Path, after_apply: Consumers | None = None) -> DirectorySink:
    return DirectorySink(root / "delivered", 2, after_apply)


def deliver(sink: DirectorySink, files: dict[str, bytes]) -> None:
    sink.deliver(name_of(files), files)


def check_delivery(root: Path, promised: frozenset[str], sink: DirectorySink) -> None:
    found, said = read_current(root / "delivered"), sink.delivered()
    assert found in (None, FIRST, SECOND), f"half a delivery is visible: {found}"
    if "second" in promised:
        assert found == SECOND, "a promised delivery is gone"
    elif "first" in promised:
        assert found is not None, "a promised delivery is gone"
    if said == name_of(SECOND):
        assert found == SECOND, "a delivery is recorded that is not current"
    for files in (SECOND, THIRD):
        deliver(sink, files)
        assert sink.observe() == contents(files)
        assert read_current(root / "delivered") == files
    assert sink.leftovers() == []


def deliver_first_and_second(root: Path, promise: Promise) -> None:
    sink = make_sink(root)
    deliver(sink, FIRST)
    promise("first")
    deliver(sink, SECOND)
    promise("second")


def prepare_delivery(root: Path) -> None:
    deliver(make_sink(root), FIRST)


def deliver_second(root: Path, promise: Promise) -> None:
    deliver(make_sink(root), SECOND)
    promise("second")


def deliver_many(root: Path, promise: Promise) -> None:
    """More files than are written one after the other."""
    deliver(make_sink(root), MANY)
    promise("many")


def check_many(root: Path, promised: frozenset[str]) -> None:
    found = read_current(root / "delivered")
    assert found == MANY or (found == FIRST and "many" not in promised), (
        "half a delivery is visible, or a promised one gone"
    )
    deliver(make_sink(root), SECOND)
    check_delivery(root, frozenset({"second"}), make_sink(root))


def deliver_with_consumers(root: Path, promise: Promise) -> None:
    deliver(make_sink(root, Consumers(told=promise)), SECOND)
    promise("second")


def check_consumers(root: Path, promised: frozenset[str]) -> None:
    told = list[str]()
    assert read_current(root / "delivered") in (FIRST, SECOND), "half a delivery is visible"
    deliver(make_sink(root, Consumers(told=told.append)), SECOND)
    assert "told 2" in {*promised, *told}, "the consumers were never told"
    check_delivery(root, promised | {"first"}, make_sink(root, Consumers()))


def deliver_what_is_taken_back(root: Path, promise: Promise) -> None:
    with suppress(RemoteError):
        deliver(make_sink(root, Consumers(unwell=b"2")), SECOND)
    promise("first again")


def check_taken_back(root: Path, promised: frozenset[str]) -> None:
    if "first again" in promised:
        assert read_current(root / "delivered") == FIRST, "what was taken back is current"
    check_delivery(root, frozenset({"first"}), make_sink(root, Consumers()))


# refs

REF = "refs/heads/deployed/prod"
_GIT = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, env=_GIT)
    return done.stdout.strip()


def prepare_ref(root: Path) -> None:
    """A ref that was moved once, and a commit that it can go to; the names of both lie beside the repository."""
    git(root, "init", "-q", "--bare", "--template=", "git")
    repository = open_repository(root / "git")
    old = repository.commit_files(REF, {"head.json": b"1"}, expected=None, message="one")
    new = repository.commit_files(REF, {"head.json": b"2"}, expected=old, message="two")
    git(root / "git", "update-ref", REF, old)
    (root / "names").write_text(f"{old} {new}")


def move_ref(root: Path, promise: Promise) -> None:
    old, new = (root / "names").read_text().split()
    open_repository(root / "git").move_ref(REF, old, new)
    promise("moved")


def make_ref(root: Path, promise: Promise) -> None:
    new = (root / "names").read_text().split()[1]
    open_repository(root / "git").move_ref("refs/heads/deployed/dev/new", None, new)
    promise("made")


def lose_a_race(root: Path, promise: Promise) -> None:
    new = (root / "names").read_text().split()[1]
    with suppress(ConflictError):
        open_repository(root / "git").move_ref(REF, new, new)
    promise("refused")


def check_ref(root: Path, promised: frozenset[str]) -> None:
    old, new = (root / "names").read_text().split()
    repository = open_repository(root / "git")
    found = repository.read_ref(REF)
    assert found == new or (found == old and "moved" not in promised), f"the ref holds {found}"
    assert found == old or "refused" not in promised, "a ref moved although it was not what was expected"
    made = repository.read_ref("refs/heads/deployed/dev/new")
    assert made == new or (made is None and "made" not in promised), f"the new ref holds {made}"
    repository.lock_seconds = 0.05
    after = repository.commit_files(REF, {"head.json": b"3"}, expected=found, message="three")
    assert repository.read_ref(REF) == after
    repository.move_ref("refs/heads/deployed/dev/new", made, after)
    assert not list((root / "git/refs").rglob("*.lock"))


# what people asked the daemon for, and what it says

_WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def prepare_state(root: Path) -> None:
    state = StateFolder(root)
    write_status(root, StatusRecord(pid=1))
    state.suspend("dev", Suspension(_WHEN, "Ada"))
    state._write("requests", "old", StoredRequest(redeliver=True))


def change_state(root: Path, promise: Promise) -> None:
    state = StateFolder(root)
    state.suspend("prod", Suspension(_WHEN, "Ada", "a fire"))
    promise("suspended")
    state.resume("dev")
    promise("resumed")
    write_status(root, StatusRecord(pid=2))
    promise("written")
    state.answered("old")
    promise("answered")


def check_state(root: Path, promised: frozenset[str]) -> None:
    state = StateFolder(root)
    suspended = state.suspended()
    assert "prod" in suspended or "suspended" not in promised
    assert suspended.get("prod", Suspension(_WHEN, "Ada", "a fire")).why == "a fire"
    assert not ("dev" in suspended and "resumed" in promised), "what was resumed is suspended again"
    status = read_status(root)
    assert status is not None
    assert status.pid == 2 or (status.pid == 1 and "written" not in promised)
    assert not (state.is_asked("old") and "answered" in promised), "what was answered is asked again"
    assert state.is_asked("old") or status.pid == 2, "a request is answered before what came of it is written"
    state.suspend("prod", Suspension(_WHEN, "Bob"))
    assert state.suspended()["prod"].by == "Bob"


WRITERS = [
    Writer("a file that is replaced", prepare_file, replace_file, check_file),
    Writer("a file in new folders", lambda root: None, make_file, check_made),
    Writer("several files at once", prepare_several, replace_several, check_several),
    Writer("lines of a log", lambda root: None, append_lines, check_lines, is_repeatable=False),
    Writer(
        "the first deliveries",
        lambda root: None,
        deliver_first_and_second,
        lambda root, promised: check_delivery(root, promised, make_sink(root)),
        is_repeatable=False,
    ),
    Writer(
        "a delivery after another",
        prepare_delivery,
        deliver_second,
        lambda root, promised: check_delivery(root, promised | {"first"}, make_sink(root)),
    ),
    Writer("a delivery of many files", prepare_delivery, deliver_many, check_many, is_repeatable=False, most=60),
    Writer(
        "a delivery with consumers who have a say",
        prepare_delivery,
        deliver_with_consumers,
        check_consumers,
    ),
    Writer(
        "a delivery that is taken back",
        prepare_delivery,
        deliver_what_is_taken_back,
        check_taken_back,
        is_repeatable=False,
    ),
    Writer("a ref that moves", prepare_ref, move_ref, check_ref),
    Writer("a ref that is new", prepare_ref, make_ref, check_ref),
    Writer("a ref that is not what it was", prepare_ref, lose_a_race, check_ref),
    Writer("the state folder", prepare_state, change_state, check_state),
]
