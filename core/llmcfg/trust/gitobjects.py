"""Commits and annotated tags as raw objects, taken apart into what was signed and the signature, strictly.

Git and libgit2 read more than they should: two signatures, a NUL, headers out of order, dates that overflow. A signature counts only where
all of them see the same object, so anything else is refused.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from llmcfg.trust import openpgp, sshsig
from llmcfg.trust.failure import SIG_FORM, SIG_KIND, SIG_MISSING, SignatureError

_SIGNATURE: Final = "gpgsig"
_OTHER_SIGNATURES: Final = frozenset({"gpgsig-sha256"})
_REPEATED: Final = frozenset({"parent", "mergetag"})
_X509: Final = b"-----BEGIN SIGNED MESSAGE-----"
_OID: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PERSON: Final = re.compile(rb"[^<>\n]*<[^<>\n]*> (0|[1-9][0-9]{0,11}) [-+][0-9]{4}")
_NAME: Final = re.compile(rb"[a-zA-Z][a-zA-Z0-9-]*")
_LATEST: Final = 1 << 36  # seconds; some two thousand years from 1970


class SignedObject(NamedTuple):
    """`content` is what was signed: the object without its signature. The rest is what a tag says, and empty for a commit.

    `names` is the name that it gives itself, `commit` what it points at if that is a commit.
    """

    content: bytes
    signature: bytes
    is_openpgp: bool = False
    names: str = ""
    commit: str = ""
    message: bytes = b""


class _Header(NamedTuple):
    name: str
    value: bytes
    start: int
    end: int


def split_commit(raw: bytes) -> SignedObject:
    """A commit's object, without the header that Git puts before it. Raises SignatureError when it is not signed, or malformed."""
    headers, _ = _headers(raw)
    _require_commit(headers)
    found = next((header for header in headers if header.name == _SIGNATURE), None)
    if found is None:
        raise SignatureError(SIG_MISSING, "it is not signed")
    if any(header.name in _OTHER_SIGNATURES for header in headers):
        raise SignatureError(SIG_FORM, "it has a second signature, for a repository of another kind")
    signature = found.value.replace(b"\n ", b"\n")
    return SignedObject(raw[: found.start] + raw[found.end :], signature, _is_openpgp(signature))


def split_tag(raw: bytes) -> SignedObject:
    """An annotated tag's object, likewise; its signature stands below its message."""
    headers, body = _headers(raw)
    if [header.name for header in headers[:4]] != ["object", "type", "tag", "tagger"]:
        raise SignatureError(SIG_FORM, "its headers are not object, type, tag and tagger")
    _require_id(headers[0])
    _require_person(headers[3])
    start = max(raw.rfind(b"\n" + begin, body - 1) + 1 for begin in (sshsig.BEGIN, openpgp.BEGIN, _X509))
    if start <= 0:
        raise SignatureError(SIG_MISSING, "it is not signed")
    name = headers[2].value.decode("utf-8", "replace")
    commit = headers[0].value.decode() if headers[1].value == b"commit" else ""
    return SignedObject(raw[:start], raw[start:], _is_openpgp(raw[start:]), name, commit, raw[body:start])


def _headers(raw: bytes) -> tuple[list[_Header], int]:
    """The headers, and where the message begins."""
    if b"\0" in raw:
        raise SignatureError(SIG_FORM, "it has a NUL, where some readers stop")
    end = raw.find(b"\n\n") + 1
    if end <= 0:
        raise SignatureError(SIG_FORM, "no empty line ends its headers")
    headers: list[_Header] = []
    at = 0
    while at < end:
        stop = raw.index(b"\n", at)
        while raw[stop + 1 : stop + 2] == b" ":
            stop = raw.index(b"\n", stop + 1)
        name, _, value = raw[at:stop].partition(b" ")
        if not _NAME.fullmatch(name) or not value:
            raise SignatureError(SIG_FORM, "a line among its headers is none")
        headers.append(_Header(name.decode(), value, at, stop + 1))
        at = stop + 1
    names = [header.name for header in headers if header.name not in _REPEATED]
    if len(names) != len(set(names)):
        raise SignatureError(SIG_FORM, "a header stands in it twice")
    return headers, end + 1


def _require_commit(headers: list[_Header]) -> None:
    names = [header.name for header in headers]
    parents = names.count("parent")
    if names[: parents + 3] != ["tree", *["parent"] * parents, "author", "committer"]:
        raise SignatureError(SIG_FORM, "its headers are not tree, parents, author and committer, in this order")
    for header in headers[: parents + 1]:
        _require_id(header)
    for header in headers[parents + 1 : parents + 3]:
        _require_person(header)


def _require_id(header: _Header) -> None:
    if not _OID.fullmatch(header.value):
        raise SignatureError(SIG_FORM, f"what {header.name} names is no object")


def _require_person(header: _Header) -> None:
    found = _PERSON.fullmatch(header.value)
    if found is None or int(found[1]) >= _LATEST:
        raise SignatureError(SIG_FORM, f"its {header.name} is not a name, an address and a time that all readers read")


def _is_openpgp(signature: bytes) -> bool:
    """Else it is of SSH, if it is any that is read."""
    if signature.startswith(_X509):
        raise SignatureError(SIG_KIND, "it is signed with X.509, which is not read; sign it with an SSH key")
    return signature.startswith(openpgp.BEGIN)
