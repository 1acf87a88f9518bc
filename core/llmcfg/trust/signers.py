"""Lists of signers in the form of OpenSSH's allowed_signers: who may sign what, with which key, and when.

    ada@example.com,ops namespaces="git" valid-after="20260101Z" ssh-ed25519 AAAA… laptop

Stricter than OpenSSH: principals are names and no patterns, since rights hang on them; certificate authorities are refused; a key stands in
the list once; and times are UTC, with or without the Z. In place of a key of SSH there may be one of OpenPGP: `openpgp` and base64 of it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.findings import Problem
from llmcfg.trust.failure import SIG_EXPIRED, SIG_KIND, SIG_REVOKED, SIG_SCOPE, SIG_UNKNOWN, SignatureError
from llmcfg.trust.keys import parse_key_text
from llmcfg.trust.openpgp import KIND as OPENPGP
from llmcfg.trust.openpgp import Certificate, parse_certificate_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.trust.keys import PublicKey
    from llmcfg.trust.openpgp import CheckOpenPgp

RULE: Final = "trust-form"
_NONE: Final[Mapping[str, int]] = MappingProxyType({})
_LONGEST: Final = 1 << 20  # bytes of a list
_PRINCIPALS: Final = re.compile(r'"([^"]+)"|([^\s"]+)')
_PRINCIPAL: Final = re.compile(r"[^\s,*?!\"']{1,200}")
_OPTION: Final = re.compile(r'([a-zA-Z-]+)(?:="([^"]*)")?(?:,|(?=\s))')
_TIME: Final = re.compile(r"([0-9]{8})(?:([0-9]{4})([0-9]{2})?)?Z?")


class Signer(NamedTuple):
    """`namespaces` empty: all. The key counts from `valid_after` on and before `valid_before`."""

    principals: tuple[str, ...]
    key: PublicKey | Certificate
    namespaces: tuple[str, ...] = ()
    valid_after: datetime | None = None
    valid_before: datetime | None = None
    line: int = 0

    @property
    def name(self) -> str:
        return self.principals[0]

    @property
    def text(self) -> str:
        """As a line of the list has it."""
        options = [f'namespaces="{",".join(self.namespaces)}"'] if self.namespaces else []
        options += [
            f'valid-{word}="{moment:%Y%m%d%H%M%S}Z"'
            for word, moment in (("after", self.valid_after), ("before", self.valid_before))
            if moment is not None
        ]
        return " ".join(filter(None, (",".join(self.principals), ",".join(options), self.key.text)))


class Signers(NamedTuple):
    """`revoked` are keys that count no more: fingerprint to the version of the root of trust that says so.

    `openpgp` checks signatures of OpenPGP; without it none of them counts.
    """

    by_key: dict[bytes, Signer]
    problems: tuple[Problem, ...] = ()
    revoked: Mapping[str, int] = _NONE
    openpgp: CheckOpenPgp | None = None

    def by_openpgp(self, signature: bytes, content: bytes) -> Certificate:
        """The key of the list that made a signature of OpenPGP. Raises SignatureError."""
        held = {one.key.fingerprint: one.key for one in self.by_key.values() if isinstance(one.key, Certificate)}
        if not held or self.openpgp is None:
            raise SignatureError(SIG_KIND, "it is signed with OpenPGP, and no signer has such a key; sign it with SSH")
        return held[self.openpgp([*held.values()], signature, content)]

    def whose(self, key: PublicKey | Certificate, *, namespace: str, at: datetime) -> Signer:
        """Who holds the key and may sign in the namespace at that time. Raises SignatureError."""
        found = self.by_key.get(key.blob)
        if key.fingerprint in self.revoked:
            said = revocation(key.fingerprint, self.revoked)
            raise SignatureError(SIG_REVOKED, said, key=key.fingerprint)
        if found is None:
            raise SignatureError(SIG_UNKNOWN, f"the key {key.fingerprint} is no signer's", key=key.fingerprint)
        if found.namespaces and namespace not in found.namespaces:
            raise SignatureError(
                SIG_SCOPE,
                f"{found.name} may sign for {', '.join(found.namespaces)}, and not for {namespace}",
                key=key.fingerprint,
            )
        if found.valid_after is not None and at < found.valid_after:
            said = f"the key of {found.name} counts from {found.valid_after:%Y-%m-%d %H:%M} UTC on"
            raise SignatureError(SIG_EXPIRED, said, key=key.fingerprint)
        if found.valid_before is not None and at >= found.valid_before:
            said = f"the key of {found.name} counted until {found.valid_before:%Y-%m-%d %H:%M} UTC"
            raise SignatureError(SIG_EXPIRED, said, key=key.fingerprint)
        return found


def revocation(fingerprint: str, revoked: Mapping[str, int]) -> str:
    return f"the key {fingerprint} was revoked by version {revoked[fingerprint]} of the root of trust"


def parse_signers(content: bytes) -> Signers:
    """The signers of a list, and what is wrong with it; with a problem the list must not be used."""
    if len(content) > _LONGEST:
        return Signers({}, (Problem(RULE, f"the list has more than {_LONGEST} bytes", 1, 1, "name fewer signers"),))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return Signers(
            {},
            (Problem(RULE, "the list is not UTF-8", content.count(b"\n", 0, error.start) + 1, 1, "save it as UTF-8"),),
        )
    by_key: dict[bytes, Signer] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            for signer in _signers(line.removesuffix("\r").strip(), number):
                earlier = by_key.setdefault(signer.key.blob, signer)
                if earlier is not signer:
                    raise _Refused(
                        f"the key of {earlier.name} in line {earlier.line} stands here again",
                        "give each signer one line",
                    )
        except _Refused as refused:
            problems.append(Problem(RULE, refused.said, number, 1, refused.hint))
        except SignatureError as error:
            problems.append(
                Problem(
                    RULE, error.reason, number, 1, "write type and base64 of the public key, as its .pub file has them"
                )
            )
    return Signers(by_key, tuple(problems))


class _Refused(Exception):
    def __init__(self, said: str, hint: str) -> None:
        super().__init__(said)
        self.said = said
        self.hint = hint


def _signers(line: str, number: int) -> Iterator[Signer]:
    """The signer of a line, if it has one."""
    if not line or line.startswith("#"):
        return
    head = _PRINCIPALS.match(line)
    rest = line[head.end() :].lstrip() if head else ""
    if head is None or not rest:
        raise _Refused("the line is not principals, options and a key", "see ssh-keygen(1), ALLOWED SIGNERS")
    options, key = _options(rest)
    yield Signer(
        principals=tuple(_principals(head[1] or head[2])),
        key=parse_certificate_text(key) if key.startswith(f"{OPENPGP} ") else parse_key_text(key),
        namespaces=tuple(filter(None, options.get("namespaces", "").split(","))),
        valid_after=_time(options.get("valid-after")),
        valid_before=_time(options.get("valid-before")),
        line=number,
    )


def _principals(text: str) -> Iterator[str]:
    for name in text.split(","):
        if not _PRINCIPAL.fullmatch(name):
            raise _Refused(
                f"{name!r} is no name of a signer: patterns are not read", "write each principal's whole name"
            )
        yield name


def _options(text: str) -> tuple[dict[str, str], str]:
    """The options by name in lower case, and what follows them."""
    options: dict[str, str] = {}
    at = 0
    while (found := _OPTION.match(text, at)) and not re.match(r"(?:(?:ssh|ecdsa|sk)-|openpgp )", text[at:]):
        name, value = found[1].lower(), found[2]
        if name == "cert-authority":
            raise _Refused("certificate authorities are not read", "list the keys of the signers")
        if name not in ("namespaces", "valid-after", "valid-before") or not value:
            raise _Refused(f"the option {name} is not read", "options are namespaces=, valid-after= and valid-before=")
        if name in options:
            raise _Refused(f"the option {name} stands here twice", "write it once")
        options[name] = value
        at = found.end()
    return options, text[at:].lstrip()


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    digits = "".join(part or "" for part in found.groups()) if found else ""
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise _Refused(f"{text!r} is no time", "write YYYYMMDD, or YYYYMMDDhhmm, in UTC") from None
