"""Weaving the texts of two versions of a document into one, entry by entry, so that each keeps the bytes of the side that it comes from.

The result is pieces: text, and places where the sides have a text each. Nothing here is trusted: who asks loads the result and compares.
"""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from llmcfg.documents.editor import delete_value, set_value
from llmcfg.documents.segments import Block, Entry, Segments
from llmcfg.documents.threeway import item_names, merge_values, merged_order, same
from llmcfg.errors import UsageError
from llmcfg.model.change import ABSENT
from llmcfg.model.difference import diff_values
from llmcfg.model.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmcfg.documents.threeway import RuleLookup, Which
    from llmcfg.model.change import Change, Side
    from llmcfg.model.value import Path

    Name: TypeAlias = str | int
    Entries: TypeAlias = Versions["Entry | None"]


class Sides(NamedTuple):
    """What each side has where they clash."""

    ours: str
    theirs: str


Piece: TypeAlias = "str | Sides"


class Woven(NamedTuple):
    """`lost` is how many times both sides changed the same comment or layout, and ours stands."""

    pieces: tuple[Piece, ...]
    lost: int


def weave(texts: Versions[Segments], rule_at: RuleLookup) -> Woven | None:
    """None for documents that cannot be cut into the same entries."""
    weaver = _Weaver(texts, rule_at, [])
    pieces = weaver.block((), texts.map(lambda text: text.root()))
    return None if pieces is None else Woven(tuple(pieces), len(weaver.lost))


def unravel(pieces: Sequence[Piece], side: Which) -> str:
    """The text with one side's at each clash."""
    return "".join(piece if isinstance(piece, str) else getattr(piece, side) for piece in pieces)


def edited(text: str, changes: Iterable[Change]) -> str:
    """The text with the changes made, one by one. Raises UsageError where no edit leads there."""
    content = text.encode("utf-8", "surrogatepass")
    for change in changes:
        if change.after is ABSENT:
            content = delete_value(content, change.path)
        else:
            content = set_value(content, change.path, change.after)
    return content.decode("utf-8", "surrogatepass")


