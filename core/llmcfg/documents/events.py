"""The strict reading of one text by libyaml's events, in one loop without recursion, so that nothing in it can exhaust the stack.

Its rules are those of loader.py, which comes here with what is not read the short way.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from llmcfg.documents.aliases import Anchors
from llmcfg.documents.complaints import Complaints, StopError
from llmcfg.documents.keys import is_sound_key, plain_key
from llmcfg.documents.scalars import NUMBER_STARTS, WORDS, Trap, resolve_beginning, resolve_plain
from llmcfg.documents.screen import has_forbidden_character
from llmcfg.documents.tabs import find_tabs
from llmcfg.limits import DOCUMENT_DEPTH
from llmcfg.model.value import MergeTag, Tagged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yaml.events import Event

    from llmcfg.model.findings import Problem
    from llmcfg.model.value import Value


class Read(NamedTuple):
    """`value` is the root, only sound if there are no problems of severity error; `problems` are in text order."""

    value: Value
    has_tags: bool
    problems: tuple[Problem, ...]


def read_events(text: str, screened: Sequence[Problem], *, secrets: bool) -> Read:
    """What a screened text holds, with the problems that were found before."""
    reader = _Reader(text, secrets=secrets)
    value = reader.read()
    return Read(value, reader.has_tags, reader.complaints.in_text_order((*screened, *find_tabs(text))))


class _Reader:
    """One reading of one text. `read` is the hot loop; every other method is called only for what is rare or wrong."""

    def __init__(self, text: str, *, secrets: bool) -> None:
        self.complaints = Complaints(text)
        self.has_tags = False
        self._events = CParser(text)
        self._anchors = Anchors(self.complaints)
        self._secrets = secrets
        self._root_key: object = None
        self._documents = 0

    def read(self) -> Value:
        """The root value; what it holds is only sound if there are no complaints."""
        roots: list[Value] = []
        try:
            self._read_to_its_end(roots)
        except StopError:
            return None
        if not self.complaints.problems:
            self._check_root(roots)
        return roots[0] if roots else None

    def _read_to_its_end(self, roots: list[Value]) -> None:
        try:
            self._read_into(roots)
        except YAMLError as error:
            self.complaints.syntax(error)

    def _read_into(self, roots: list[Value]) -> None:
        get_event: Any = self._events.get_event
        word, starts = WORDS.get, NUMBER_STARTS
        stack: list[Any] = []
        container: Any = roots
        key: Any = _ITEM  # None: a key comes next; _ITEM: `container` is a list
        while True:
            event = get_event()
            kind = type(event)
            value: Any
            if kind is ScalarEvent:
                text = event.value
                if key is None:
                    key = plain_key(text) if event.implicit[0] else None
                    if key is None or key in container or event.anchor is not None:
                        key = self._odd_key(event, container)
                    continue
                if event.implicit[0]:
                    value = word(text, text)
                    if value is text and text[0] in starts:
                        value = resolve_beginning(text)
                    if value.__class__ is Trap or event.anchor is not None:
                        value = self._odd_scalar(event, value)
                else:
                    value = text
                    if event.tag is not None or event.anchor is not None or not text.isprintable():
                        value = self._odd_scalar(event, value, in_list=key is _ITEM)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                container = stack.pop()
                key = _ITEM if container.__class__ is list else None
                continue
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if key is None:
                    key = self._complex_key(event, len(stack))
                    continue
                below: Any = {} if kind is MappingStartEvent else []
                value = below
                if event.anchor is not None or event.tag is not None:
                    value = self._odd_collection(event, value, in_list=key is _ITEM)
                if key is _ITEM:
                    container.append(value)
                else:
                    container[key] = value
                stack.append(container)
                if len(stack) <= 2:
                    self._root_key = key
                elif len(stack) > DOCUMENT_DEPTH:
                    self._too_deep(event)
                container = below
                key = None if kind is MappingStartEvent else _ITEM
                continue
            elif kind is AliasEvent:
                value = self._anchors.use(event, stack, container)
                if key is None:
                    key = self._alias_key(event)
                    continue
            else:
                if event is None:
                    return
                self._at_boundary(event)
                continue
            if key is _ITEM:
                container.append(value)
            else:
                container[key] = value
                key = None

    def _at_boundary(self, event: Event) -> None:
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if event.version or event.tags:
                self.complaints.add("yaml-directive", "a YAML directive", event, "remove it: documents are YAML 1.2")
            if self._documents > 1:
                hint = "move the second document into a file of its own"
                self.complaints.add("yaml-documents", "a second document begins here", event, hint)
                raise StopError

    def _check_root(self, roots: list[Value]) -> None:
        root = roots[0] if roots else None
        if root is None:
            hint = "write {} for an empty mapping, or delete the file"
            self.complaints.at("yaml-empty", "the document is empty", 1, 1, hint)
        elif not isinstance(root, dict):
            what = "a merge tag stands before the whole document" if isinstance(root, Tagged) else "is not a mapping"
            message = f"the document {what}" if not isinstance(root, Tagged) else what
            rule = "yaml-tag-kind" if isinstance(root, Tagged) else "yaml-root"
            self.complaints.at(rule, message, 1, 1, "write keys and values, such as base_url: https://api.example.com")
        else:
            self._anchors.check_expansion(root)

    def _odd_key(self, event: ScalarEvent, container: dict[str, Value]) -> str:
        """The key of anything but a plain, untagged, new, unsuspicious scalar."""
        key = intern(event.value)
        if event.anchor is not None:
            self._anchors.define(event, key)
        if event.tag is not None and event.tag != _STANDARD + "str":
            self.complaints.add("yaml-tag", f"tag {_shown_tag(event.tag)} before a key", event, "remove the tag")
        elif (event.implicit[0] and plain_key(key) is None) or not is_sound_key(key):
            self.complaints.key(event)
        elif key in container:
            self.complaints.duplicate(event)
        else:
            return key
        return self.complaints.unusable_key()

    def _complex_key(self, event: Event, depth: int) -> str:
        """Reads past a mapping or list that stands where a key should."""
        self.complaints.complex_key(event)
        opened = 1
        while opened:
            inner: Any = cast("Any", self._events).get_event()
            if isinstance(inner, MappingStartEvent | SequenceStartEvent):
                opened += 1
                if depth + opened > DOCUMENT_DEPTH:
                    self._too_deep(inner)
            elif isinstance(inner, MappingEndEvent | SequenceEndEvent):
                opened -= 1
        return self.complaints.unusable_key()

    def _alias_key(self, event: AliasEvent) -> str:
        self.complaints.add("yaml-key-type", f"alias *{event.anchor} as a key", event, "write the key itself")
        return self.complaints.unusable_key()

    def _odd_scalar(self, event: ScalarEvent, value: Value | Trap, *, in_list: bool = False) -> Value:
        if event.tag is not None:
            value = self._tagged_scalar(event, in_list=in_list)
        elif isinstance(value, Trap):
            value = self._trapped(event, value)
        if event.style == '"' and (hidden := has_forbidden_character(event.value)):
            self.complaints.add("yaml-character", f"escape of {hidden} in a value", event, "remove it")
        if event.anchor is not None:
            self._anchors.define(event, value)
        return value

    def _trapped(self, event: ScalarEvent, trap: Trap) -> Value:
        if not self._secrets:
            self.complaints.add(trap.rule, trap.message, event, trap.hint)
        elif not (self._root_key == "sops" and trap.rule == "yaml-ambiguous"):
            self.complaints.add(trap.rule, "readers of YAML differ about this plain value", event, "quote it")
        return trap.value

    def _tagged_scalar(self, event: ScalarEvent, *, in_list: bool) -> Value:
        tag, text = cast("str", event.tag), event.value
        plain = resolve_plain(text) if not event.style else text
        if tag in _MERGE_TAGS:
            self.has_tags = True
            if MergeTag(tag) is MergeTag.DELETE and plain is None and not in_list:
                return Tagged(MergeTag.DELETE, None)
            if MergeTag(tag) is MergeTag.REPLACE and not in_list:
                return Tagged(MergeTag.REPLACE, self._trapped(event, plain) if isinstance(plain, Trap) else plain)
            self._wrong_kind(event, in_list=in_list)
        elif tag == _STANDARD + "str":
            return text
        elif isinstance(plain, Trap):
            return self._trapped(event, plain)
        elif _scalar_tag(text, plain) != tag:
            self._unknown_tag(event)
        return None if isinstance(plain, Trap) else plain

    def _odd_collection(self, event: Any, value: Value, *, in_list: bool) -> Value:
        tag = event.tag
        if tag in _MERGE_TAGS:
            self.has_tags = True
            wants_list = tag in (MergeTag.APPEND, MergeTag.PREPEND)
            if in_list or tag == MergeTag.DELETE or (wants_list and isinstance(value, dict)):
                self._wrong_kind(event, in_list=in_list)
            value = Tagged(MergeTag(tag), value)
        elif tag is not None and _TAG_OF_TYPE.get(type(value)) != tag:
            self._unknown_tag(event)
        if event.anchor is not None:
            self._anchors.define(event, value)
        return value

    def _wrong_kind(self, event: Any, *, in_list: bool) -> None:
        if in_list:
            message, hint = f"{event.tag} before a list item", "merge tags stand before the value of a key"
        else:
            message, hint = f"{event.tag} before the wrong kind of value", _KINDS
        self.complaints.add("yaml-tag-kind", message, event, hint)

    def _unknown_tag(self, event: Any) -> None:
        hint = "remove it; the only tags are !append, !prepend, !delete and !replace"
        self.complaints.add("yaml-tag", f"tag {_shown_tag(event.tag)}", event, hint)

    def _too_deep(self, event: Event) -> None:
        self.complaints.add("yaml-depth", f"nested deeper than {DOCUMENT_DEPTH} levels", event, "flatten it")
        raise StopError


def _scalar_tag(text: str, plain: Value) -> str | None:
    """The standard tag that changes nothing; `2.0` is written as a float and loads as the integer 2."""
    written = float if type(plain) is int and "." in text else type(plain)
    return _TAG_OF_TYPE.get(written)


def _shown_tag(tag: str) -> str:
    return "!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag


_ITEM: Final = object()
_STANDARD: Final = "tag:yaml.org,2002:"
_MERGE_TAGS: Final = frozenset(MergeTag)
_KINDS: Final = "!append and !prepend stand before a list, !replace before any value, !delete before nothing"
_TAG_OF_TYPE: Final[dict[type, str]] = {
    kind: _STANDARD + name
    for kind, name in (
        (int, "int"),
        (float, "float"),
        (bool, "bool"),
        (type(None), "null"),
        (dict, "map"),
        (list, "seq"),
    )
}
