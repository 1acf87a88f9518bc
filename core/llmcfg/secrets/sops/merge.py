"""Merging two versions of a SOPS file that came from one: value by value, into a file that sops verifies.

Rules:
- One side is the host: its layout, comments and order stay, and the other side's changes are made in it. The host is ours, unless theirs
  alone has another rule, other key groups, a new data key, or other comments or order.
- A value keeps the ciphertext of the side that it comes from, where both have one data key.
- What both sides changed is a conflict, and ours stands in the result, unless `choose` names a side for it. The result is a sound file in
  any case, and no value that was encrypted on a side is in the clear in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.change import Change, apply, comments_of
from llmcfg.secrets.sops.edit import apply_changes, rewrite, stamp
from llmcfg.secrets.sops.files import seal_mac
from llmcfg.secrets.sops.mergekeys import KeyPlan, Side, choose_host, plan_keys
from llmcfg.secrets.sops.metadata import write_time
from llmcfg.secrets.sops.model import METADATA, FileType, Mapping
from llmcfg.secrets.sops.opened import OpenedFile, open_file, open_with_key
from llmcfg.secrets.sops.rotate import release_of, rotated, with_metadata
from llmcfg.secrets.sops.threeway import compare
from llmcfg.secrets.sops.veil import clear_in, sealed_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence as AnySequence
    from datetime import datetime

    from llmcfg.model.versions import Versions
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.keys import KeyService
    from llmcfg.secrets.sops.model import Documents

Choose: TypeAlias = "Callable[[str], Side | None]"
DOCUMENTS: Final = "documents"


class Conflict(NamedTuple):
    """`name` is a key path, `sops` for the metadata, or what else both sides changed. It never holds a value."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Merged:
    """`remarks` are for people: what was not carried over although it is no conflict."""

    content: bytes = field(repr=False)
    conflicts: tuple[Conflict, ...] = ()
    remarks: tuple[str, ...] = ()


def nothing_chosen(_name: str) -> Side | None:
    return None


def merge_files(
    versions: Versions[bytes],
    file_type: FileType,
    identities: AnySequence[Identity],
    moment: datetime,
    *,
    choose: Choose = nothing_chosen,
    services: AnySequence[KeyService] = (),
) -> Merged:
    """The merge, which becomes ours. `choose` is asked for the side of each conflict, by its name; what it leaves open is in `conflicts`.

    Raises NotAuthorisedError when a version does not open, IntegrityError for one that was tampered with, UsageError for one that is no
    SOPS file, and for a choice that would leave a value unencrypted.
    """
    if versions.settled is not None:
        return Merged(versions.settled)
    sides = _open(versions, file_type, identities, services)
    counts = [len(documents) for documents in (sides.before, sides.ours.plain, sides.theirs.plain)]
    if len({*counts}) > 1:
        return whole(versions, choose, DOCUMENTS, f"there are {counts[1]} and {counts[2]}, and there were {counts[0]}")
    return _merge(versions, sides, moment, choose)


def whole(versions: Versions[bytes], choose: Choose, name: str, what: str) -> Merged:
    """One side as it is, for what cannot be merged within."""
    side = choose(name)
    return Merged(versions.of(side or "ours"), () if side else (Conflict(name, what),))


class _Sides(NamedTuple):
    """`before` are the documents of the base: empty ones, where there is none."""

    base: OpenedFile | None
    before: Documents
    ours: OpenedFile
    theirs: OpenedFile


class _Plan(NamedTuple):
    """The host, the side that it is, the other, and the keys of the result."""

    side: Side
    host: OpenedFile
    other: OpenedFile
    keys: KeyPlan


class _Decided(NamedTuple):
    """The changes to make in the host, and what was not decided."""

    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]


def _open(
    versions: Versions[bytes], file_type: FileType, identities: AnySequence[Identity], services: AnySequence[KeyService]
) -> _Sides:
    opened: dict[bytes, OpenedFile] = {}
    refused: NotAuthorisedError | None = None
    contents = [versions.ours, versions.theirs]
    contents += [versions.base] if stores.find_encrypted(versions.base, file_type) else []
    for content in contents:
        try:
            opened[content] = open_file(content, file_type, identities, services)
        except NotAuthorisedError as error:
            refused = error
    for content in contents:
        if content not in opened:
            opened[content] = _open_as_one_of(content, file_type, list(opened.values()), refused)
    ours, theirs = opened[versions.ours], opened[versions.theirs]
    base = opened.get(versions.base)
    return _Sides(base, base.plain if base else _plain_base(versions.base, file_type, len(ours.plain)), ours, theirs)


def _open_as_one_of(
    content: bytes, file_type: FileType, others: AnySequence[OpenedFile], refused: NotAuthorisedError | None
) -> OpenedFile:
    """A version that names none of the keys at hand, but is under the data key of one that does."""
    for other in others:
        try:
            return open_with_key(content, file_type, other.data_key)
        except IntegrityError:
            continue
    assert refused is not None
    raise refused


def _plain_base(content: bytes, file_type: FileType, documents: int) -> Documents:
    """Of a file that was not there, or that both sides encrypted."""
    return stores.parse_plain(content, file_type) if content.strip() else [Mapping([]) for _ in range(documents)]


