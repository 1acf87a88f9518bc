"""Who may open the merge of two files, under which data key, and which of the two it is made in.

Rules: a recipient that either side removed stays removed; those that were added are joined. A data key that somebody holds who may not
open the result is not the result's: then, and where a side replaced it, a value goes under another one. Key groups and the rule are taken
whole from the side that changed them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.secrets.sops.keys import AgeKeys
from llmcfg.secrets.sops.threeway import has_other_layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.secrets.sops.metadata import KeyEntry, Metadata
    from llmcfg.secrets.sops.model import Documents
    from llmcfg.secrets.sops.opened import OpenedFile

Side: TypeAlias = Literal["ours", "theirs"]
Name: TypeAlias = tuple[str, str]  # service and name of a key


class KeyPlan(NamedTuple):
    """`groups` are the entries of the result; of a new data key they are not wrapped yet."""

    groups: tuple[tuple[KeyEntry, ...], ...]
    needs_new_key: bool = False


def choose_host(base: OpenedFile | None, before: Documents, ours: OpenedFile, theirs: OpenedFile) -> Side | None:
    """The side that the merge is made in; None where both changed what can be taken from one side only."""
    changed = [
        _changed_by(facet(base) if base else None, facet(ours), facet(theirs)) for facet in (_rule_of, _groups_of)
    ]
    if "both" in changed or {"ours", "theirs"} <= {*changed}:
        return None
    if any(changed):
        return "ours" if "ours" in changed else "theirs"
    if base is not None and ours.data_key != theirs.data_key and base.data_key in (ours.data_key, theirs.data_key):
        return "theirs" if base.data_key == ours.data_key else "ours"
    theirs_alone = has_other_layout(before, theirs.plain) and not has_other_layout(before, ours.plain)
    return "theirs" if theirs_alone else "ours"


def plan_keys(base: OpenedFile | None, host: OpenedFile, other: OpenedFile) -> KeyPlan | None:
    """The entries of the result in the host; None where there would be none, or one that cannot be wrapped here."""
    if host.metadata.is_shared or other.metadata.is_shared:
        wanted, groups = {*_names(host.metadata)}, host.metadata.groups
    else:
        wanted = joined(base.metadata if base else None, host.metadata, other.metadata)
        group = _entries(wanted, host, other)
        groups = (group,) if group else ()
    if not groups:
        return None
    needs_new_key = host.data_key != other.data_key and (
        not _holders(base, host, other) <= wanted or (base is not None and base.data_key == host.data_key)
    )
    is_foreign = any(entry.service != AgeKeys.kind for group in groups for entry in group)
    return None if needs_new_key and is_foreign else KeyPlan(groups, needs_new_key)


def joined(base: Metadata | None, one: Metadata, other: Metadata) -> set[Name]:
    """Who may open the merge, of files with one group of keys each."""
    before = {*_names(base)} if base else set()
    sides = {*_names(one)}, {*_names(other)}
    return set.union(*sides) - (before - sides[0]) - (before - sides[1])


def name_of(entry: KeyEntry) -> Name:
    return entry.service, entry.name


def _changed_by(base: object, ours: object, theirs: object) -> Side | Literal["both"] | None:
    if ours == theirs:
        return None
    if base == theirs:
        return "ours"
    return "theirs" if base == ours else "both"


def _rule_of(file: OpenedFile) -> object:
    return file.metadata.rule, file.metadata.mac_only_encrypted


def _groups_of(file: OpenedFile) -> object:
    """Empty for a file with one group, whose entries are merged one by one."""
    metadata = file.metadata
    if not metadata.is_shared:
        return ()
    return tuple(tuple(sorted(map(name_of, group))) for group in metadata.groups), metadata.needed


def _entries(wanted: Iterable[Name], host: OpenedFile, other: OpenedFile) -> tuple[KeyEntry, ...] | None:
    """In the order of the host, what is new behind. None where a key of another service would be needed to wrap one."""
    wanted = {*wanted}
    mine = [entry for entry in host.metadata.entries if name_of(entry) in wanted]
    present = {*map(name_of, mine)}
    added = [entry for entry in other.metadata.entries if name_of(entry) in wanted - present]
    if host.data_key == other.data_key:
        return (*mine, *added)
    service = AgeKeys()
    if any(entry.service != service.kind for entry in added):
        return None
    return (*mine, *(service.wrap(host.data_key, entry.name) for entry in added))


def _holders(base: OpenedFile | None, host: OpenedFile, other: OpenedFile) -> set[Name]:
    """Whoever was given the data key of the host."""
    files = [file for file in (base, host, other) if file is not None and file.data_key == host.data_key]
    return {name for file in files for name in _names(file.metadata)}


def _names(metadata: Metadata) -> Iterable[Name]:
    return map(name_of, metadata.entries)
