"""Reading `.sops.yaml`: from text to rules, and every mistake with its place.

Values are taken as go-yaml gives them to sops: a list of keys may be one text with commas, a key group may be made of others (`merge`), a
merge key `<<` lays a mapping under another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.model.findings import Origin, Problem
from llmcfg.secrets.creation.keys import GROUP_KEYS, RULE_KEYS, age_key, each_once
from llmcfg.secrets.creation.rules import CONFIG, CreationRule, CreationRules
from llmcfg.secrets.sops.model import Item, Leaf, Mapping, Null, Sequence, text_of
from llmcfg.secrets.sops.regex import compile_pattern
from llmcfg.secrets.sops.rules import RULE_KINDS, Rule, parse_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.secrets.creation.keys import Naming
    from llmcfg.secrets.sops.metadata import KeyEntry
    from llmcfg.secrets.sops.model import Node, Span
    from llmcfg.secrets.sops.regexstates import Pattern

_RULE: Final = "secret-rules"
_SEVERAL: Final = "keep one of the six; a file has one rule for what is encrypted"


def read_creation_rules(content: bytes) -> tuple[tuple[CreationRule, ...], tuple[Problem, ...]]:
    """The rules that could be read, and what is wrong with the file, in the order of its lines."""
    from llmcfg.secrets.sops.yamlnodes import read_nodes
    from llmcfg.secrets.sops.yamlstore import is_null, read_yaml

    try:
        text = content.decode().removeprefix("\ufeff")
        if all(document.root is None or is_null(document.root) for document in read_nodes(text)[:1]):
            return (), ()
        root = read_yaml(text)[0]
    except UnicodeDecodeError as error:
        return (), (Problem(_RULE, f"the file is not UTF-8 (byte {error.start})", hint="write it as UTF-8"),)
    except UsageError as error:
        return (), (Problem(_RULE, error.message, hint=error.hint),)
    reader = _Reader(text)
    rules = tuple(reader.rules(root))
    return rules, tuple(sorted(reader.problems, key=lambda problem: (problem.line, problem.column)))


def parse_creation_rules(content: bytes, file: str = CONFIG) -> CreationRules:
    """The rules of a `.sops.yaml`. Raises UsageError that says where the first mistake in it is."""
    rules, problems = read_creation_rules(content)
    if problems:
        first = problems[0]
        raise UsageError(f"{Origin(file, first.line, first.column)}: {first.message}", hint=first.hint)
    return CreationRules(rules, file)


class _Reader:
    """Reads one file. What is wrong is added to `problems` and left out."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._text = text

    def rules(self, root: Mapping) -> Iterator[CreationRule]:
        for node in self._list(_fields(root).get("creation_rules"), "creation_rules"):
            if isinstance(node, Mapping):
                yield self._rule(node)
            else:
                self._wrong(node, "a creation rule is not a mapping", "write - path_regex: … and its keys")

    def _rule(self, node: Mapping) -> CreationRule:
        fields = _fields(node)
        groups = self._groups(fields) or (self._plain_keys(fields),)
        line, column = self._place(node.span)
        return CreationRule(
            keys=tuple(group for group in groups if group),
            threshold=self._threshold(fields.get("shamir_threshold"), len(groups)),
            rule=self._selection(fields),
            mac_only_encrypted=self._flag(fields.get("mac_only_encrypted"), "mac_only_encrypted"),
            path_regex=self._pattern(fields.get("path_regex")),
            line=line,
            column=column,
        )

    def _groups(self, fields: dict[str, Item]) -> tuple[tuple[KeyEntry, ...], ...]:
        groups: list[tuple[KeyEntry, ...]] = []
        for node in self._list(fields.get("key_groups"), "key_groups"):
            if isinstance(node, Mapping):
                groups.append(each_once(self._group(node)))
            else:
                self._wrong(node, "a key group is not a mapping", "write - age: [age1…]")
        return tuple(groups)

    def _group(self, node: Mapping) -> Iterator[KeyEntry]:
        fields = _fields(node)
        for part in self._list(fields.get("merge"), "merge"):
            if isinstance(part, Mapping):
                yield from self._group(part)
            else:
                self._wrong(part, "a part of merge is not a mapping", "write - age: [age1…]")
        for element in self._list(fields.get("age"), "age"):
            for text in self._texts(element, "age"):
                yield from self._age_key(text, element)
        for name, naming in GROUP_KEYS.items():
            for element in self._list(fields.get(name), name):
                yield from self._group_key(element, name, naming)

    def _group_key(self, node: Node, name: str, naming: Naming) -> Iterator[KeyEntry]:
        item = node.find(naming.field) if naming.field and isinstance(node, Mapping) else None
        named = item.value if item else node
        if isinstance(named, Leaf):
            yield naming.key(text_of(named))
        else:
            wanted = f"a mapping with {naming.field}" if naming.field else "a text"
            self._wrong(node, f"a key of {name} is not {wanted}", "see the documentation of sops on key groups")

    def _plain_keys(self, fields: dict[str, Item]) -> tuple[KeyEntry, ...]:
        keys: list[KeyEntry] = []
        for node, text in self._named(fields, "age"):
            keys += self._age_key(text, node)
        for name, key in RULE_KEYS.items():
            keys += [key(text) for _, text in self._named(fields, name)]
        return each_once(keys)

    def _named(self, fields: dict[str, Item], name: str) -> Iterator[tuple[Node, str]]:
        """The texts of a field that is one text or a list."""
        item = fields.get(name)
        for node in [item.value] if item and isinstance(item.value, Leaf) else self._list(item, name):
            for text in self._texts(node, name):
                yield node, text

    def _age_key(self, text: str, node: Node) -> Iterator[KeyEntry]:
        try:
            yield age_key(text)
        except UsageError as error:
            self._wrong(node, error.message, error.hint)

    def _selection(self, fields: dict[str, Item]) -> Rule:
        settings: dict[str, str] = {}
        for kind in RULE_KINDS:
            item = fields.get(kind)
            text = self._text_of(item, kind)
            if item is None or not text:
                continue
            if settings:
                self._wrong_item(item, f"{next(iter(settings))} and {kind} cannot be used together", _SEVERAL)
                return Rule()
            settings[kind] = text
            try:
                parse_rule(settings)
            except UsageError as error:
                self._wrong(item.value, error.message, error.hint)
                return Rule()
        return parse_rule(settings)

    def _pattern(self, item: Item | None) -> Pattern | None:
        text = self._text_of(item, "path_regex")
        if item is None or not text:
            return None
        try:
            return compile_pattern(text)
        except UsageError as error:
            self._wrong(item.value, error.message, error.hint)
            return compile_pattern(r"\z\b")  # fits no path

    def _threshold(self, item: Item | None, groups: int) -> int:
        text = self._text_of(item, "shamir_threshold")
        if item is None or not text:
            return 0
        if not (text.isascii() and text.isdigit()):
            self._wrong(
                item.value, f"shamir_threshold is {text!r} and not a number", "write how many groups are needed"
            )
            return 0
        if groups > 1 and int(text) and not 2 <= int(text) <= groups:
            self._wrong(
                item.value, f"{text} of {groups} key groups is not possible", f"write a number from 2 to {groups}"
            )
        return int(text)

    def _flag(self, item: Item | None, name: str) -> bool:
        if item is None or isinstance(item.value, Null):
            return False
        if not isinstance(item.value, Leaf) or item.value.kind != "bool":
            self._wrong(item.value, f"{name} is neither true nor false", "write true or false")
            return False
        return item.value.reveal() == b"True"

    def _text_of(self, item: Item | None, name: str) -> str:
        if item is None or isinstance(item.value, Null):
            return ""
        if isinstance(item.value, Leaf):
            return text_of(item.value)
        self._wrong(item.value, f"{name} is not a text", "write one value")
        return ""

    def _texts(self, node: Node, name: str) -> list[str]:
        """The keys of one text, which commas part."""
        if isinstance(node, Leaf) and node.kind == "str":
            return [part for text in text_of(node).split(",") if (part := text.strip())]
        if not isinstance(node, Null):
            self._wrong(node, f"a key of {name} is not a text", "write one key a line, or all in one text with commas")
        return []

    def _list(self, item: Item | None, name: str) -> list[Node]:
        if item is None or isinstance(item.value, Null):
            return []
        if isinstance(item.value, Sequence):
            return list(item.value.nodes())
        self._wrong(item.value, f"{name} is not a list", "write a list, each item after a dash")
        return []

    def _wrong(self, node: Node, message: str, hint: str) -> None:
        self._add(node.span, message, hint)

    def _wrong_item(self, item: Item, message: str, hint: str) -> None:
        self._add(item.key_span, message, hint)

    def _add(self, span: Span | None, message: str, hint: str) -> None:
        line, column = self._place(span)
        self.problems.append(Problem(_RULE, message, line, column, hint))

    def _place(self, span: Span | None) -> tuple[int, int]:
        start = span.start if span else 0
        return self._text.count("\n", 0, start) + 1, start - self._text.rfind("\n", 0, start)


def _fields(node: Mapping) -> dict[str, Item]:
    """The entries by key, with those that merge keys lay beneath."""
    fields: dict[str, Item] = {}
    for item in node.entries():
        if item.key != "<<":
            fields[item.key] = item
    for item in node.entries():
        if item.key == "<<":
            parts = item.value.nodes() if isinstance(item.value, Sequence) else [item.value]
            for part in parts:
                fields = {**_fields(part), **fields} if isinstance(part, Mapping) else fields
    return fields
