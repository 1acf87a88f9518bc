"""Strict parsing of raw commit and tag objects: bytes in, values out. Pure.

Git readers differ on commits with two trees, two authors or bytes after a NUL, so such a commit is refused (IntegrityError). A date that
no calendar holds is moved to the nearest that one does; text that is not valid in its encoding keeps a replacement character.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from llmcfg.errors import IntegrityError
from llmcfg.model.snapshot import CommitFacts
from llmcfg.regex import regex

_SIGNATURE = regex(r"(?P<name>[^<>]*?) ?<(?P<email>[^<>]*)> (?P<time>-?\d{1,20}) (?P<zone>[+-]\d{4,})")
_TRAILER = regex(r"([A-Za-z0-9][A-Za-z0-9-]*): (.*)")
_OID = regex(r"[0-9a-f]{40}")
_ENCODING = regex(r"iso-8859-([1-9]|1[0-1]|1[3-6])|latin-?1|windows-125[0-8]|koi8-r|euc-jp|shift_jis|gbk|big5", re.I)
_MAX_PARENTS = 66
_LATEST = 253_402_214_400  # the last day of the year 9999


class ParsedCommit(NamedTuple):
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    when: datetime  # the committer's, since history is asked what held when
    message: str


class ParsedTag(NamedTuple):
    object: str
    kind: str
    name: str


def parse_commit(oid: str, raw: bytes) -> ParsedCommit:
    """Raises IntegrityError when Git readers could differ on what the commit says."""
    headers, message = _headers(oid, raw)
    once = {key: _single(oid, headers, key) for key in ("tree", "author", "committer")}
    parents = tuple(value for key, value in headers if key == "parent")
    if not all(_OID.fullmatch(name) for name in (once["tree"], *parents)):
        raise _malformed(oid, "a tree or parent is not an object id")
    if len(parents) > _MAX_PARENTS:
        raise _malformed(oid, f"it has {len(parents)} parents; the limit is {_MAX_PARENTS}")
    author, committer = _signature(oid, once["author"]), _signature(oid, once["committer"])
    encoding = next((value for key, value in headers if key == "encoding"), "utf-8")
    return ParsedCommit(
        once["tree"], parents, author["name"], author["email"], _moment(committer), _decode(message, encoding)
    )


def parse_tag(oid: str, raw: bytes) -> ParsedTag:
    headers, _ = _headers(oid, raw)
    target, kind, name = (_single(oid, headers, key) for key in ("object", "type", "tag"))
    if not _OID.fullmatch(target):
        raise _malformed(oid, "its object is not an object id")
    return ParsedTag(target, kind, name)


def commit_facts(oid: str, commit: ParsedCommit) -> CommitFacts:
    lines = commit.message.strip("\n").split("\n")
    return CommitFacts(
        oid, commit.author, commit.email, commit.when, lines[0].strip(), parse_trailers(commit.message), commit.parents
    )


def parse_trailers(message: str) -> tuple[tuple[str, str], ...]:
    """`Key: value` lines of the last paragraph, if it holds nothing else; the subject is never a trailer."""
    paragraphs = re.split(r"\n[ \t]*\n", message.strip("\n"))
    if len(paragraphs) < 2:
        return ()
    trailers: list[tuple[str, str]] = []
    for line in paragraphs[-1].split("\n"):
        match = _TRAILER.fullmatch(line.rstrip())
        if match:
            trailers.append((match[1], match[2].strip()))
        elif trailers and line[:1] in (" ", "\t"):
            trailers[-1] = (trailers[-1][0], f"{trailers[-1][1]} {line.strip()}")
        else:
            return ()
    return tuple(trailers)


def _headers(oid: str, raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    head, separator, message = raw.partition(b"\n\n")
    if not separator:
        head = head.removesuffix(b"\n")
    if b"\0" in raw:
        raise _malformed(oid, "it holds a NUL byte")
    headers: list[tuple[str, str]] = []
    for line in head.decode("utf-8", "replace").split("\n"):
        if line.startswith(" ") and headers:
            continue  # a further line of a signature
        key, _, value = line.partition(" ")
        headers.append((key, value))
    return headers, message


def _single(oid: str, headers: list[tuple[str, str]], key: str) -> str:
    values = [value for name, value in headers if name == key]
    if len(values) != 1:
        raise _malformed(oid, f"it has {len(values)} {key} lines")
    return values[0]


def _signature(oid: str, text: str) -> dict[str, str]:
    match = _SIGNATURE.fullmatch(text)
    if match is None:
        raise _malformed(oid, f"{text[:80]!r} is no name <mail> time zone")
    return match.groupdict()


def _moment(signature: dict[str, str]) -> datetime:
    seconds = min(max(int(signature["time"]), 0), _LATEST)
    zone = signature["zone"]
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    if len(zone) > 5 or offset >= timedelta(hours=24):
        return datetime.fromtimestamp(seconds, UTC)
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.astimezone(timezone(-offset if zone[0] == "-" else offset)) if seconds > 86_400 else moment


def _decode(message: bytes, encoding: str) -> str:
    return message.decode(encoding if _ENCODING.fullmatch(encoding) else "utf-8", "replace")


def _malformed(oid: str, what: str) -> IntegrityError:
    return IntegrityError(f"object {oid} is malformed: {what}", hint="git did not write it; git fsck says more")
