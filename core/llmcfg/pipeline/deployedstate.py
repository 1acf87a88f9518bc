"""The state that bundles are which were stored: what was deployed or delivered, to be compared with what is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.later import Each
from llmcfg.pipeline.bundle import AT_ONCE, FILES
from llmcfg.pipeline.diff import NOTHING_DEPLOYED, State, TargetState
from llmcfg.pipeline.stored import DocumentReader, documents_of, read_stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.later import Later
    from llmcfg.model.target import Target
    from llmcfg.model.value import Value
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.stored import Stored


def deployed_state(files: Mapping[str, bytes], memo: Memo | None = None) -> State:
    """The state that a deployed ref or a delivered directory holds. Raises IntegrityError if a part is not what its manifest says."""
    return state_of_stored(read_stored(files, memo), memo.stored if memo else None) if files else NOTHING_DEPLOYED


def state_of_stored(stored: Stored, known: dict[str, Later[Value]] | None = None) -> State:
    """The state that bundles are which were read back. `known` remembers documents by their digests."""
    reader = DocumentReader({} if known is None else known)

    def read(target: Target) -> TargetState:
        bundle = stored.bundles[target.folder]
        files = {path.removeprefix(FILES): said for path, said in bundle.digests.items() if path.startswith(FILES)}
        return TargetState(
            reader.read_all(target.folder, bundle),
            Each(files, lambda path: bundle.parts[FILES + path]),
            bundle.secrets,
            frozenset(bundle.recipients),
            bundle.digest,
            {name: sha256 for name, (_, sha256) in documents_of(bundle).items()},
            files,
        )

    return State({}, Each(stored.manifests, read, AT_ONCE), manifests=stored.manifests)
