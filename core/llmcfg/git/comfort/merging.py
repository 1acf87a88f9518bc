"""The merge that a YAML file of the repository gets: by key, whether its values are encrypted or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.documents.merging import merge_documents
from llmcfg.secrets.merging import merge_secret_file
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.model import FileType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from llmcfg.documents.threeway import Clash, RuleLookup
    from llmcfg.model.versions import MergeText, Versions
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.merge import Conflict


class FileMerge(NamedTuple):
    """`clashes` are values that both sides changed; `conflicts` the same of secret files, which show no values."""

    content: bytes
    is_clean: bool
    clashes: Sequence[Clash] = ()
    conflicts: Sequence[Conflict] = ()
    remarks: Sequence[str] = ()


def merge_file(
    versions: Versions[bytes],
    name: str,
    rule_at: RuleLookup,
    find_identities: Callable[[], Sequence[Identity]],
    moment: datetime,
    merge_text: MergeText,
) -> FileMerge:
    """Raises as `merge_secret_file` for a file that is encrypted on a side."""
    if any(stores.find_encrypted(content, FileType.YAML) is not None for content in versions):
        merged = merge_secret_file(versions, name, find_identities, moment, merge_text=merge_text)
        return FileMerge(merged.content, not merged.conflicts, conflicts=merged.conflicts, remarks=merged.remarks)
    document = merge_documents(versions, rule_at, merge_text)
    return FileMerge(document.content, document.is_clean, document.clashes, remarks=document.remarks)
