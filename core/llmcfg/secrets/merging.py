"""Merging two versions of any secret file: SOPS files by key, others as a whole; and what can be done without a key.

Rules: what is encrypted on one side never becomes plaintext. Without a key, a side that changed nothing but who can open the file is merged
with any other; else lines are left in conflict as Git leaves them, all of them ciphertext or metadata, for someone with a key to finish. A
file that is encrypted on no side is text as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.merge import Conflict, Merged, merge_files, nothing_chosen, whole
from llmcfg.secrets.sops.mergerecipients import merge_recipients
from llmcfg.secrets.sops.model import METADATA, FileType, file_type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from llmcfg.model.versions import MergeText, Versions
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.merge import Choose

CONTENT: Final = "content"


def merge_secret_file(
    versions: Versions[bytes],
    name: str,
    find_identities: Callable[[], Sequence[Identity]],
    moment: datetime,
    *,
    choose: Choose = nothing_chosen,
    merge_text: MergeText | None = None,
) -> Merged:
    """The merge of a file of that name. Keys are looked for only where one is needed.

    `merge_text` leaves conflicts in text and in what no key opens; without it, NotAuthorisedError is raised then.

    Raises as `merge_files`.
    """
    if versions.settled is not None:
        return Merged(versions.settled)
    file_type = file_type_of(name)
    sound = [stores.find_encrypted(content, file_type) is not None for content in (versions.ours, versions.theirs)]
    if name.endswith(".age"):
        return whole(versions, choose, CONTENT, "both sides changed it, and it can only be taken whole")
    if not any(sound):
        return _as_text(versions, choose, merge_text)
    if not all(sound):
        return _half_encrypted(versions, choose, "ours" if sound[0] else "theirs")
    try:
        return merge_files(versions, file_type, find_identities(), moment, choose=choose)
    except NotAuthorisedError:
        merged = _without_key(versions, file_type, merge_text)
        if merged is None:
            raise
        return merged


def _as_text(versions: Versions[bytes], choose: Choose, merge_text: MergeText | None) -> Merged:
    if merge_text is None or choose(CONTENT) is not None:
        return whole(versions, choose, CONTENT, "both sides changed it, and it is not a SOPS file")
    merged = merge_text(versions)
    return Merged(merged.content, () if merged.is_clean else (Conflict(CONTENT, "both sides changed the same lines"),))


def _half_encrypted(versions: Versions[bytes], choose: Choose, encrypted: str) -> Merged:
    if choose(CONTENT) not in (None, encrypted):
        raise UsageError(f"only {encrypted} is encrypted, so the other side cannot be taken", hint=f"take {encrypted}")
    return whole(versions, choose, CONTENT, f"only {encrypted} is encrypted")


def _without_key(versions: Versions[bytes], file_type: FileType, merge_text: MergeText | None) -> Merged | None:
    """None where nothing is to be had without a merge of text."""
    settled = merge_recipients(versions, file_type)
    if settled is not None:
        return Merged(settled)
    if merge_text is None:
        return None
    merged = merge_text(versions)
    conflict = Conflict(METADATA, "both sides changed values, and no key at hand opens them")
    return Merged(versions.ours if merged.is_clean else merged.content, (conflict,))
