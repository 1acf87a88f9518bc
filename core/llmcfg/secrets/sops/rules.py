"""Which values of a file are encrypted: one of six rules, tested on every key of the path or on the comments above.

Without a rule, what is under a key that ends in `_unencrypted` stays in the clear. A comment rule looks at the comments that stand
directly before a value or before anything that holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.regex import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping

    from llmcfg.secrets.sops.regexstates import Pattern

RuleKind: TypeAlias = Literal[
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
]
RULE_KINDS: Final[tuple[RuleKind, ...]] = get_args(RuleKind)
DEFAULT_SUFFIX: Final = "_unencrypted"


@dataclass(frozen=True, slots=True)
class Rule:
    """`kind` None: everything is encrypted, as in binary files."""

    kind: RuleKind | None = "unencrypted_suffix"
    text: str = DEFAULT_SUFFIX

    @property
    def on_comments(self) -> bool:
        return self.kind in ("unencrypted_comment_regex", "encrypted_comment_regex")


EVERYTHING: Final = Rule(None, "")


def parse_rule(settings: AnyMapping[str, str]) -> Rule:
    """The rule that settings name, of which empty ones do not count. Raises UsageError for more than one, or a pattern Go refuses."""
    found: list[tuple[RuleKind, str]] = [(kind, settings[kind]) for kind in RULE_KINDS if settings.get(kind)]
    if len(found) > 1:
        names = " and ".join(kind for kind, _ in found)
        raise UsageError(f"{names} cannot be used together", hint="keep one of them")
    rule = Rule(kind=found[0][0], text=found[0][1]) if found else Rule()
    if rule.kind and rule.kind.endswith("regex"):
        compile_pattern(rule.text)
    return rule


class Selection:
    """Answers for one file, about a *hit*: whether a key on the way, or a comment above, matches the rule. Answers about keys are
    remembered, since keys repeat.
    """

    __slots__ = ("_known", "_pattern", "encrypts_hits", "on_comments", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.on_comments = rule.on_comments
        self.encrypts_hits = rule.kind is not None and rule.kind.startswith("encrypted")
        self._known: dict[str, bool] = {}
        self._pattern: Pattern | None = (
            compile_pattern(rule.text) if rule.kind and rule.kind.endswith("regex") else None
        )

    def hits_key(self, key: str) -> bool:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._matches_key(key)
        return known

    def hits_comment(self, text: bytes) -> bool:
        return (
            self.on_comments
            and self._pattern is not None
            and self._pattern.search(text.decode("utf-8", "surrogateescape"))
        )

    def _matches_key(self, key: str) -> bool:
        if self.rule.kind is None or self.on_comments:
            return False
        return self._pattern.search(key) if self._pattern else key.endswith(self.rule.text)
