"""A directory whose consumers have a say: refused before anything is visible, taken back when they are not well, finished after a crash."""

from __future__ import annotations

import pytest

from llmcfg import failpoints
from llmcfg.errors import RemoteError
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sinks.switching import UNFINISHED
from support.children import run_in_child

ONE, TWO, THREE = ({"head.json": number} for number in (b"1", b"2", b"3"))


class Consumers:
    """Writes down what it is asked, in a file, so that a killed delivery can be looked at; refuses what it is told to."""

    def __init__(self, log, *, invalid=(), unwell=()):
        self.log, self.invalid, self.unwell = log, invalid, unwell

    def validate(self, staged, before):
        self._note("validate", staged, before)
        if (staged / "head.json").read_bytes() in self.invalid:
            raise RemoteError("not valid", code="hook-validate")

    def settle(self, current, before):
        self._note("settle", current, before)
        if (current / "head.json").read_bytes() in self.unwell:
            raise RemoteError("not well", code="hook-probe")

    def _note(self, verb, new, old):
        with self.log.open("a") as log:
            print(verb, number(new), number(old), file=log)


def number(folder):
    return (folder / "head.json").read_text() if folder else "-"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "delivered"


@pytest.fixture
def asked(tmp_path):
    """What the consumers were asked since the last look."""
    log = tmp_path / "log"
    log.touch()

    def look():
        lines = log.read_text().splitlines()
        log.write_text("")
        return lines

    return look


@pytest.fixture
def make(tmp_path, root):
    return lambda **options: DirectorySink(root, 3, Consumers(tmp_path / "log", **options))


def deliver(sink, files):
    sink.deliver("root" + files["head.json"].decode(), files)


def current(root):
    return (root / "current/head.json").read_bytes()


def test_consumers_are_asked_before_the_switch_and_told_after_it(make, root, asked):
    deliver(make(), ONE)
    deliver(make(), TWO)
    assert asked() == ["validate 1 -", "settle 1 -", "validate 2 1", "settle 2 1"]
    assert (current(root), make().delivered()) == (b"2", "root2")


def test_the_same_delivery_again_asks_nobody(make, asked):
    deliver(make(), ONE)
    asked()
    deliver(make(), ONE)
    assert asked() == []


def test_what_a_consumer_refuses_is_never_current(make, root, asked):
    deliver(make(), ONE)
    with pytest.raises(RemoteError, match="not valid"):
        deliver(make(invalid=[b"2"]), TWO)
    assert (current(root), make().delivered()) == (b"1", "root1")
    assert asked()[2:] == ["validate 2 1"]
    assert UNFINISHED not in make().observe()


def test_what_makes_a_consumer_unwell_is_taken_back_and_it_is_told_again(make, root, asked):
    deliver(make(), ONE)
    with pytest.raises(RemoteError, match="not well"):
        deliver(make(unwell=[b"2"]), TWO)
    assert (current(root), make().delivered()) == (b"1", "root1")
    assert asked()[2:] == ["validate 2 1", "settle 2 1", "settle 1 2"]
    deliver(make(), THREE)
    assert current(root) == b"3"


def test_a_first_delivery_that_is_taken_back_leaves_none(make, root):
    with pytest.raises(RemoteError):
        deliver(make(unwell=[b"1"]), ONE)
    assert make().observe() is None
    deliver(make(), ONE)
    assert current(root) == b"1"


def test_a_delivery_that_is_taken_back_may_be_tried_again(make, root):
    deliver(make(), ONE)
    for _ in range(2):
        with pytest.raises(RemoteError):
            deliver(make(unwell=[b"2"]), TWO)
    deliver(make(), TWO)
    assert current(root) == b"2"


FORWARD = [
    "directory.written",
    "directory.placed",
    "directory.switch_written",
    "directory.switched",
    "directory.pointed",
]
BACK = ["directory.undo_written", "directory.taken_back"]


def killed_at(point, work):
    def doomed():
        failpoints.arm(f"{point}=exit")
        work()

    assert run_in_child(doomed) == 137, f"{point} is not reached"


@pytest.mark.fault("C03")
@pytest.mark.parametrize("point", FORWARD)
def test_killed_on_the_way_forward_the_next_delivery_tells_the_consumer(make, root, asked, point):
    deliver(make(), ONE)
    asked()
    killed_at(point, lambda: deliver(make(), TWO))
    assert current(root) in (b"1", b"2")
    deliver(make(), TWO)
    assert (current(root), make().delivered()) == (b"2", "root2")
    assert "settle 2 1" in asked()
    assert make().observe().keys() == {"head.json"}


@pytest.mark.parametrize("point", ["directory.switch_written", "directory.switched"])
def test_a_switch_that_was_not_finished_is_seen(make, root, point):
    deliver(make(), ONE)
    killed_at(point, lambda: deliver(make(), TWO))
    assert UNFINISHED in make().observe()


@pytest.mark.fault("C03")
@pytest.mark.parametrize("point", BACK)
def test_killed_on_the_way_back_the_next_delivery_goes_back_first(make, root, asked, point):
    deliver(make(), ONE)
    killed_at(point, lambda: deliver(make(unwell=[b"2"]), TWO))
    asked()
    deliver(make(), THREE)
    assert asked() == ["settle 1 2", "validate 3 1", "settle 3 1"]
    assert current(root) == b"3"


@pytest.mark.fault("C13")
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"to": "../../x", "before": null}', b'{"to": 1, "before": 2}', b"\xff"]
)
def test_a_note_that_cannot_be_read_is_none(make, root, content):
    deliver(make(), ONE)
    (root / ".llmcfg/switching").write_bytes(content)
    deliver(make(), TWO)
    assert current(root) == b"2"
