"""New versions of a root of trust: each is the old one with one thing changed, one version on, issued now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmcfg.errors import NotFoundError, UsageError
from llmcfg.model.suggest import did_you_mean
from llmcfg.trust.keys import parse_key_text
from llmcfg.trust.root import DeployRule, PathRule, Root, problems, unmet_demands
from llmcfg.trust.signers import parse_signers, revocation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from llmcfg.trust.keys import PublicKey

YEAR: Final = 365


def first_version(
    repository: str,
    root_keys: Sequence[PublicKey],
    *,
    threshold: int,
    signers: Sequence[str],
    bundles: Sequence[PublicKey],
    vouched: Sequence[str],
    now: datetime,
    lifetime: timedelta,
) -> Root:
    """Raises UsageError for what contradicts itself."""
    issued = int(now.timestamp())
    return _sound(
        Root(
            version=1,
            repository=repository,
            issued=issued,
            expires=issued + int(lifetime.total_seconds()),
            keys=tuple(key.text for key in root_keys),
            threshold=threshold,
            signers=tuple(signers),
            bundles=tuple(key.text for key in bundles),
            vouched=tuple(vouched),
        )
    )


class NextVersion:
    """Of one root. Each method gives the version that follows it, or raises UsageError or NotFoundError."""

    def __init__(self, root: Root, now: datetime, lifetime: timedelta) -> None:
        self._root = root
        self._issued = max(int(now.timestamp()), root.issued)
        self._expires = self._issued + int(lifetime.total_seconds())

    def renewed(self) -> Root:
        return self._with()

    def with_signer(self, line: str) -> Root:
        """`line` is one of OpenSSH's allowed_signers."""
        return self._with(signers=(*self._root.signers, line))

    def with_root_keys(self, added: Iterable[PublicKey], dropped: Iterable[str], threshold: int | None) -> Root:
        """`dropped` are fingerprints. The threshold is never lowered unasked."""
        kept = _without(self._root.root_keys, dropped, "key of the root")
        made = tuple(key.text for key in (*kept, *added))
        return self._with(keys=made, threshold=threshold or self._root.threshold)

    def with_bundle_keys(self, added: Iterable[PublicKey], dropped: Iterable[str]) -> Root:
        kept = _without(self._root.bundle_keys, dropped, "key that signs bundles")
        return self._with(bundles=tuple(key.text for key in (*kept, *added)))

    def with_rules(self, said: Any) -> Root:
        """The rules of a file: `rules`, `environments`, `max_jump` and `floors`; what it does not name stays as it is."""
        try:
            read = msgspec.convert(said, _Rules, strict=True)
        except msgspec.ValidationError as error:
            raise UsageError(f"the rules cannot be used: {error}", hint="docs/spec/trust.md has every field") from None
        found = {name: getattr(read, name) for name in read.__struct_fields__}
        made = self._with(**{name: value for name, value in found.items() if value is not msgspec.UNSET})
        unmet = unmet_demands(made)
        if unmet:
            raise UsageError(f"the rules cannot be met: {'; '.join(unmet)}", hint="see llmcfg trust show for who signs")
        return made

    def revoked(self, what: str, vouched: Sequence[str]) -> Root:
        """Without a key, by fingerprint, or a signer with all keys, by name. `vouched` are commits that count although it signed them.

        A key that signed bundles takes them all with it: a new epoch begins.
        """
        keys = {key.fingerprint for key in self._root.bundle_keys}
        gone = [one for one in self._root.committers.by_key.values() if what in (one.name, one.key.fingerprint)]
        if what in {key.fingerprint for key in self._root.root_keys}:
            raise UsageError(f"{what} is a key of the root", hint="llmcfg trust rotate --drop takes it out")
        if not gone and what not in keys:
            known = [*keys, *(one.name for one in self._root.committers.by_key.values())]
            raise NotFoundError(
                f"no signer and no key is called {what}", hint=did_you_mean(what, known, "see llmcfg trust show")
            )
        changed: dict[str, Any] = {}
        if what in keys:
            changed["bundles"] = tuple(key.text for key in self._root.bundle_keys if key.fingerprint != what)
            changed["epoch"] = self._root.epoch + 1
            changed["floors"] = {}
        if gone:
            lines = {one.line for one in gone}
            changed["signers"] = tuple(text for at, text in enumerate(self._root.signers, start=1) if at not in lines)
            changed["vouched"] = tuple(dict.fromkeys((*vouched, *self._root.vouched)))
        fingerprints = {what} & keys | {one.key.fingerprint for one in gone}
        return self._with(revoked=dict.fromkeys(fingerprints, self._root.version + 1) | self._root.revoked, **changed)

    def _with(self, **changed: Any) -> Root:
        fields = {"version": self._root.version + 1, "issued": self._issued, "expires": self._expires, **changed}
        return _sound(msgspec.structs.replace(self._root, **fields))


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    rules: tuple[PathRule, ...] | msgspec.UnsetType = msgspec.UNSET
    environments: dict[str, DeployRule] | msgspec.UnsetType = msgspec.UNSET
    max_jump: int | msgspec.UnsetType = msgspec.UNSET
    floors: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


def _without(held: Sequence[PublicKey], dropped: Iterable[str], what: str) -> list[PublicKey]:
    known = {key.fingerprint: key for key in held}
    for fingerprint in dropped:
        if known.pop(fingerprint, None) is None:
            raise NotFoundError(f"{fingerprint} is no {what}", hint="see llmcfg trust show")
    return [*known.values()]


def _returned(root: Root) -> list[str]:
    """Keys that were revoked and stand in the document again, where they would count for nothing."""
    listed = parse_signers(root.signers_text.encode()).by_key.values()
    keys = [*map(parse_key_text, root.bundles), *root.root_keys, *(one.key for one in listed)]
    return [revocation(key.fingerprint, root.revoked) for key in keys if key.fingerprint in root.revoked]


def _sound(root: Root) -> Root:
    found = [*problems(root), *_returned(root)]
    if found:
        raise UsageError(f"the root of trust would contradict itself: {'; '.join(found)}", hint="see llmcfg trust show")
    return root
