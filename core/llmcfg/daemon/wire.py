"""What supervisor and children say to one another: one JSON object a line, each with its shape, on stdin and stdout of the child.

The first line is a `Start`. Then the builder answers each `Build` with steps and one `Built`; the courier is told what to look after
by `Deliver` and says how its sinks are with `Lane`, whenever that changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from llmcfg.daemon.passes import Request
from llmcfg.model.settings import Settings
from llmcfg.sync.records import PassRecord, SinkRecord

MOST_LINE: Final = 64 << 20


class Start(msgspec.Struct, frozen=True, tag=True):
    directory: Path
    state: Path
    settings: Settings
    search_path: str
    agent: str = ""
    failpoints: str = ""


class Build(msgspec.Struct, frozen=True, tag=True):
    """Make a pass. `repair` says that the one before died on it: what can be made anew of the private repository is."""

    request: Request
    repair: bool = False


class StepTaken(msgspec.Struct, frozen=True, tag=True):
    step: str
    environment: str


class Built(msgspec.Struct, frozen=True, tag=True):
    """`resident` is the memory that the builder uses now, in bytes; `slow` are the environments with sinks for the courier."""

    found: PassRecord
    resident: int
    slow: tuple[str, ...] = ()


class Deliver(msgspec.Struct, frozen=True, tag=True):
    """Look after the slow sinks of these environments, and of no others. `lift` gives up no sink any more that was given up."""

    environments: tuple[str, ...]
    lift: bool = False


class Lane(msgspec.Struct, frozen=True, tag=True):
    """How one slow sink is. Without `sink` there is none of this name any more."""

    environment: str
    name: str
    sink: SinkRecord | None


ToChild = Start | Build | Deliver
FromChild = StepTaken | Built | Lane


def write_line(message: ToChild | FromChild) -> bytes:
    return msgspec.json.encode(message, enc_hook=_plain) + b"\n"


def read_for_child(line: bytes) -> ToChild:
    said: ToChild = _TO_CHILD.decode(line)
    return said


def read_from_child(line: bytes) -> FromChild:
    """Raises msgspec.DecodeError for what no child of ours says."""
    said: FromChild = _FROM_CHILD.decode(line)
    return said


def _plain(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)


_TO_CHILD: Final = msgspec.json.Decoder(ToChild, dec_hook=_path)
_FROM_CHILD: Final = msgspec.json.Decoder(FromChild)
