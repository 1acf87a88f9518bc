"""What a creation rule asks of a file that is there already: which keys come, which go, and whether the data key has to be another one.

Recipients are compared by what they are and not by how they are written: the comment of an SSH key does not count.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.secrets.age import Header
    from llmcfg.secrets.creation import CreationRule
    from llmcfg.secrets.sops.metadata import KeyEntry, Metadata

Group: TypeAlias = "frozenset[str]"
_STANZAS: Final = {"x25519": "X25519", "post-quantum": "mlkem768x25519"}


class KeyChange(NamedTuple):
    """Keys as people call them, sorted. `foreign` are those of other services that the rule names and the file lacks.

    `replaces_data_key`: somebody who could open the file no longer can, or another number of groups is needed.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    keeps_foreign: bool = False
    regroups: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.regroups)

    @property
    def replaces_data_key(self) -> bool:
        return bool(self.removed or self.regroups)

    @property
    def obstacle(self) -> str:
        """Why it cannot be made here; empty if it can."""
        if self.foreign:
            return f"nothing can be encrypted for {', '.join(self.foreign[:4])} here"
        if self.replaces_data_key and self.keeps_foreign:
            return "the new data key could not be encrypted for the keys of other services that the rule names"
        return ""


def key_change(metadata: Metadata, rule: CreationRule) -> KeyChange:
    """What makes the keys of a SOPS file those of its rule."""
    current = [_names(group) for group in metadata.groups if group]
    wanted = [_names(group) for group in rule.keys if group]
    before, after = frozenset().union(*current), frozenset().union(*wanted)
    foreign = frozenset(rule.foreign)
    needed = min(rule.threshold or len(wanted), len(wanted)) if len(wanted) > 1 else 1
    are_grouped = len(current) > 1 or len(wanted) > 1
    return KeyChange(
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
        foreign=tuple(sorted(foreign - before)),
        keeps_foreign=bool(foreign),
        regroups=are_grouped and (Counter(current) != Counter(wanted) or needed != metadata.needed),
    )


def fits_header(header: Header, rule: CreationRule) -> bool:
    """Whether an age file may be for the recipients of a rule: it says of which kinds they are and how many, and of most not who."""
    from llmcfg.secrets.age.recipients import parse_recipient

    found = Counter(stanza.type for stanza in header.stanzas if not stanza.is_grease)
    try:
        kinds = [parse_recipient(recipient).kind for recipient in rule.recipients]
    except UsageError:
        return found.total() == len(rule.recipients)
    return found == Counter(_STANZAS.get(kind, kind) for kind in kinds)


@lru_cache(maxsize=4096)
def same_recipient(text: str) -> str:
    """One way to write a recipient; what is none stays as it is."""
    from llmcfg.secrets.age.recipients import parse_recipient

    try:
        return parse_recipient(text).text
    except UsageError:
        return text


def _names(group: Iterable[KeyEntry]) -> Group:
    return frozenset(same_recipient(key.name) if key.service == "age" else key.label for key in group)
