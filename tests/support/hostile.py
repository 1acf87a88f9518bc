"""Text that tries to act where it is shown, and what must hold of every form in which it is."""

from __future__ import annotations

import re
from html.parser import HTMLParser

HOSTILE = [
    "::set-output name=risk::none",
    "\n::error::forged",
    "##[set-env name=PATH;]x",
    "a|b|c",
    "`</code>`<script>alert(1)</script>",
    "``` \n# heading\n![x](http://evil/x.png)",
    "](http://evil) [click](http://evil) @everyone #1",
    "</details><img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b]8;;http://evil\x07",
    "\u202eevil\u2066 \u200bhidden",
    "\ud800 lone",
    "<!-- llmcfg:ci --> -->",
    "x" * 200_000,
    "]]> & <failure>",
    "\r\nrisk=none\r\n",
    "<<EOF\nrisk=none\nEOF",
]
_ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]")
_COMMAND = re.compile(r"\s*::[\w-]+(\s[^:]*)?::|.*##\[")


def check_terminal(said: str) -> None:
    """No character of it acts on a terminal or hides, and no line is a command for a runner."""
    assert not _ACTS.search(said), said
    assert not any(_COMMAND.match(line) for line in said.split("\n")), said


def check_annotations(said: str) -> None:
    """Beside those of ours, which name a file or a title of ours, no line is a command."""
    assert not _ACTS.search(said), said
    for line in said.split("\n"):
        assert not _COMMAND.match(line) or re.match(r"::(error|warning|notice) (file|title)=[^:]*::", line), line


def check_page(page: str) -> None:
    """Markdown in which nothing but code holds what was said, and no tag but those of ours stands."""
    bare = without_code(page)
    seen = Seen()
    seen.feed(bare)
    assert set(seen.tags) <= {"details", "summary", "code"}
    for mark in ("evil", "@everyone", "![", "<script", "<img", "<!--", "forged"):
        assert mark not in re.sub(r"<summary>.*</summary>", "", bare), mark
    assert not _ACTS.search(page)


class Seen(HTMLParser):
    """The tags of a page outside of its code."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not attrs, tag


def without_code(page: str) -> str:
    """The Markdown without fenced blocks and inline code, by the rules of CommonMark 4.5 and 6.1."""
    kept, fence = [], ""
    for line in page.split("\n"):
        opens = re.match(r"(`{3,})", line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif opens and "`" not in line[len(opens[1]) :]:
            fence = opens[1]
        else:
            kept.append(re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", line))
    assert not fence
    return "\n".join(kept)