class _Weaver(NamedTuple):
    texts: Versions[Segments]
    rule_at: RuleLookup
    lost: list[Path]

    def block(self, path: Path, blocks: Versions[Block | None]) -> list[Piece] | None:
        base, ours, theirs = blocks
        named = [self._named(path, text, block) for text, block in zip(self.texts, blocks, strict=True)]
        if not ours or not theirs or None in named or _shape(ours) != _shape(theirs):
            return None
        before, mine, yours = (names or {} for names in named)
        order = merged_order([*before], [*mine], [*yours])
        if ours.is_inline and not order[:1] == [*mine][:1] == [*yours][:1]:
            return None
        header = _settled(base.header if base else "", ours.header, theirs.header)
        if header is None and path:
            return None
        woven: list[Piece] = []
        for index, name in enumerate(order):
            indent = "" if ours.is_inline and not index else " " * ours.column
            found = self._entry(Versions(before.get(name), mine.get(name), yours.get(name)), indent)
            if ours.is_inline and not index and any(isinstance(piece, Sides) for piece in found):
                return None
            woven += found
        if not woven and path:
            return None
        tail = _settled(base.tail if base else "", ours.tail, theirs.tail)
        outside = self._ours_if_lost(header, ours.header, path), self._ours_if_lost(tail, ours.tail, path)
        return [outside[0], *(woven or ["{}\n"]), outside[1]]

    def _named(self, path: Path, text: Segments, block: Block | None) -> Mapping[Name, Entry] | None:
        """Entries by what tells them apart; None for a list in which nothing does."""
        if block is None:
            return {}
        value = text.value_at(block.entries[0].path[:-1])
        if not isinstance(block.entries[0].path[-1], int):
            return {entry.path[-1]: entry for entry in block.entries}
        names = item_names(value, self.rule_at(path))
        return None if names is None else dict(zip(names, block.entries, strict=True))

    def _entry(self, entries: Entries, indent: str) -> list[Piece]:
        base, ours, theirs = entries
        if not ours or not theirs:
            return self._one_sided(entries, indent)
        leading = _settled(base.leading if base else "", ours.leading, theirs.leading)
        before = f"{self._ours_if_lost(leading, ours.leading, ours.path)}{indent}"
        body = _settled(base.body if base else "", ours.body, theirs.body)
        if body is not None:
            return [before, body]
        woven = self.block(ours.path, Versions(*starmap(_inner, zip(self.texts, entries, strict=True))))
        if woven is not None:
            return [before, *woven]
        return self._leaf(entries, before)

    def _one_sided(self, entries: Entries, indent: str) -> list[Piece]:
        """Added by one side; or removed by one, which stands unless the other side gave it another value."""
        base, ours, theirs = entries
        present = ours or theirs
        assert present is not None
        text = f"{present.leading}{indent}{present.body}"
        if base is None:
            return [text]
        values = self._values(entries)
        if present.body == base.body or same(values.base, values.ours if ours else values.theirs):
            return []
        return [Sides(text, "") if ours else Sides("", text)]

    def _leaf(self, entries: Entries, before: str) -> list[Piece]:
        """Of an entry whose text both changed: its value by value, and what stands around it in that line."""
        _, ours, theirs = entries
        assert ours is not None
        assert theirs is not None
        values = self._values(entries)
        merged = [merge_values(values, self.rule_at, side, ours.path) for side in ("ours", "theirs")]
        if merged[0].clashes:
            mine = self._with_value(self.texts.ours, ours, merged[0].value)
            yours = self._with_value(self.texts.theirs, theirs, merged[1].value)
            return [Sides(before + mine, before + yours)]
        for side in ("theirs", "ours") if same(values.base, values.ours) else ("ours", "theirs"):
            if same(merged[0].value, values.of(side)):
                return [before, self._around(entries, side)]
        return [before, self._with_value(self.texts.ours, ours, merged[0].value)]

    def _around(self, entries: Entries, side: Which) -> str:
        """The value of a side between what either made of the rest of its lines; where that does not fit, all of it as the side has it."""
        own = entries.of(side)
        parts = [text.parts(entry) if entry else None for text, entry in zip(self.texts, entries, strict=True)]
        base, ours, theirs = parts
        assert own is not None
        assert ours is not None
        assert theirs is not None
        introduction = _settled(base.introduction if base else "", ours.introduction, theirs.introduction)
        if introduction is None or "\n" in ours.value + theirs.value + introduction:
            self.lost.append(own.path)
            return own.body
        rest = _settled(base.rest if base else "", ours.rest, theirs.rest)
        value = ours.value if side == "ours" else theirs.value
        return introduction + value + self._ours_if_lost(rest, ours.rest, own.path)

    def _with_value(self, text: Segments, entry: Entry, value: Side) -> str:
        """The entry's body when it holds the value. Raises UsageError where no edit leads there."""
        content = edited(text.text, diff_values(text.value_at(entry.path), value, entry.path))
        found = Segments(content, text.value).find(entry.path)
        if found is None:
            raise UsageError("the value cannot be edited alone")
        return found.body

    def _values(self, entries: Entries) -> Versions[Side]:
        return Versions(
            *(text.value_at(entry.path) if entry else ABSENT for text, entry in zip(self.texts, entries, strict=True))
        )

    def _ours_if_lost(self, merged: str | None, ours: str, path: Path) -> str:
        if merged is None:
            self.lost.append(path)
        return ours if merged is None else merged


def _inner(text: Segments, entry: Entry | None) -> Block | None:
    return text.inner(entry) if entry else None


def _settled(base: str, ours: str, theirs: str) -> str | None:
    return Versions(base, ours, theirs).settled


def _shape(block: Block) -> tuple[int, bool, type]:
    return block.column, block.is_inline, type(block.entries[0].path[-1])
