"""A short way through documents of regular lines, as most are: one search in the whole text, and one step a line.

Regular are keys and dashes with scalars on one line, flat lists and mappings in brackets, and block text (docs/spec/yaml.md). A document
with anything else in it, or with anything to complain about, is not: then the loader reads all of it from libyaml's events. So nothing is
said here. What this way reads has to be what that way reads, and the second parser (agreement.py) has its say about it too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import methodcaller
from sys import intern
from typing import TYPE_CHECKING, Any, Final, cast

from llmcfg.documents.keys import is_sound_key, plain_key
from llmcfg.documents.scalars import NUMBER_STARTS, WORDS, Trap, resolve_beginning
from llmcfg.limits import DOCUMENT_DEPTH
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.value import Scalar, Value

    _Line = tuple[str, str, str, str, str, str, str, str]  # the groups of `_LINE`
    _Opened = list[
        tuple[int, Any]
    ]  # mappings and lists, outermost first, each with the column at which its lines begin


class _IrregularError(Exception):
    """Something that this way does not read."""


def read_regular(text: str) -> dict[str, Value] | None:
    """The value of a screened text; None where it is not regular."""
    if (
        "\t" in text
        or "\r" in text
        or text.endswith(" ")
        or not (text.isascii() or text.replace("\n", "").isprintable())
    ):
        return None
    try:
        return _read(_lines(text, len(_MARKER) if text.startswith(_MARKER) else 0)) or None
    except _IrregularError:
        return None


def _lines(text: str, start: int) -> Iterable[_Line]:
    """Of a long text one after another, so that one which is irregular early costs what stands before that."""
    if len(text) <= _LONG:
        return _LINE.findall(text, start)
    return map(methodcaller("groups", ""), _LINE.finditer(text, start))


def _read(lines: Iterable[_Line]) -> dict[str, Value]:
    """The hot loop; it calls only for what is no word beneath the line before."""
    word = WORDS.get
    root: dict[str, Value] = {}
    opened: _Opened = [(0, root)]
    indent, container = opened[0]
    waiting: str | None = None  # the last key, where its value may stand on deeper lines
    for lead, dash, name, number, text, style, body, odd in lines:
        said = number or text or style
        if not name and not dash:
            if said or odd:
                raise _IrregularError
            continue
        if waiting is not None or dash or len(lead) != indent:
            _enter(opened, len(lead), waiting, is_item=bool(dash))
            if dash and name:
                _open_item(opened)
            indent, container = opened[-1]
        value: Any = None
        if number:
            value = _fraction(number) if "." in number else int(number)
        elif text:
            value = word(text, text)
            if value is text and text[0] in _TELLING:
                value = _resolve(text)
            elif value.__class__ is Trap:
                raise _IrregularError
        elif style:
            value = _read_block(style, body, indent)
        if not name:
            _append(container, value, is_there=bool(said))
            indent, waiting = _NO_COLUMN, None
            continue
        key = _key(name)
        if key in container:
            raise _IrregularError
        container[key] = value
        waiting = None if said else key
    return root


def _enter(opened: _Opened, column: int, waiting: str | None, *, is_item: bool) -> None:
    """Opens and closes what a line at this column opens and closes. It belongs to what is opened last then."""
    indent, container = opened[-1]
    if waiting is not None and column + is_item > indent:  # the items of a list may stand right beneath their key
        below: list[Value] | dict[str, Value] = [] if is_item else {}
        container[waiting] = below
        opened.append((column, below))
    while opened and (opened[-1][0] > column or (opened[-1][0] == column and _is_list(opened) is not is_item)):
        opened.pop()
    if not opened or opened[-1][0] != column or len(opened) >= _DEEPEST:
        raise _IrregularError


def _is_list(opened: _Opened) -> bool:
    return isinstance(opened[-1][1], list)


def _open_item(opened: _Opened) -> None:
    column, items = opened[-1]
    items.append({})
    opened.append((column + len("- "), items[-1]))


def _append(items: list[Value], value: Value, *, is_there: bool) -> None:
    if not is_there:
        raise _IrregularError
    items.append(value)


@lru_cache(maxsize=1 << 14)
def _key(name: str) -> str:
    """One object for equal keys."""
    if name[0] != '"':
        key = plain_key(name)
    else:
        key = intern(name[1:-1]) if is_sound_key(name[1:-1]) else None
    if key is None:
        raise _IrregularError
    return key


def _fraction(number: str) -> Value:
    value = float(number)
    return _resolve(number) if value.is_integer() else value


def _resolve(text: str) -> Value:
    """The value of what is no word: a number, a text in quotes, or what is in brackets."""
    first = text[0]
    if first not in NUMBER_STARTS:
        return text[1:-1] if first in "\"'" else _read_flow(text)
    value = resolve_beginning(text)
    if value.__class__ is Trap:
        raise _IrregularError
    return cast("Scalar", value)


def _read_flow(text: str) -> Value:
    parts = text[1:-1].split(", ") if len(text) > len("[]") else []
    if text[0] == "[":
        return [_item(part) for part in parts]
    pairs = [part.split(": ", 1) for part in parts]
    value: dict[str, Value] = {_key(name): _item(item) for name, item in pairs}
    if len(value) < len(pairs):
        raise _IrregularError
    return value


@lru_cache(maxsize=1 << 12)
def _item(text: str) -> Value:
    value = WORDS.get(text, text)
    if isinstance(value, Trap):
        raise _IrregularError
    return _resolve(text) if value is text and text[0] in _TELLING else value


def _read_block(style: str, body: str, indent: int) -> str:
    """The text of a block in what begins at `indent`. White space in it that makes readers think is not regular."""
    lines = body.split("\n")
    first = next(filter(str.strip, lines), "")
    depth = len(first) - len(first.lstrip(" "))
    rests = [line[depth:] for line in lines]
    if depth <= indent or lines[-1] or any(line[:depth].strip(" ") for line in lines) or any(map(str.isspace, rests)):
        raise _IrregularError
    text = "\n".join(rests).rstrip("\n")
    if style[0] == ">":
        text = _fold(text)
    return text if style.endswith("-") else f"{text}\n"


def _fold(text: str) -> str:
    if _SPACE_AT_BREAK.search(text) is not None:
        raise _IrregularError
    return _BREAKS.sub(r"\1", _SINGLE_BREAK.sub(" ", text))


_LONG: Final = 1 << 16
_MARKER: Final = "---\n"
_DEEPEST: Final = DOCUMENT_DEPTH - 2  # an item and what is in brackets may come on top
_NO_COLUMN: Final = -1
_TELLING: Final = NUMBER_STARTS | {*"\"'[{"}  # how what is no word begins
_SPACE_AT_BREAK: Final = regex(r" (?:\n|\Z)|(?:\A|\n) ")
_SINGLE_BREAK: Final = regex(r"(?<=[^\n])\n(?=[^\n])")
_BREAKS: Final = regex(r"(?<=[^\n])\n(\n+)")
# Every part takes what it can and gives nothing back, so that no text makes the search slow.
_WORD: Final = r"[^ \n:\#]++(?:(?::(?=[^ \n])|\#)[^ \n:\#]*+)*+"
_PLAIN: Final = rf"(?![?:,\[\]{{}}\#&*!|>'\"%@`]|-(?![A-Za-z0-9.])){_WORD}(?:[ ]++{_WORD})*+"
_NUMBER: Final = r"0|-?[1-9][0-9]{0,14}+|-?(?:0|[1-9][0-9]{0,14}+)\.[0-9]{1,15}+"  # those that every reader takes alike
_QUOTED: Final = r"""\"[^"\\\n]*+\"|'[^'\n]*+'"""
_KEY: Final = r"[A-Za-z0-9_$][A-Za-z0-9_./-]*+"
_ITEM: Final = r"""(?:-?[A-Za-z0-9_./][A-Za-z0-9_./+@~%-]*+(?:[ ][A-Za-z0-9_./+@~%-]++)*+|"[^",\\\n]*+")"""
_LIST: Final = rf"\[(?:{_ITEM}(?:,[ ]{_ITEM})*+)?\]"
_MAPPING: Final = rf"\{{(?:{_KEY}:[ ]{_ITEM}(?:,[ ]{_KEY}:[ ]{_ITEM})*+)?\}}"
_LINE: Final = regex(
    rf"""
    ([ ]*+)(-[ ])?
    (?:({_KEY}|"[^"\\\n]++"):(?=[ \n]|\Z))?
    [ ]*+
    (?:
        (?:({_NUMBER})(?=\n)|({_PLAIN}|{_QUOTED}|{_LIST}|{_MAPPING}))?
        (?:\n|[ ]*+(?:(?<![^ \n])\#[^\n]*+)?(?:\n|\Z))
    |
        ([|>]-?)[ ]*+(?:(?<=[ ])\#[^\n]*+)?\n
        ((?:\1(?(2)(?(3)[ ]{{2}}))[ ]++[^ \n][^\n]*+(?:\n|\Z)|[ ]*+\n)*+)
    )
    |(?s:(.+))
    """,
    re.VERBOSE,
)
