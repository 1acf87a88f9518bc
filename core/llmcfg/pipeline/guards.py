"""What judges changes: policies, limits, schemas, and the rules about who may open secrets.

To change one changes nothing in effect, and what the next change may do. A review says so, since nothing else would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.entries import file_ids
from llmcfg.model.proposal import GuardChange
from llmcfg.model.snapshot import ChangedFile
from llmcfg.pipeline.layers import MANIFEST, POLICIES, SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.pipeline.configuration import Configuration

_FOLDERS: Final = (POLICIES, SCHEMAS)
_SECRET_RULES: Final = ".sops.yaml"


def guard_changes(
    before: Configuration | None, after: Configuration | None, changed: Iterable[ChangedFile]
) -> Iterator[GuardChange]:
    """Of all files that differ. The manifest stands for its bindings of schemas."""
    if before is not None and after is not None and before.manifest.schemas != after.manifest.schemas:
        yield GuardChange(MANIFEST, "changed")
    for file in changed:
        if is_guard(file.path):
            yield GuardChange(
                file.path, "added" if file.before is None else "removed" if file.after is None else "changed"
            )


def guards_between(before: Configuration | None, after: Configuration) -> tuple[GuardChange, ...]:
    """Without `before`, all of them are added."""
    old, new = before.snapshot.entries if before else {}, after.snapshot.entries
    differing = file_ids(old).differing(file_ids(new))
    changed = (
        ChangedFile(path, old[path].oid if path in old else None, new[path].oid if path in new else None)
        for path in sorted(filter(is_guard, differing))
    )
    return tuple(guard_changes(before, after, changed))


def is_guard(path: str) -> bool:
    return path.startswith(_FOLDERS) or path.rpartition("/")[2] == _SECRET_RULES
