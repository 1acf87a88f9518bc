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
    from collections.abc import Sequence as AnySequence

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
    """Answers for one file. Answers about keys are remembered, since keys repeat."""

    __slots__ = ("_known", "_pattern", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._known: dict[str, bool] = {}
        self._pattern: Pattern | None = (
            compile_pattern(rule.text) if rule.kind and rule.kind.endswith("regex") else None
        )

    def has_value(self, path: AnySequence[str], comments: AnySequence[AnySequence[bytes]]) -> bool:
        """Whether the value at a path is encrypted. `comments` are those before it and before each of what holds it."""
        match self.rule.kind:
            case None:
                return True
            case "unencrypted_comment_regex":
                return not self._commented(comments)
            case "encrypted_comment_regex":
                return self._commented(comments)
            case "unencrypted_suffix" | "unencrypted_regex":
                return not any(map(self._named, path))
            case _:
                return any(map(self._named, path))

    def has_comment(self, text: bytes, path: AnySequence[str], comments: AnySequence[AnySequence[bytes]]) -> bool:
        """The same for a comment, which itself is the last of `comments`."""
        if self.rule.kind == "encrypted_comment_regex" and self._matches(text):
            return False
        return self.has_value(path, comments)

    def _commented(self, comments: AnySequence[AnySequence[bytes]]) -> bool:
        return any(self._matches(text) for level in comments for text in level)

    def _matches(self, comment: bytes) -> bool:
        return self._pattern is not None and self._pattern.search(comment.decode("utf-8", "surrogateescape"))

    def _named(self, key: str) -> bool:
        known = self._known.get(key)
        if known is None:
            known = self._pattern.search(key) if self._pattern else key.endswith(self.rule.text)
            self._known[key] = known
        return known
