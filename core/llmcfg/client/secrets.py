"""Opening what is sealed in a bundle with the program's own key, in memory alone.

Loaded when a program has an identity, since this brings the cryptography. The key is asked for each time that there is something to
open, so a new key needs no restart, and none is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from llmcfg.bundlefile.bundle import LOCK, target_of
from llmcfg.bundlefile.opened import OpenedBundle
from llmcfg.bundlefile.sealed import SealedFile, find_misplaced
from llmcfg.errors import IntegrityError, UsageError
from llmcfg.secrets.age import parse_identities, read_key_file
from llmcfg.secrets.guard import forbid_dumps
from llmcfg.secrets.opened import open_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.model.target import Target
    from llmcfg.secrets.age import Identity

GivenIdentity: TypeAlias = "str | Path | Callable[[], str] | Sequence[Path]"


class Opener:
    """`identity` is the path of a key file, several of them, or a function that gives the text of one."""

    def __init__(self, identity: GivenIdentity) -> None:
        self._identity = identity

    def __call__(self, bundle: Bundle) -> OpenedBundle:
        """The values of a bundle's secrets, and its opened outputs; without either for a bundle that uses no secret.

        Raises NotAuthorisedError when the identity does not fit, NotFoundError for a bundle that was never sealed, IntegrityError for
        what is sealed for something else, and what reading the key raises.
        """
        sealed = _sealed_of(bundle)
        if not sealed.secrets and not sealed.seals:
            return OpenedBundle(sealed.target, {}, {})
        return open_bundle(sealed, self._identities() if sealed.sealed else ())

    def _identities(self) -> Sequence[Identity]:
        if isinstance(self._identity, str | Path):
            return read_key_file(Path(self._identity)).identities
        if not callable(self._identity):
            return [found for path in self._identity for found in read_key_file(path).identities]
        forbid_dumps()
        found = parse_identities(self._identity(), origin="the identity that the program gives")
        if not found:
            raise UsageError("the program gives no identity", hint="give the text of a key file: AGE-SECRET-KEY-…")
        return found


class _Secret(msgspec.Struct):
    fingerprint: str


class _Lock(msgspec.Struct):
    secrets: dict[str, _Secret]
    recipients: list[str]
    sealed: list[str] = []


class _Sealed(NamedTuple):
    """A bundle, as `open_bundle` takes it."""

    target: Target
    seals: tuple[str, ...]
    sealed: Mapping[str, SealedFile]
    digests: Mapping[str, str]
    secrets: Mapping[str, str]
    recipients: tuple[str, ...]


def _sealed_of(bundle: Bundle) -> _Sealed:
    try:
        lock = msgspec.convert(bundle.lock(), _Lock)
    except msgspec.ValidationError:
        raise IntegrityError(f"{LOCK} of the bundle does not say what is sealed") from None
    target, seals = target_of(bundle), bundle.seals()
    digests = {name: leaf.sha256.hex() for name, leaf in bundle.tree.below("files/")}
    if (seals is not None and seals.keys() != {*lock.sealed}) or find_misplaced(lock.sealed, digests) is not None:
        raise IntegrityError(
            f"{target} does not hold the sealed files that its manifest names", hint="deliver it again: llmcfg apply"
        )
    sealed = {path: SealedFile(bundle.read(path) or b"", sequence) for path, sequence in (seals or {}).items()}
    secrets = {name: secret.fingerprint.removeprefix("sha256:") for name, secret in lock.secrets.items()}
    return _Sealed(target, tuple(lock.sealed), sealed, digests, secrets, tuple(lock.recipients))
