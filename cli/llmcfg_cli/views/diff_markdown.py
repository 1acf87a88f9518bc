"""A difference for a pull request: GitHub's Markdown, with the rendered files folded."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

from llmcfg.model.keypath import format_key_path
from llmcfg.regex import regex
from llmcfg_cli.views.diff_table import DECIDED, SIGNS, by_reach
from llmcfg_cli.views.reach import reach_text, summary
from llmcfg_cli.views.text import clip, plural, visible
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmcfg.model.change import Change
    from llmcfg.model.impact import Difference, FileChange

VALUE_SHOWN: Final = 160
_LINE_SHOWN: Final = 400
_BACKTICKS: Final = regex("`+")
_HEADINGS: Final = ("| | key | before | after |", "|---|---|---|---|")


def markdown(difference: Difference, protected: Collection[str]) -> str:
    if difference.is_empty:
        return "No differences in effect."
    blocks = [f"**{summary(difference)}**"]
    blocks += [decided(difference)] if difference.decisions else []
    for reach, changes in groupby(by_reach(difference), key=lambda item: item[0]):
        rows = [_row(change) for _, change in changes]
        blocks.append("\n".join([f"#### {reach_text(reach[0], reach[1], protected)}", "", *_HEADINGS, *rows]))
    secrets = [
        f"- {code(secret.name)} {secret.kind}, {reach_text(secret.targets, (), protected)}"
        for secret in difference.secrets
    ]
    secrets += [
        f"- recipient {code(it.recipient)} {it.kind}, {reach_text(it.targets, (), protected)}"
        for it in difference.recipients
    ]
    blocks += ["\n".join(["#### Secrets", "", *secrets])] if secrets else []
    blocks += [folded(file, protected) for file in difference.files]
    for words, targets in (("New bundles", difference.targets_added), ("Bundles that go", difference.targets_removed)):
        blocks += [f"{words}: {reach_text(targets, (), protected)}"] if targets else []
    return "\n\n".join(blocks)


def decided(difference: Difference) -> str:
    return "\n".join([f"#### {DECIDED.capitalize()}", "", *_HEADINGS, *map(_row, difference.decisions)])


def _row(change: Change) -> str:
    sides = (code(inline(side, VALUE_SHOWN)) for side in (change.before, change.after))
    return f"| {' | '.join([SIGNS[change.kind], code(format_key_path(change.path)), *sides])} |"


def folded(file: FileChange, protected: Collection[str], *, lines: int | None = None) -> str:
    """A rendered file's difference, as far as `lines` of it. GitHub reads no Markdown in a summary, and Markdown after an empty line."""
    path, consumer = (f"<code>{escape(visible(name))}</code>" for name in (f"files/{file.path}", file.consumer))
    title = f"{path} of {consumer} {file.kind}, {escape(visible(reach_text(file.targets, (), protected)))}"
    said = file.diff.split("\n")
    if lines is not None:
        rest = [f"… {plural(len(said) - lines, 'more line')}"] if len(said) > lines else []
        said = [*(clip(line[: _LINE_SHOWN + 1], _LINE_SHOWN) for line in said[:lines]), *rest]
    said = [visible(line) for line in said]
    fence = "`" * max(3, *(_longest_run(line) + 1 for line in said))
    return "\n".join(
        [
            f"<details><summary>{title}</summary>",
            "",
            f"{fence}diff",
            *said,
            fence,
            "",
            "</details>",
        ]
    )


def code(text: str) -> str:
    """Inline code that cannot leave its cell or its backticks."""
    if not text:
        return ""
    fence = "`" * (_longest_run(text) + 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{visible(text).replace('|', chr(92) + '|')}{space}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
