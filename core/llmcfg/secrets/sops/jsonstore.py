"""JSON as sops reads and writes it: ordered, duplicate keys kept, integers of 64 bits stay integers, indented by tabs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.limits import SOPS_DEPTH
from llmcfg.secrets.sops.model import Item, Leaf, Mapping, Null, Sequence, Span, text_of
from llmcfg.secrets.sops.numbers import INT64_MAX, INT64_MIN, format_float, format_float_json, parse_float

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Comment, Node

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"((?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: Final = {"true": Leaf("bool", b"True"), "false": Leaf("bool", b"False"), "null": None}
_WORD: Final = re.compile("true|false|null")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED: Final = re.compile('["\\\\\x00-\x1f<>&\u2028\u2029\ud800-\udfff]')
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def read_json(text: str) -> Mapping:
    """The object that a file is, with spans. Raises UsageError with a position for what is not."""
    reader = _Reader(text)
    if not text[reader.after_space(0) :].startswith("{"):
        raise UsageError("a JSON file has to be an object", hint='put its content under a key: {"data": …}')
    node, end = reader.node(reader.after_space(0), 0)
    if reader.after_space(end) != len(text):
        raise reader.refused(reader.after_space(end), "something stands behind the object")
    if not isinstance(node, Mapping):
        raise reader.refused(0, "it is not an object")
    return node


def write_json(node: Node) -> str:
    """The text of a file. Comments are left out, as sops does."""
    return f"{write_json_value(node, 0)}\n"


def write_json_value(node: Node, depth: int) -> str:
    """A value whose further lines are indented for a key at `depth` tabs."""
    if isinstance(node, Null):
        return "null"
    if isinstance(node, Leaf):
        return _leaf(node)
    pad, end = "\t" * (depth + 1), "\t" * depth
    if isinstance(node, Mapping):
        lines = [f"{pad}{quoted(item.key)}: {write_json_value(item.value, depth + 1)}" for item in node.entries()]
        return "{\n" + ",\n".join(lines) + f"\n{end}}}" if lines else "{}"
    lines = [pad + write_json_value(item, depth + 1) for item in node.nodes()]
    return "[\n" + ",\n".join(lines) + f"\n{end}]" if lines else "[]"


def quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(lambda found: _escape(found[0]), text) + '"'


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text

    def node(self, at: int, depth: int) -> tuple[Node, int]:
        """The value that starts at `at`, and where it ends."""
        if depth > SOPS_DEPTH:
            raise self.refused(at, f"it is nested more than {SOPS_DEPTH} levels deep")
        first = self.text[at : at + 1]
        if first == '"':
            value, end = self.string(at)
            return Leaf("str", value.encode("utf-8", "surrogateescape"), Span(at, end)), end
        if first == "{":
            return self.mapping(at, depth)
        if first == "[":
            return self.sequence(at, depth)
        word = _WORD.match(self.text, at)
        if word:
            known = _WORDS[word[0]]
            span = Span(at, word.end())
            return (Leaf(known.kind, known.reveal(), span) if known else Null(span)), word.end()
        return self.number(at)

    def mapping(self, at: int, depth: int) -> tuple[Mapping, int]:
        items: list[Item | Comment] = []
        here = self.after_space(at + 1)
        while self.text[here : here + 1] != "}" or items:
            key, end = self.string(here)
            colon = self.after_space(end)
            if self.text[colon : colon + 1] != ":":
                raise self.refused(colon, "a colon is missing")
            value, after = self.node(self.after_space(colon + 1), depth + 1)
            items.append(Item(key, value, Span(here, end)))
            here = self.after_space(after)
            if self.text[here : here + 1] != ",":
                break
            here = self.after_space(here + 1)
        if self.text[here : here + 1] != "}":
            raise self.refused(here, "a comma or the end of an object is missing")
        return Mapping(items, Span(at, here + 1), is_flow=True), here + 1

    def sequence(self, at: int, depth: int) -> tuple[Sequence, int]:
        items: list[Node | Comment] = []
        here = self.after_space(at + 1)
        while self.text[here : here + 1] != "]" or items:
            value, after = self.node(here, depth + 1)
            items.append(value)
            here = self.after_space(after)
            if self.text[here : here + 1] != ",":
                break
            here = self.after_space(here + 1)
        if self.text[here : here + 1] != "]":
            raise self.refused(here, "a comma or the end of a list is missing")
        return Sequence(items, Span(at, here + 1), is_flow=True), here + 1

    def string(self, at: int) -> tuple[str, int]:
        found = _STRING.match(self.text, at)
        if found is None:
            raise self.refused(at, "a string is missing, or is not well formed")
        value = found[1]
        if "\\" in value:
            value = _LONE_SURROGATE.sub("\ufffd", str(json.loads(found[0])))
        return value, found.end()

    def number(self, at: int) -> tuple[Leaf, int]:
        found = _NUMBER.match(self.text, at)
        if found is None:
            raise self.refused(at, "a value is missing")
        span = Span(at, found.end())
        if found[1] is None and found[2] is None and len(found[0]) < 30:
            value = int(found[0])
            if INT64_MIN <= value <= INT64_MAX:
                return Leaf("int", b"%d" % value, span), found.end()
        try:
            return Leaf("float", format_float(parse_float(found[0])).encode(), span), found.end()
        except ValueError:
            raise self.refused(at, "this number is too large") from None

    def after_space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def refused(self, at: int, what: str) -> UsageError:
        line = self.text.count("\n", 0, at) + 1
        column = at - self.text.rfind("\n", 0, at)
        return UsageError(f"the file is not JSON at {line}:{column}: {what}", hint="mend it there")


def _leaf(leaf: Leaf) -> str:
    plain = leaf.reveal()
    match leaf.kind:
        case "bool":
            return "true" if plain == b"True" else "false"
        case "int":
            return plain.decode()
        case "float":
            try:
                return "-0.0" if plain == b"-0.0" else format_float_json(parse_float(plain.decode()))
            except ValueError:
                raise UsageError("JSON has no infinite numbers and no NaN", hint="write the file as YAML") from None
    return quoted(text_of(leaf))


def _escape(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        return "\\ufffd"
    return _ESCAPES.get(char) or f"\\u{ord(char):04x}"