def _merge(versions: Versions[bytes], sides: _Sides, moment: datetime, choose: Choose) -> Merged:
    plan, conflicts = _plan(sides, choose)
    decided = _decide(sides, plan, choose)
    merged = _applied(plan, decided.changes)
    unveiled = _unveiled(plan, merged, decided.changes)
    if unveiled:
        conflicts += _keep_veiled(unveiled, plan, choose)
        decided = decided._replace(changes=tuple(one for one in decided.changes if one not in unveiled))
        merged = _applied(plan, decided.changes)
    content = _written(versions.of(plan.side), plan, merged, moment)
    lost = {text for document in plan.other.plain for text in comments_of(document)} - {
        text for documents in (merged.plain, sides.before) for document in documents for text in comments_of(document)
    }
    remarks = (f"comments that {_opposite(plan.side)} changed are not in the merge: {len(lost)}",) if lost else ()
    return Merged(content, (*conflicts, *decided.conflicts), remarks)


def _plan(sides: _Sides, choose: Choose) -> tuple[_Plan, tuple[Conflict, ...]]:
    side = choose_host(sides.base, sides.before, sides.ours, sides.theirs)
    if side is not None:
        host, other = _oriented(sides, side)
        keys = plan_keys(sides.base, host, other)
        if keys is not None:
            return _Plan(side, host, other, keys), ()
    chosen = choose(METADATA)
    host, other = _oriented(sides, chosen or "ours")
    plan = _Plan(chosen or "ours", host, other, KeyPlan(host.metadata.groups))
    what = "both sides changed who may open the file, or which values are encrypted"
    return plan, () if chosen else (Conflict(METADATA, what),)


def _oriented(sides: _Sides, side: Side) -> tuple[OpenedFile, OpenedFile]:
    """The host and the other, which lends its ciphertext where both have one data key."""
    host, other = (sides.ours, sides.theirs) if side == "ours" else (sides.theirs, sides.ours)
    return replace(host, lenders=(other,)) if host.data_key == other.data_key else host, other


def _decide(sides: _Sides, plan: _Plan, choose: Choose) -> _Decided:
    comparison = compare(sides.before, plan.host.plain, plan.other.plain)
    changes, conflicts = list(comparison.changes), list[Conflict]()
    for clash in comparison.clashes:
        name = _name(clash.change, plan.host.file_type)
        side = choose(name)
        if side is None:
            conflicts.append(Conflict(name, clash.what))
        if (side or "ours") != plan.side:
            changes.append(clash.change)
    return _Decided(tuple(changes), tuple(conflicts))


def _applied(plan: _Plan, changes: AnySequence[Change]) -> OpenedFile:
    """In the text of the host; or, where that cannot take a change, written anew."""
    try:
        return apply_changes(plan.host, changes)
    except UsageError:
        documents = plan.host.plain
        for change in changes:
            documents = apply(documents, change)
        return rewrite(plan.host, documents)


def _unveiled(plan: _Plan, merged: OpenedFile, changes: AnySequence[Change]) -> list[Change]:
    """Changes whose values were encrypted, and are not by the rule of the host.

    Raises UsageError for what no change accounts for: a comment, or a value whose encryption hung on one.
    """
    clear, host, other = clear_in(merged), sealed_in(plan.host), sealed_in(plan.other)
    found = [change for change in changes if any(_is_below(place, change) for place in clear.places & other.places)]
    if clear.places & host.places or clear.comments & (host.comments | other.comments):
        raise UsageError(
            "the merge would leave unencrypted what is encrypted on one side",
            hint="take one side, and make the changes of the other with llmcfg secret edit",
        )
    return found


def _is_below(place: tuple[int, tuple[str, ...]], change: Change) -> bool:
    document, keys = place
    return document == (change.document or 0) and keys[: len(change.path)] == change.path


def _keep_veiled(unveiled: AnySequence[Change], plan: _Plan, choose: Choose) -> tuple[Conflict, ...]:
    what = f"the rule of {plan.side} would leave it unencrypted"
    conflicts = [Conflict(_name(change, plan.host.file_type), what) for change in unveiled]
    for conflict in conflicts:
        if choose(conflict.name) == _opposite(plan.side):
            raise UsageError(
                f"{conflict.name} cannot be taken from {_opposite(plan.side)}: {what}",
                hint=f"take {plan.side}, and set it anew",
            )
    return tuple(conflict for conflict in conflicts if choose(conflict.name) is None)


def _written(content: bytes, plan: _Plan, merged: OpenedFile, moment: datetime) -> bytes:
    """The merge with its metadata and MAC. `content` is what the host was read from."""
    old = plan.host.metadata
    if plan.keys.needs_new_key:
        groups = [[entry.name for entry in group] for group in plan.keys.groups]
        file = replace(merged, metadata=replace(old, groups=plan.keys.groups, version=_version(plan)))
        return rotated(file, groups, old.threshold, moment)
    metadata = replace(old, groups=plan.keys.groups, version=_version(plan))
    if metadata == old:
        return content if merged is plan.host else stamp(merged, moment)
    if merged is not plan.host:
        lastmodified = write_time(moment)
        mac = seal_mac(merged.mac, lastmodified, merged.data_key)
        metadata = replace(metadata, lastmodified=lastmodified, mac=mac)
    return with_metadata(merged.parsed, merged.file_type, metadata)


def _version(plan: _Plan) -> str:
    return max(plan.host.metadata.version, plan.other.metadata.version, key=release_of)


def _name(change: Change, file_type: FileType) -> str:
    return "content" if file_type is FileType.BINARY else format_key_path(change.path)


def _opposite(side: Side) -> Side:
    return "theirs" if side == "ours" else "ours"
