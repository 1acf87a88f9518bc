"""The grammar of Mustache, and of the part of Handlebars that prompts need: text to a tree.

Mustache: `{{name}}`, `{{{name}}}`, `{{&name}}`, `{{.}}`, sections `{{#name}}` and `{{^name}}`, comments. Handlebars: names, `{{#if}}`,
`{{#unless}}`, `{{#each}}`, `{{#with}}`, `{{else}}`, `this`, `../name`, `@index`, `@key`, `@first`, `@last`, `{{~ ~}}`, comments and
`\\{{`. Partials, helpers, subexpressions and other delimiters are refused by name. A tag of a section or a comment that stands alone takes
its line with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from llmcfg.prompts.syntax import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal["section", "inverted", "if", "unless", "each", "with"]
BLOCKS: Final[dict[str, Kind]] = {"if": "if", "unless": "unless", "each": "each", "with": "with"}
LOOP_NAMES: Final = ("@index", "@key", "@first", "@last")
DEPTH: Final = 32
_COMMENT: Final = re.compile(r"\{\{~?!--.*?--~?\}\}|\{\{~?!.*?\}\}", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")
_PATH: Final = re.compile(r"(?:\.\./)*(?:this|[A-Za-z_][\w-]*)(?:[./][\w-]+)*")
_BREAK: Final = re.compile(r"[ \t]*\r?\n")


class Path(NamedTuple):
    """A way to a value: `up` contexts out, then these names; no names are the context itself."""

    names: tuple[str, ...]
    up: int = 0


class Text(Struct, frozen=True):
    text: str


class Output(Struct, frozen=True):
    path: Path
    written: str


class Section(Struct, frozen=True):
    kind: Kind
    path: Path
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    written: str


Node: TypeAlias = "Text | Output | Section"


class BracesError(Exception):
    """The text is no template of the engine."""

    def __init__(self, message: str, written: str, hint: str = "") -> None:
        super().__init__(message)
        self.fault = Fault(message, written, hint)


class _Tag(NamedTuple):
    """A tag with its sigil (`#`, `/`, `^`, `&`, `{`, `>`, `!`, `=` or none) and what it says.

    `start` and `end` are its offsets, with the line that it takes.
    """

    sigil: str
    said: str
    written: str
    start: int
    end: int


def parse_braces(text: str, *, is_handlebars: bool) -> tuple[Node, ...]:
    """The tree of a text. Raises BracesError."""
    return _Parser(text, is_handlebars).parse()


class _Open:
    """A section that has begun."""

    def __init__(self, tag: _Tag | None, kind: Kind, path: Path, name: str) -> None:
        self.tag = tag
        self.kind: Kind = kind
        self.path = path
        self.name = name
        self.body: list[Node] = []
        self.otherwise: list[Node] | None = None

    def add(self, node: Node) -> None:
        (self.body if self.otherwise is None else self.otherwise).append(node)

    def closed(self) -> Section:
        assert self.tag is not None
        return Section(self.kind, self.path, tuple(self.body), tuple(self.otherwise or ()), self.tag.written)


class _Parser:
    def __init__(self, text: str, is_handlebars: bool) -> None:
        self._text = text
        self._is_handlebars = is_handlebars
        self._frames = [_Open(None, "section", Path(()), "")]

    def parse(self) -> tuple[Node, ...]:
        at = 0
        strip = False
        for tag in self._tags():
            before = self._text[at : tag.start]
            left, right = self._controls(tag)
            self._add_text(before.lstrip() if strip else before, rstrip=left)
            self._take(tag)
            at, strip = tag.end, right
        rest = self._text[at:]
        self._add_text(rest.lstrip() if strip else rest)
        last = self._frames[-1]
        if last.tag is not None:
            raise BracesError(
                f"{last.tag.written} is never closed", last.tag.written, f"close it: {{{{/{last.name}}}}}"
            )
        return tuple(last.body)

    def _controls(self, tag: _Tag) -> tuple[bool, bool]:
        inner = tag.written.strip("{}") if self._is_handlebars else ""
        return inner.startswith("~"), inner.endswith("~")

    def _add_text(self, text: str, *, rstrip: bool = False) -> None:
        text = text.rstrip() if rstrip else text
        if self._is_handlebars:
            text = text.replace("\\{{", "{{")
        if text:
            self._frames[-1].add(Text(text))

    def _tags(self) -> Iterator[_Tag]:
        at = 0
        while (start := self._text.find("{{", at)) >= 0:
            if self._is_handlebars and self._text[start - 1 : start] == "\\":
                at = start + 2
                continue
            tag = self._tag(start)
            yield self._alone(tag)
            at = tag.end

    def _tag(self, start: int) -> _Tag:
        comment = _COMMENT.match(self._text, start)
        if comment is not None:
            return _Tag("!", "", comment[0], start, comment.end())
        opening, closing = ("{{{", "}}}") if self._text.startswith("{{{", start) else ("{{", "}}")
        end = self._text.find(closing, start)
        if end < 0:
            written = self._text[start : start + 20].splitlines()[0]
            raise BracesError(f"{written} is never closed", written, f"close it with {closing}")
        written = self._text[start : end + len(closing)]
        said = self._text[start + len(opening) : end]
        said = said.strip("~").strip() if self._is_handlebars else said.strip()
        sigil = "{" if opening == "{{{" else said[:1] if said[:1] in "#/^&>=" else ""
        return _Tag(sigil, said.removeprefix(sigil).strip(), written, start, end + len(closing))

    def _alone(self, tag: _Tag) -> _Tag:
        """A tag of a section or a comment with nothing else in its line takes the line."""
        if tag.sigil not in ("#", "/", "^", "!") and not (self._is_handlebars and tag.said == "else"):
            return tag
        line = self._text.rfind("\n", 0, tag.start) + 1
        follows = _BREAK.match(self._text, tag.end)
        is_last = not self._text[tag.end :].strip(" \t")
        if self._text[line : tag.start].strip(" \t") or (follows is None and not is_last):
            return tag
        return tag._replace(start=line, end=follows.end() if follows is not None else len(self._text))

    def _take(self, tag: _Tag) -> None:
        match tag.sigil:
            case "!":
                return
            case "#" | "^" if tag.said or not self._is_handlebars:
                self._open(tag)
            case "^":
                self._otherwise(tag)
            case "/":
                self._close(tag)
            case ">":
                raise BracesError(
                    f"{tag.written} takes in another template",
                    tag.written,
                    "write its text here: a prompt stands alone",
                )
            case "=":
                raise BracesError(f"{tag.written} changes the delimiters", tag.written, "keep {{ and }}")
            case _ if self._is_handlebars and tag.said == "else":
                self._otherwise(tag)
            case _:
                self._frames[-1].add(Output(self._path(tag.said, tag), tag.written))

    def _open(self, tag: _Tag) -> None:
        if len(self._frames) > DEPTH:
            raise BracesError(f"sections nest more than {DEPTH} deep", tag.written, "split the prompt")
        if not self._is_handlebars:
            kind: Kind = "section" if tag.sigil == "#" else "inverted"
            self._frames.append(_Open(tag, kind, self._path(tag.said, tag), tag.said))
            return
        name, _, argument = tag.said.partition(" ")
        block = BLOCKS.get(name)
        if tag.sigil == "^" or block is None or not argument.strip():
            raise BracesError(f"{tag.written} is no block that prompts may use", tag.written,
                              "there are {{#if name}}, {{#unless name}}, {{#each name}} and {{#with name}}")  # fmt: skip
        self._frames.append(_Open(tag, block, self._path(argument.strip(), tag), name))

    def _otherwise(self, tag: _Tag) -> None:
        frame = self._frames[-1]
        if frame.tag is None or frame.otherwise is not None:
            raise BracesError(f"{tag.written} belongs to no block", tag.written, "it stands once, inside of a block")
        frame.otherwise = []

    def _close(self, tag: _Tag) -> None:
        frame = self._frames[-1]
        if frame.tag is None or frame.name != tag.said:
            open_one = f"{frame.tag.written} is open" if frame.tag else "nothing is open"
            raise BracesError(
                f"{tag.written} closes what is not open: {open_one}",
                tag.written,
                "close sections in the order inside out",
            )
        self._frames.pop()
        self._frames[-1].add(frame.closed())

    def _path(self, said: str, tag: _Tag) -> Path:
        if said == "." or (self._is_handlebars and said == "this"):
            return Path(())
        if self._is_handlebars and said in LOOP_NAMES:
            return Path((said,))
        form = _PATH if self._is_handlebars else _NAME
        if form.fullmatch(said) is None:
            what = "is no name" if self._is_handlebars and " " not in said else "is more than a name"
            raise BracesError(
                f"{tag.written} {what}",
                tag.written,
                "a prompt writes variables; helpers and expressions are for programs",
            )
        up = said.count("../")
        names = tuple(re.split(r"[./]", said.replace("../", "")))
        return Path(names[1:] if names[0] == "this" else names, up)
