"""Stamps: what a command said, and all that its answer stands on (docs/adr/0026).

`<root>/stamps/<name>`, one for each question, which is a command line and what else decides over its answer. A stamp holds as long as
every file that the answer was made from has the facts that it had, and none has come that was not there. It has a checksum against
damage; whose file it is protects it from others, as it protects the rest of the cache.

`find_answer` is asked before anything else is loaded, so only the standard library is used here, and of it what loads at once.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib

from llmcfg.filefacts import facts_of, is_ours_alone

TYPE_CHECKING = False  # known to type checkers; importing `typing` would take longer than to find an answer
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.filefacts import Facts

    Answer = tuple[str, str]  # to stdout, to stderr
    Stamp = tuple[
        str, Answer, str, list[bytes], bytes, list[bytes]
    ]  # question, answer, whose, what is there, its facts, what is not

FOLDER = "stamps"
_NUMBER_BYTES = 4
_HEAD = 5  # fields before the paths
_FACTS = struct.Struct(">qqQQ")
_AT_ONCE = 256  # files
_FORM = b"stamp 1\n"
_TEXT = ("utf-8", "surrogateescape")


def find_answer(root: str, question: str) -> Answer | None:
    """What the question was answered with, if nothing changed since; None where that is not known."""
    stamp = _read(_place(root, question))
    return stamp[1] if stamp is not None and stamp[0] == question and _holds(stamp) else None


def keep_answer(
    root: str, question: str, answer: Answer, *, of: str, present: Mapping[str, Facts], absent: Iterable[str], most: int
) -> None:
    """Write a stamp over the one that the question had. `of` is the repository's Git folder; `most` stamps are kept.

    Where it cannot be written, nothing is.
    """
    present = dict(sorted(present.items(), key=_when_changed, reverse=True))
    texts = "\0".join([question, *answer, of, str(len(present)), *present, *absent]).encode(*_TEXT)
    body = _FORM + len(texts).to_bytes(_NUMBER_BYTES, "big") + texts + _packed(present.values())
    place = _place(root, question)
    aside = f"{place}.{os.getpid()}"
    try:
        if not os.path.isdir(f"{root}/{FOLDER}"):
            os.mkdir(f"{root}/{FOLDER}", mode=0o700)
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(_sum(body) + body)
        os.rename(aside, place)
        for old in sorted(stamps(root), key=_last_change)[:-most]:
            remove(old)
    except OSError:
        remove(aside)


def stamps(root: str) -> Iterator[str]:
    """The files of all stamps below `root`, and what writers that were killed left."""
    try:
        with os.scandir(f"{root}/{FOLDER}") as found:
            yield from [entry.path for entry in found if entry.is_file(follow_symlinks=False)]
    except OSError:
        return


def origin_of(place: str) -> str | None:
    """The Git folder of the repository that a stamp is of; None for a stamp that is damaged."""
    stamp = _read(place)
    return None if stamp is None else stamp[2]


def holds(place: str) -> bool:
    """Whether the answer of a stamp is still one."""
    stamp = _read(place)
    return stamp is not None and _holds(stamp)


def remove(place: str) -> None:
    try:
        os.unlink(place)
    except OSError:
        return


def _holds(stamp: Stamp) -> bool:
    """Some files at a time, and those first that changed last: they are the ones that change again."""
    _, _, _, present, facts, absent = stamp
    if len(facts) != len(present) * _FACTS.size:
        return False
    try:
        for first in range(0, len(present), _AT_ONCE):
            some = present[first : first + _AT_ONCE]
            if facts[first * _FACTS.size : (first + len(some)) * _FACTS.size] != _packed(
                map(facts_of, map(os.stat, some))
            ):
                return False
    except (OSError, ValueError, struct.error):  # the last for a time beyond the year 2262
        return False
    return not any(map(os.path.lexists, absent))


def _packed(facts: Iterable[Facts]) -> bytes:
    return b"".join([_FACTS.pack(*each) for each in facts])


def _when_changed(item: tuple[str, Facts]) -> int:
    return item[1][1]


def _place(root: str, question: str) -> str:
    """Two questions may share a place: the stamp says whose it is."""
    return f"{root}/{FOLDER}/{zlib.crc32(question.encode()):08x}"


def _read(place: str) -> Stamp | None:
    """A stamp that is ours alone and as it was written."""
    try:
        if not is_ours_alone(os.stat(os.path.dirname(place))):
            return None
        with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            content = file.read() if is_ours_alone(found) and stat.S_ISREG(found.st_mode) else b""
    except OSError:
        return None
    body = content[_NUMBER_BYTES:]
    is_sound = body.startswith(_FORM) and content[:_NUMBER_BYTES] == _sum(body)
    return _parsed(body[len(_FORM) :]) if is_sound else None


def _parsed(body: bytes) -> Stamp:
    end = _NUMBER_BYTES + int.from_bytes(body[:_NUMBER_BYTES], "big")
    fields = body[_NUMBER_BYTES:end].split(b"\0")
    question, out, note, of, count = (field.decode(*_TEXT) for field in fields[:_HEAD])
    present = _HEAD + int(count)
    return question, (out, note), of, fields[_HEAD:present], body[end:], fields[present:]


def _sum(body: bytes) -> bytes:
    """A checksum finds what a disk does to a file; a digest would take OpenSSL, which takes longer than everything else."""
    return zlib.crc32(body).to_bytes(_NUMBER_BYTES, "big")


def _last_change(place: str) -> int:
    try:
        return os.stat(place).st_mtime_ns
    except OSError:
        return 0
