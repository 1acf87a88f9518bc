"""One entry of a log: a line of canonical JSON that names the line before it and carries a MAC of the log's key.

Texts that callers give are cut to a length, with the digest of the whole, and hold nothing that a terminal acts on: one entry is one short
line whatever was given.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError
from llmcfg.limits import AUDIT_LINE_BYTES, AUDIT_TEXT_CHARACTERS
from llmcfg.model.act import Outcome  # noqa: TC001  # msgspec looks it up

if TYPE_CHECKING:
    from datetime import datetime

    from llmcfg.model.act import Act


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`previous` is the leaf hash of the line before in hex, empty in the first; `mac` covers everything else.

    `code` says why it was not done.
    """

    number: int
    at: str
    log: str
    act: str
    outcome: Outcome
    actor: str
    user: str
    mac: str
    correlation: str = ""
    previous: str = ""
    subject: str = ""
    environment: str = ""
    tenant: str = ""
    consumer: str = ""
    revision: str = ""
    code: str = ""
    facts: dict[str, str] = {}


class Who(NamedTuple):
    """`actor` is what Git calls the caller, which is the caller's word; `user` is the name that the system knows."""

    actor: str
    user: str


class Said(NamedTuple):
    """What is to be entered. `correlation` joins the entries of one act."""

    act: Act
    outcome: Outcome
    correlation: str = ""
    code: str = ""


_decode: Final = msgspec.json.Decoder(Entry).decode
_UNSEALED: Final = ("mac",)
_UNSAFE: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]"
)


def make_entry(said: Said, who: Who, at: datetime, *, log: str, number: int, previous: str, key: bytes) -> Entry:
    act = said.act
    entry = Entry(
        number=number,
        at=time_text(at),
        log=log,
        act=act.verb,
        outcome=said.outcome,
        actor=_short(who.actor),
        user=_short(who.user),
        mac="",
        correlation=said.correlation,
        previous=previous,
        subject=_short(act.subject),
        environment=_short(act.environment),
        tenant=_short(act.tenant),
        consumer=_short(act.consumer),
        revision=_short(act.revision),
        code=_short(said.code),
        facts={name: _short(text) for name, text in act.facts.items()},
    )
    return msgspec.structs.replace(entry, mac=_mac(entry, key))


def time_text(at: datetime) -> str:
    """A time in UTC as it stands in entries."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_entry(entry: Entry) -> bytes:
    """The line, without its end."""
    return canonical_json(msgspec.to_builtins(entry))


def parse_entry(line: bytes) -> Entry:
    """The entry of a line in its one form, whoever wrote it. Raises IntegrityError."""
    try:
        entry = _decode(line) if len(line) <= AUDIT_LINE_BYTES else None
        if entry is not None and encode_entry(entry) == line:
            return entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    raise IntegrityError("it is not an entry as llmcfg writes it", hint="llmcfg audit verify shows what else changed")


def is_authentic(entry: Entry, key: bytes) -> bool:
    return hmac.compare_digest(entry.mac, _mac(entry, key))


def value_print(key: bytes, value: bytes) -> str:
    """What stands in an entry for a value: the same for the same value of one log, and of no use without its key."""
    return "hmac-sha256:" + hmac.digest(_derived(key, b"value"), value, "sha256").hex()


def _mac(entry: Entry, key: bytes) -> str:
    said = {name: value for name, value in msgspec.to_builtins(entry).items() if name not in _UNSEALED}
    return hmac.digest(_derived(key, b"entry"), canonical_json(said), "sha256").hex()


def _derived(key: bytes, use: bytes) -> bytes:
    """A key for one use of a log's key."""
    return hmac.digest(key, b"llmcfg audit " + use, "sha256")


def _short(text: str) -> str:
    """What a terminal would act on or hide is written out, so that entries can be shown anywhere as they are."""
    shown = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    if len(shown) <= AUDIT_TEXT_CHARACTERS:
        return shown
    return f"{shown[:AUDIT_TEXT_CHARACTERS]}… sha256:{hashlib.sha256(shown.encode()).hexdigest()}"
