"""The root of trust: one document that says who may change what, who may deploy, and which keys sign bundles.

Its own rules, after TUF's root role:
- It is signed by `threshold` of its `keys`, which may lie in a safe: nobody needs them from day to day.
- Versions follow one another without a gap, each signed by enough keys of the one before and of its own.
- A higher `epoch` says that everything signed in an earlier one no longer counts, however new it claims to be.
- It expires, so that who keeps a reader from the newest version does so for a limited time.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from llmcfg.canonical import canonical_json, digest
from llmcfg.limits import TRUST_ROOT_BYTES
from llmcfg.trust import dsse, keys, sshsig
from llmcfg.trust.failure import SIG_EXPIRED, SIG_FORM, SIG_ROLLBACK, SIG_SCOPE, SignatureError
from llmcfg.trust.signers import parse_signers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from llmcfg.trust.dsse import Envelope
    from llmcfg.trust.keys import PublicKey
    from llmcfg.trust.signers import Signers

KIND: Final = "application/vnd.llmcfg.root+json"
NAMESPACE: Final = "llmcfg-root"
"""Of the SSH signatures of a root, so that no other signature of the same key passes for one."""

_Count = Annotated[int, msgspec.Meta(ge=1, le=100)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 52)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Commit = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}([0-9a-f]{24})?$")]
_Few = msgspec.Meta(max_length=1000)


class PathRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of what one of `paths` covers takes `threshold` of `signers`; of all signers where none is named."""

    paths: Annotated[tuple[_Name, ...], msgspec.Meta(min_length=1, max_length=1000)]
    signers: Annotated[tuple[_Name, ...], _Few] = ()
    threshold: _Count = 1

    def covers(self, path: str) -> bool:
        return any(_pattern(text).fullmatch(path) for text in self.paths)


class DeployRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A commit is deployed to the environment when `threshold` of `signers` signed that it is promoted to it."""

    signers: Annotated[tuple[_Name, ...], msgspec.Meta(min_length=1, max_length=1000)]
    threshold: _Count = 1


class Root(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Times are seconds since 1970. `vouched` are commits that count with all that came before them, whoever signed those.

    `floors` are the lowest sequences of bundles by environment, `max_jump` by how much a sequence may grow at once. `revoked` are keys
    that count no more, whatever they signed and when: fingerprint to the version that says so first.
    """

    version: Annotated[int, msgspec.Meta(ge=1, le=1 << 52)]
    repository: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    issued: _Number
    expires: _Number
    keys: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1, max_length=100)]
    threshold: _Count
    epoch: Annotated[int, msgspec.Meta(ge=1, le=1 << 52)] = 1
    vouched: Annotated[tuple[_Commit, ...], _Few] = ()
    signers: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=10_000)] = ()
    rules: Annotated[tuple[PathRule, ...], _Few] = ()
    environments: Annotated[dict[_Name, DeployRule], _Few] = msgspec.field(default_factory=dict)
    bundles: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=100)] = ()
    bundle_threshold: _Count = 1
    max_jump: Annotated[int, msgspec.Meta(ge=1, le=1 << 52)] = 10_000
    floors: Annotated[dict[_Name, _Number], _Few] = msgspec.field(default_factory=dict)
    revoked: Annotated[dict[_Name, _Number], _Few] = msgspec.field(default_factory=dict)

    @cached_property
    def root_keys(self) -> tuple[PublicKey, ...]:
        return tuple(map(keys.parse_key_text, self.keys))

    @cached_property
    def bundle_keys(self) -> tuple[PublicKey, ...]:
        """Those that sign bundles now."""
        return tuple(key for key in map(keys.parse_key_text, self.bundles) if key.fingerprint not in self.revoked)

    @cached_property
    def committers(self) -> Signers:
        """Those who sign commits and tags, without what was revoked."""
        found = parse_signers(self.signers_text.encode())
        kept = {blob: one for blob, one in found.by_key.items() if one.key.fingerprint not in self.revoked}
        return found._replace(by_key=kept, revoked=self.revoked)

    @property
    def signers_text(self) -> str:
        """The list as a file."""
        return "".join(f"{line}\n" for line in self.signers)

    @property
    def ssh_signers_text(self) -> str:
        """The list as Git and ssh-keygen read it, without keys of OpenPGP and those that were revoked."""
        kept = (one for one in self.committers.by_key.values() if isinstance(one.key, keys.PublicKey))
        return "".join(f"{one.text}\n" for one in kept)

    @property
    def names(self) -> frozenset[str]:
        """What signers are called, by their first principal."""
        return frozenset(one.name for one in self.committers.by_key.values())

    @cached_property
    def payload(self) -> bytes:
        return canonical_json(msgspec.to_builtins(self))

    @cached_property
    def digest(self) -> str:
        """What people compare to know that they mean the same root: SHA-256 of its payload."""
        return digest(self.payload)


