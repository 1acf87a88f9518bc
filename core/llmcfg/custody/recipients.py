"""Bringing the recipients of secret files in step with `.sops.yaml`: first a plan, which needs no key, then all of it or nothing.

Rules: a file that is in step is not touched. Recipients that only come change the list of a file and nothing else; one that goes replaces
the data key. Age files do not say who can open them: one is encrypted anew when the number or the kinds of its recipients differ from
the rule's, or when it is named.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from llmcfg.errors import ConflictError, LlmcfgError, NotAuthorisedError, NotFoundError, UsageError
from llmcfg.model.findings import Origin
from llmcfg.pipeline.sealed import creation_rules, inspected_file, secret_entries
from llmcfg.secrets.creation import CONFIG
from llmcfg.secrets.keychange import KeyChange, fits_header, key_change, same_recipient
from llmcfg.secrets.sops.model import file_type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from llmcfg.custody.files import Custody
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.age import Header, Identity
    from llmcfg.secrets.creation import CreationRule, CreationRules
    from llmcfg.secrets.inspection import Inspected
    from llmcfg.secrets.sops.metadata import Metadata

_DAMAGED: Final = "it is damaged: llmcfg secret lint says more"
State: TypeAlias = Literal["differs", "unknown", "refused"]


class FilePlan(NamedTuple):
    """One file that is not known to be in step with `rule`. `why` says more of an unknown or refused one."""

    entry: BlobEntry
    state: State
    rule: CreationRule | None = None
    metadata: Metadata | None = None
    change: KeyChange = KeyChange()
    why: str = ""

    @property
    def file(self) -> str:
        return self.entry.path


class SyncPlan(NamedTuple):
    """By path. `total` counts all files that were looked at."""

    files: tuple[FilePlan, ...]
    total: int

    def of(self, *states: State) -> tuple[FilePlan, ...]:
        return tuple(one for one in self.files if one.state in states)

    @property
    def has_differences(self) -> bool:
        return bool(self.of("differs", "refused"))


def plan_sync(
    configuration: Configuration, is_chosen: Callable[[str], bool], is_named: Callable[[str], bool]
) -> SyncPlan:
    """What has to be done to the files that are chosen; `is_named` are those that the caller named one by one.

    Raises NotFoundError without rules, UsageError with the place of a mistake in them.
    """
    rules = _sound_rules(configuration)
    entries = [entry for entry in secret_entries(configuration) if is_chosen(entry.path)]
    plans = [_plan(entry, inspected_file(configuration, entry), rules, is_named(entry.path)) for entry in entries]
    return SyncPlan(tuple(plan for plan in plans if plan is not None), len(entries))


def synced_files(custody: Custody, plan: SyncPlan) -> dict[str, bytes]:
    """The new content of every file that differs. Nothing is written. Raises as opening them does, and names the file."""
    identities = custody.identities()
    contents: dict[str, bytes] = {}
    refusals: list[tuple[str, LlmcfgError]] = []
    for one in plan.of("differs"):
        content = custody.read(one.file)
        if content != custody.configuration.snapshot.read(one.entry.oid):
            raise ConflictError(f"{one.file} changed after it was looked at", hint="run the command again")
        try:
            contents[one.file] = _synced(one, content, identities, custody.now())
        except LlmcfgError as error:
            refusals.append((one.file, error))
    if refusals:
        raise _refused(refusals)
    return contents


def count_by_key(plan: SyncPlan) -> Mapping[str, int]:
    """`+ recipient` and `- recipient` with how many files each concerns."""
    counted: Counter[str] = Counter()
    for one in plan.of("differs"):
        counted.update(f"+ {name}" for name in one.change.added)
        counted.update(f"- {name}" for name in one.change.removed)
    return dict(sorted(counted.items()))


def _sound_rules(configuration: Configuration) -> CreationRules:
    rules, problems = creation_rules(configuration)
    if problems:
        first = problems[0]
        raise UsageError(f"{Origin(CONFIG, first.line, first.column)}: {first.message}", hint=first.hint)
    if not rules.rules:
        raise NotFoundError(
            f"there are no creation rules in {CONFIG}",
            hint="say there who can open what: creation_rules: [{age: KEYS}]",
        )
    return rules


def _plan(entry: BlobEntry, inspected: Inspected, rules: CreationRules, is_named: bool) -> FilePlan | None:
    if inspected.metadata is None and inspected.header is None:
        return FilePlan(entry, "refused", why=_DAMAGED) if inspected.problems else None
    rule = rules.find(entry.path)
    if rule is None:
        return FilePlan(entry, "refused", why=f"no creation rule of {CONFIG} matches it")
    if not any(rule.keys):
        return FilePlan(entry, "refused", why=f"its rule in line {rule.line} of {CONFIG} names no keys")
    if inspected.metadata is None:
        return _plan_age(entry, inspected.header, rule, is_named)
    change = key_change(inspected.metadata, rule)
    if change.is_empty:
        return None
    return FilePlan(
        entry, "refused" if change.obstacle else "differs", rule, inspected.metadata, change, change.obstacle
    )


def _plan_age(entry: BlobEntry, header: Header | None, rule: CreationRule, is_named: bool) -> FilePlan:
    if len([group for group in rule.keys if group]) > 1:
        return FilePlan(entry, "refused", why="an age file cannot need several key groups")
    if rule.foreign:
        return FilePlan(entry, "refused", why=f"nothing can be encrypted for {', '.join(rule.foreign[:4])} here")
    if header is None or is_named or not fits_header(header, rule):
        return FilePlan(entry, "differs", rule, why="it is encrypted anew for the recipients of its rule")
    return FilePlan(entry, "unknown", rule, why="it does not say who can open it; name it to encrypt it anew")


def _synced(one: FilePlan, content: bytes, identities: Sequence[Identity], moment: datetime) -> bytes:
    assert one.rule is not None
    if one.metadata is None:
        return _encrypted_anew(content, one.rule, identities)
    from llmcfg.secrets.sops.rotate import set_recipients

    return set_recipients(
        content,
        file_type_of(one.file),
        identities,
        _as_in_file(one.rule, one.metadata),
        moment,
        threshold=one.rule.threshold,
        drop_others=not one.rule.foreign,
    )


def _encrypted_anew(content: bytes, rule: CreationRule, identities: Sequence[Identity]) -> bytes:
    from llmcfg.secrets.age import decrypt, encrypt_to, parse_recipient
    from llmcfg.secrets.age.armor import is_armored

    recipients = [parse_recipient(recipient) for recipient in rule.recipients]
    return encrypt_to(recipients, decrypt(content, identities), armor=is_armored(content))


def _as_in_file(rule: CreationRule, metadata: Metadata) -> list[tuple[str, ...]]:
    """The groups of the rule, each recipient as the file writes it: one that stays keeps its wrapped data key."""
    written = {same_recipient(name): name for name in metadata.recipients}
    return [tuple(written.get(name, name) for name in group) for group in rule.groups if group]


def _refused(refusals: Iterable[tuple[str, LlmcfgError]]) -> LlmcfgError:
    (file, first), *others = refusals
    rest = f" (and {len(others)} more like it)" if others else ""
    kind = type(first) if type(first) in (NotAuthorisedError, UsageError) else LlmcfgError
    return kind(f"{file}: {first.message}{rest}; nothing was written", hint=first.hint)
