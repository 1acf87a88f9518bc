"""Whether a repository asks for a root of trust that this machine does not have (docs/adr/0035).

Who removes what a machine trusts should not switch its checks off unseen. So a repository asks by what others keep: the ref with the
versions of its root, and `trust: required` in its manifest. Nothing that checks signatures is loaded for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llmcfg.model.manifest import Manifest

REF: Final = "refs/llmcfg/trust"
"""Where the versions of the root of trust are."""
KEPT: Final = "root.json"
"""The newest version that a machine took over, in the folder that belongs to it alone."""
FOLDER: Final = "trust"
"""That folder, below the state of the clone."""
_PIN: Final = (
    "get the root and its digest from who has it (llmcfg trust export), then: llmcfg trust pin FILE --digest SHA256"
)


class Refs(Protocol):
    def target(self, ref: str) -> str | None: ...


def require_undemanded(refs: Refs, folder: Path, manifests: Iterable[Manifest]) -> None:
    """Of a machine that trusts no root. Raises IntegrityError where one is asked for; `folder` is where the machine would keep it."""
    if any(manifest.requires_trust for manifest in manifests):
        raise _missing("llmcfg.yaml says that one is required")
    if refs.target(REF) is not None:
        raise _missing(f"{REF} holds one")
    if folder.is_dir():
        raise _missing(f"it did: {folder / KEPT} is gone")


def _missing(why: str) -> IntegrityError:
    return IntegrityError(f"this clone trusts no root, though {why}", hint=_PIN, code="trust-missing")
