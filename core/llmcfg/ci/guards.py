"""What judges changes: policies, limits, schemas, and the rules about who may open secrets.

To change one changes nothing in effect, and what the next change may do. A review says so, since nothing else would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.git.filenames import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.model.change import Kind
    from llmcfg.model.snapshot import ChangedFile
    from llmcfg.pipeline.configuration import Configuration

_FOLDERS: Final = ("policies/", "schemas/")
_SECRET_RULES: Final = ".sops.yaml"


class GuardChange(NamedTuple):
    """A file that judges changes and is another. The manifest stands for its bindings of schemas."""

    path: str
    kind: Kind


def guard_changes(
    before: Configuration | None, after: Configuration | None, changed: Iterable[ChangedFile]
) -> Iterator[GuardChange]:
    if before is not None and after is not None and before.manifest.schemas != after.manifest.schemas:
        yield GuardChange(MANIFEST, "changed")
    for file in changed:
        if file.path.startswith(_FOLDERS) or file.path.rpartition("/")[2] == _SECRET_RULES:
            yield GuardChange(
                file.path, "added" if file.before is None else "removed" if file.after is None else "changed"
            )
