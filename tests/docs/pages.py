"""The documentation as data: pages, headings, links, tables and code blocks. Pure but for reading files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
SPEC: Final = PROJECT / "docs" / "spec"
_FENCE: Final = re.compile(r"(`{3,})(.*)")
_HEADING: Final = re.compile(r"(#{1,6}) (.+)")
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"`([^`]+)`")
_FILE_LINE: Final = re.compile(r"# ([\w.-]+(?:/[\w.-]+)*\.\w+)")


class Block(NamedTuple):
    """A fenced block: the words after its fence, its text, and its first line in the page."""

    kind: str
    text: str
    line: int


class Section(NamedTuple):
    """What stands under one heading, up to the next heading of any level."""

    title: str
    level: int
    text: str
    blocks: tuple[Block, ...]

    @property
    def code(self) -> list[str]:
        """Everything in back-quotes outside of code blocks."""
        return _CODE.findall(self.text)

    def rows(self) -> list[list[str]]:
        """The cells of its tables' rows, without headings."""
        rows: list[list[str]] = []
        is_body = False
        for line in self.text.splitlines():
            if not line.startswith("|"):
                is_body = False
            elif re.fullmatch(r"[|\s:-]+", line):
                is_body = True
            elif is_body:
                rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))])
        return rows

    def first_cells(self) -> list[str]:
        """The code in the first cell of each row of its tables."""
        return [code for row in self.rows() for code in _CODE.findall(row[0])]


def pages() -> list[Path]:
    return [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md")), *_inner_readmes()]


def sections(page: Path) -> list[Section]:
    found: list[Section] = []
    title, level = "", 0
    text: list[str] = []
    blocks: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        fence = _FENCE.match(line)
        heading = _HEADING.fullmatch(line)
        if fence:
            end = next(index for index in range(at + 1, len(lines)) if lines[index].strip() == fence[1])
            blocks.append(Block(fence[2].strip(), "\n".join([*lines[at + 1 : end], ""]), at + 2))
            at = end
        elif heading:
            found.append(Section(title, level, "\n".join(text), tuple(blocks)))
            title, level, text, blocks = heading[2], len(heading[1]), [], []
        else:
            text.append(line)
        at += 1
    return [*found, Section(title, level, "\n".join(text), tuple(blocks))]


def section(page: Path, title: str) -> Section:
    return next(found for found in sections(page) if found.title == title)


def part(page: Path, title: str) -> list[Section]:
    """The section of this title and those beneath it."""
    found = sections(page)
    start = next(index for index, one in enumerate(found) if one.title == title)
    end = next((i for i in range(start + 1, len(found)) if found[i].level <= found[start].level), len(found))
    return found[start:end]


def blocks(page: Path) -> list[Block]:
    return [block for found in sections(page) for block in found.blocks]


def links(page: Path) -> list[str]:
    return [link for found in sections(page) for link in _LINK.findall(_CODE.sub("", found.text) + found.title)]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    seen: dict[str, int] = {}
    found = set()
    for one in sections(page):
        name = re.sub(r"[^\w\- ]", "", one.title.lower().replace("`", "")).replace(" ", "-")
        count = seen[name] = seen.get(name, -1) + 1
        found.add(name if count == 0 else f"{name}-{count}")
    return found


def files_of(block: Block) -> dict[str, str]:
    """The files that a block shows: each line `# path/to/file.ext` names the one that follows. None if it begins otherwise."""
    files: dict[str, list[str]] = {}
    here: list[str] | None = None
    for line in block.text.splitlines():
        named = _FILE_LINE.fullmatch(line)
        if named:
            here = files.setdefault(named[1], [])
        elif here is None:
            return {}
        else:
            here.append(line)
    return {path: "\n".join([*text, ""]) for path, text in files.items()}


def _inner_readmes() -> list[Path]:
    return [PROJECT / "sample-repo" / "README.md", PROJECT / "tests" / "sessions" / "README.md"]