_decode = msgspec.json.Decoder(Root).decode


def parse_payload(payload: bytes) -> Root:
    """The document alone, without its signatures. Raises SignatureError for what has not its one form, or contradicts itself."""
    try:
        root = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SignatureError(SIG_FORM, f"it is no root of trust: {error}") from None
    if root.payload != payload:
        raise SignatureError(SIG_FORM, "it is a root of trust, but not written in its one form")
    for said in problems(root):
        raise SignatureError(SIG_FORM, said)
    return root


def problems(root: Root) -> list[str]:
    """What is wrong with a root beside the shapes of its fields; such a root is never signed and never read."""
    found: list[str] = []
    for name, texts, threshold in (
        ("keys", root.keys, root.threshold),
        ("bundles", root.bundles, root.bundle_threshold),
    ):
        found += _key_problems(name, texts)
        if threshold > max(len(set(texts)), 1):
            found.append(f"{threshold} of {name} have to sign, and there are {len(set(texts))}")
    listed = parse_signers(root.signers_text.encode())
    found += [f"signers, line {problem.line}: {problem.message}" for problem in listed.problems]
    if root.expires <= root.issued:
        found.append("it expires before it is issued")
    return found


def unmet_demands(root: Root) -> list[str]:
    """Rules that nobody could satisfy. Such a root is sound, as one is after a signer was revoked, but nobody means to write it."""
    names = root.names
    demands = [(f"the rule for {rule.paths[0]}", rule.signers, rule.threshold) for rule in root.rules]
    demands += [(f"the environment {name}", rule.signers, rule.threshold) for name, rule in root.environments.items()]
    found: list[str] = []
    for what, wanted, threshold in demands:
        found += [f"{what} names {name}, who is no signer" for name in wanted if name not in names]
        if threshold > len(set(wanted) or names):
            found.append(f"{what} takes {threshold} signers, and there are {len(set(wanted) or names)}")
    return found


def _key_problems(name: str, texts: Sequence[str]) -> list[str]:
    found: list[str] = []
    blobs: set[bytes] = set()
    for at, text in enumerate(texts, start=1):
        try:
            key = keys.parse_key_text(text)
        except SignatureError as error:
            found.append(f"{name}, number {at}: {error.reason}")
            continue
        if name == "bundles" and key.kind != keys.ED25519:
            found.append(f"{name}, number {at}: bundles are signed with {keys.ED25519}, and not with {key.kind}")
        if key.text != text or key.blob in blobs:
            found.append(f"{name}, number {at}: it is not written as type and base64 alone, or stands there twice")
        blobs.add(key.blob)
    return found


def encode_root(root: Root, signatures: Sequence[dsse.Signature] = ()) -> bytes:
    """The envelope of a root. Raises SignatureError for one that contradicts itself."""
    for said in problems(root):
        raise SignatureError(SIG_FORM, said)
    return dsse.encode_envelope(dsse.Envelope(KIND, root.payload, tuple(sorted(signatures))))


