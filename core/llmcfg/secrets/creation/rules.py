"""Creation rules: who can open a file that is created at a path, and which of its values are encrypted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import NotFoundError, UsageError
from llmcfg.model.findings import Origin
from llmcfg.secrets.creation.keys import age_key, each_once
from llmcfg.secrets.sops.rules import Rule, parse_rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.secrets.sops.metadata import KeyEntry
    from llmcfg.secrets.sops.regexstates import Pattern
    from llmcfg.secrets.sops.rules import RuleKind

CONFIG: Final = ".sops.yaml"


@dataclass(frozen=True, slots=True)
class CreationRule:
    """`keys` are its key groups, one for an ordinary file: entries that name keys and wrap nothing. `threshold` 0: all groups are needed.

    `line` and `column` are where it stands, from 1.
    """

    keys: tuple[tuple[KeyEntry, ...], ...]
    threshold: int = 0
    rule: Rule = field(default_factory=Rule)
    mac_only_encrypted: bool = False
    path_regex: Pattern | None = None
    line: int = 1
    column: int = 1

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The age recipients of each group; empty for a group of other keys only."""
        return tuple(tuple(key.name for key in group if key.service == "age") for group in self.keys)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The age recipients of all groups."""
        return tuple(dict.fromkeys(name for group in self.groups for name in group))

    @property
    def foreign(self) -> tuple[str, ...]:
        """The keys of other services, as people call them. Nothing is encrypted for a rule that has any."""
        return tuple(dict.fromkeys(key.label for group in self.keys for key in group if key.service != "age"))

    def fits(self, path: str) -> bool:
        return self.path_regex is None or self.path_regex.search(path)


class Said(NamedTuple):
    """What the caller says in place of the rule: recipients instead of all its keys, the rest one by one."""

    recipients: tuple[str, ...] = ()
    settings: Mapping[RuleKind, str] = {}
    threshold: int = 0
    mac_only_encrypted: bool = False


class CreationRules(NamedTuple):
    """The rules in their order. `file` is how errors call the file that they come from."""

    rules: tuple[CreationRule, ...] = ()
    file: str = CONFIG

    def find(self, path: str) -> CreationRule | None:
        """The rule for a path from the folder of the file, written with `/`."""
        return next((rule for rule in self.rules if rule.fits(path)), None)

    def rule_for(self, path: str, said: Said | None = None) -> CreationRule:
        """The rule for a path that something is to be encrypted at.

        Raises NotFoundError when neither a rule nor the caller says for whom, UsageError for what nothing can be encrypted by: nobody,
        keys that cannot be wrapped here, two rules of what is encrypted.
        """
        rule = self.find(path)
        said = said or Said()
        if rule is None and not said.recipients:
            raise self._nobody(path)
        place = Origin(self.file, rule.line, rule.column) if rule else ""
        chosen = _overridden(rule or CreationRule(()), said)
        if chosen.foreign:
            raise UsageError(
                f"the rule for {path} ({place}) names {', '.join(chosen.foreign[:4])}, which nothing can be encrypted for here",
                hint="encrypt this file with sops, or let the rule name age recipients only",
            )
        if not chosen.recipients:
            raise UsageError(f"the rule for {path} ({place}) names no keys", hint="add age recipients to it")
        return chosen

    def _nobody(self, path: str) -> NotFoundError:
        if self.rules:
            return NotFoundError(
                f"no creation rule of {self.file} matches {path}",
                hint="add a rule whose path_regex matches it, or name public keys with --age",
            )
        return NotFoundError(
            f"nobody is named who could open {path}: there are no creation rules",
            hint=f"write {CONFIG}, or name public keys with --age; llmcfg key show-public prints yours",
        )


def _overridden(rule: CreationRule, said: Said) -> CreationRule:
    settings: dict[str, str] = {}
    if rule.rule.kind and rule.rule != Rule():
        settings[rule.rule.kind] = rule.rule.text
    settings |= {kind: text for kind, text in said.settings.items() if text}
    return replace(
        rule,
        keys=(each_once(age_key(text) for text in said.recipients),) if said.recipients else rule.keys,
        threshold=said.threshold or rule.threshold,
        rule=parse_rule(settings),
        mac_only_encrypted=said.mac_only_encrypted or rule.mac_only_encrypted,
    )
