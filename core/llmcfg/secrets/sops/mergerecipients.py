"""Merging without a key: where one side changed nothing but who can open the file.

The MAC does not cover the recipients, so the other side's values and MAC stay as they are, and the lists of recipients are merged beside
them. That all versions are under one data key is seen by wrapped keys that they share, and by the MAC of the one side, which is the base's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.change import without_comments
from llmcfg.secrets.sops.files import read_metadata
from llmcfg.secrets.sops.mergekeys import joined, name_of
from llmcfg.secrets.sops.rotate import release_of, with_metadata

if TYPE_CHECKING:
    from llmcfg.model.versions import Versions
    from llmcfg.secrets.sops.metadata import Metadata
    from llmcfg.secrets.sops.model import FileType
    from llmcfg.secrets.sops.stores import Parsed


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A file as it is read without a key."""

    parsed: Parsed = field(repr=False)
    metadata: Metadata

    def covered(self) -> object:
        """Values, MAC and all that says how they are read: everything but comments, who can open it, and the version that names."""
        documents = [without_comments(document) for document in self.parsed.documents]
        return documents, replace(self.metadata, groups=(), version="")

    def wrapped(self) -> frozenset[tuple[str, str, str]]:
        return frozenset((*name_of(entry), entry.wrapped) for entry in self.metadata.entries)


def merge_recipients(versions: Versions[bytes], file_type: FileType) -> bytes | None:
    """The merge; None where it needs a key. Raises IntegrityError for metadata that is damaged."""
    sealed = [_read(content, file_type) for content in versions]
    base, ours, theirs = sealed
    if base is None or ours is None or theirs is None or any(one.metadata.is_shared for one in (base, ours, theirs)):
        return None
    if not base.wrapped() & ours.wrapped() & theirs.wrapped():
        return None
    if theirs.covered() == base.covered():
        return _joined(base, ours, theirs, file_type)
    return _joined(base, theirs, ours, file_type) if ours.covered() == base.covered() else None


def _joined(base: _Sealed, values: _Sealed, recipients: _Sealed, file_type: FileType) -> bytes | None:
    wanted = joined(base.metadata, values.metadata, recipients.metadata)
    entries = {name_of(entry): entry for one in (recipients, values) for entry in one.metadata.entries}
    order = dict.fromkeys(name_of(entry) for one in (values, recipients) for entry in one.metadata.entries)
    group = tuple(entries[name] for name in order if name in wanted)
    if not group:
        return None
    version = max(values.metadata.version, recipients.metadata.version, key=release_of)
    metadata = replace(values.metadata, groups=(group,), version=version)
    return with_metadata(values.parsed, file_type, metadata)


def _read(content: bytes, file_type: FileType) -> _Sealed | None:
    parsed = stores.find_encrypted(content, file_type)
    return _Sealed(parsed, read_metadata(parsed, file_type)) if parsed else None