def parse_root(content: bytes) -> tuple[Root, Envelope]:
    """A root and its envelope, whose signatures were not looked at. Raises SignatureError."""
    envelope = dsse.parse_envelope(content, kind=KIND, limit=TRUST_ROOT_BYTES)
    return parse_payload(envelope.payload), envelope


def first_root(content: bytes) -> Root:
    """A root that is trusted because somebody says so, such as a file of the machine; signed by enough of its own keys."""
    root, envelope = parse_root(content)
    dsse.require(_signers_of(envelope, root.root_keys), root.root_keys, root.threshold, "keys of the root")
    return root


def pinnable(content: bytes) -> bytes:
    """The envelope of a version that counts, without the signatures of keys that it does not name: those of the version before."""
    root, envelope = parse_root(content)
    own = {key.fingerprint for key in root.root_keys}
    return encode_root(root, [made for made in envelope.signatures if made.key in own])


def next_root(trusted: Root, content: bytes) -> Root:
    """The version that follows a trusted one. Raises SignatureError, and then the trusted one stays."""
    root, envelope = parse_root(content)
    if root.version != trusted.version + 1:
        code = SIG_ROLLBACK if root.version <= trusted.version else SIG_FORM
        raise SignatureError(code, f"version {root.version} does not follow version {trusted.version}")
    if root.repository != trusted.repository:
        raise SignatureError(SIG_SCOPE, "it is the root of another repository")
    if root.epoch < trusted.epoch or root.issued < trusted.issued:
        raise SignatureError(
            SIG_ROLLBACK, "its epoch, or the time when it was issued, is before that of the version before"
        )
    found = _signers_of(envelope, {*trusted.root_keys, *root.root_keys})
    dsse.require(found, trusted.root_keys, trusted.threshold, f"keys of version {trusted.version}")
    dsse.require(found, root.root_keys, root.threshold, f"keys of version {root.version}")
    return root


def newest_root(trusted: Root, read: Callable[[int], bytes | None]) -> Root:
    """The last version that follows, one after the other; `read` gives the envelope of a version, None where there is none."""
    while (content := read(trusted.version + 1)) is not None:
        trusted = next_root(trusted, content)
    return trusted


def require_fresh(root: Root, now: datetime) -> None:
    """Raises SignatureError for a root that has expired: what followed it may have been kept back."""
    if now.timestamp() >= root.expires:
        raise SignatureError(SIG_EXPIRED, f"version {root.version} of the root of trust has expired")


def signing_input(root: Root) -> bytes:
    """What a key signs, in the namespace, to sign the root; a file of this is what `ssh-keygen -Y sign` takes."""
    return dsse.signing_input(KIND, root.payload)


def signature_of(root: Root, armour: bytes) -> dsse.Signature:
    """A signature that ssh-keygen made of `signing_input`, as the envelope has it. Raises SignatureError."""
    blob = sshsig.disarmed(armour)
    by = sshsig.verify_blob(blob, signing_input(root), namespace=NAMESPACE)
    return dsse.Signature(by.key.fingerprint, blob)


def _signers_of(envelope: Envelope, allowed: Sequence[PublicKey] | set[PublicKey]) -> frozenset[PublicKey]:
    return dsse.signed_by(envelope, allowed, _check)


def _check(key: PublicKey, blob: bytes, content: bytes) -> None:
    by = sshsig.verify_blob(blob, content, namespace=NAMESPACE)
    if by.key != key:
        raise SignatureError(SIG_FORM, f"it says that {key.fingerprint} signed, and {by.key.fingerprint} did")


def _pattern(text: str) -> re.Pattern[str]:
    """`*` stands for characters of one name, `**` for any number of names; a folder stands for all that is in it."""
    if text.endswith("/"):
        text += "**"
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    known = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part) or re.escape(part) for part in parts), re.DOTALL)
