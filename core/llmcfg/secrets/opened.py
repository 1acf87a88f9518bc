"""Opening sealed bundles: first everything that a head and its manifests say, then the consumer's key, then what the files are for.

The values, and the files that are sealed whole, exist in memory only. Who writes them anywhere says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llmcfg.bundlefile.opened import OpenedBundle
from llmcfg.bundlefile.sealed import SECRETS, output_of, source_of
from llmcfg.errors import IntegrityError, NotFoundError
from llmcfg.secrets.envelope import Context, open_sealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.bundlefile.sealed import SealedFile, SealedValue
    from llmcfg.model.target import Target
    from llmcfg.secrets.age import Identity


class SealedBundle(Protocol):
    """A bundle that was read back: what its manifest names as sealed, the sealed files that are there, and what they were made from."""

    @property
    def target(self) -> Target: ...
    @property
    def seals(self) -> tuple[str, ...]: ...
    @property
    def sealed(self) -> Mapping[str, SealedFile]: ...
    @property
    def digests(self) -> Mapping[str, str]: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...
    @property
    def recipients(self) -> tuple[str, ...]: ...


def open_bundle(bundle: SealedBundle, identities: Sequence[Identity]) -> OpenedBundle:
    """What is sealed in a bundle that was read back.

    Raises NotFoundError for one with nothing sealed, NotAuthorisedError when no identity fits, IntegrityError when a file is not for this
    bundle.
    """
    if not bundle.seals:
        raise NotFoundError(
            f"nothing is sealed in {bundle.target}", hint="it uses no secret, or names no recipients: llmcfg validate"
        )
    if not bundle.sealed:
        raise NotFoundError(
            f"{bundle.target} was rendered and not deployed, so nothing is sealed in it", hint="deploy it: llmcfg apply"
        )
    values: dict[str, SealedValue] = {}
    outputs: dict[str, bytes] = {}
    for path, file in bundle.sealed.items():
        source = source_of(path, bundle.digests, bundle.secrets, bundle.recipients)
        content = open_sealed(file.content, Context(bundle.target, path, file.sequence, source), identities)
        if path == SECRETS:
            values.update(content.values)
        elif content.text is not None:
            outputs[output_of(path)] = content.text.encode()
        else:
            raise IntegrityError(f"{path} of {bundle.target} holds no file")
    if values.keys() != (bundle.secrets.keys() if SECRETS in bundle.seals else set()):
        raise IntegrityError(f"{SECRETS} of {bundle.target} does not hold the secrets that its manifest names")
    return OpenedBundle(bundle.target, values, outputs)
