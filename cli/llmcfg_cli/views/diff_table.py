"""A difference for a terminal: what changes by reach, then rendered files. Long lines and long files are cut; other forms have all."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from llmcfg.model.change import ABSENT
from llmcfg.model.difference import spread
from llmcfg.model.keypath import format_key_path
from llmcfg_cli.views.reach import reach_text, summary
from llmcfg_cli.views.text import Style, clip, clip_pair, display_width, paint, plural, visible
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from llmcfg.model.change import Change
    from llmcfg.model.impact import Difference, FileChange

DECIDED: Final = "what the manifest and consumers decide"
SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
_FILE_LINES: Final = 40
_INDENT: Final = "  "
_PATCH_STYLES: Final = {"+": Style.GREEN, "-": Style.RED, "@": Style.CYAN}

Reach = tuple[tuple[str, ...], tuple[str, ...]]


def table(difference: Difference, protected: Collection[str], colour: bool, width: int) -> str:
    """`width` is what lines of data are cut to, so that one long value does not fill the screen."""
    if difference.is_empty:
        return ""
    blocks = [
        "\n".join(
            [
                paint(reach_text(reach[0], reach[1], protected), Style.BOLD, colour),
                *(f"{_INDENT}{_change_line(change, colour, width)}" for _, change in changes),
            ]
        )
        for reach, changes in groupby(by_reach(difference), key=lambda item: item[0])
    ]
    secrets = [
        f"{SIGNS[secret.kind]} secret {visible(secret.name)} {secret.kind}, {reach_text(secret.targets, (), protected)}"
        for secret in difference.secrets
    ]
    secrets += [
        f"{SIGNS[it.kind]} recipient {visible(it.recipient)} {it.kind}, {reach_text(it.targets, (), protected)}"
        for it in difference.recipients
    ]
    blocks += ["\n".join(secrets)] if secrets else []
    blocks += ["\n".join(_file_lines(file, protected, colour, width)) for file in difference.files]
    decided = [f"{_INDENT}{_change_line(change, colour, width)}" for change in difference.decisions]
    blocks += ["\n".join([paint(DECIDED, Style.BOLD, colour), *decided])] if decided else []
    for words, targets in (("new bundles", difference.targets_added), ("bundles that go", difference.targets_removed)):
        blocks += [f"{words}: {reach_text(targets, (), protected)}"] if targets else []
    return "\n\n".join([*blocks, summary(difference)])


def by_reach(difference: Difference) -> list[tuple[Reach, Change]]:
    """Changes with their reach, those of one reach together, in the order of the first key."""
    grouped: dict[Reach, list[Change]] = {}
    for value in difference.values:
        grouped.setdefault((value.targets, () if value.targets else value.scopes), []).extend(spread(value.change))
    return [(reach, change) for reach, changes in grouped.items() for change in changes]


def _change_line(change: Change, colour: bool, width: int) -> str:
    name = visible(format_key_path(change.path))
    room = max(width - len(_INDENT) - len(name) - 4, 16)
    if change.before is ABSENT:
        return paint(f"+ {name}: {clip(inline(change.after), room)}", Style.GREEN, colour)
    if change.after is ABSENT:
        return paint(f"- {name}: {clip(inline(change.before), room)}", Style.RED, colour)
    before, after = inline(change.before), inline(change.after)
    room = max(room - len(" -> "), 32)
    before, after = clip_pair(before, after, max(room // 2, room - min(map(display_width, (before, after)))))
    sign = paint(SIGNS["changed"], Style.YELLOW, colour)
    return f"{sign} {name}: {paint(before, Style.RED, colour)} -> {paint(after, Style.GREEN, colour)}"


def _file_lines(file: FileChange, protected: Collection[str], colour: bool, width: int) -> Iterator[str]:
    title = f"files/{file.path} of {file.consumer} {file.kind}, {reach_text(file.targets, (), protected)}"
    yield paint(visible(title), Style.BOLD, colour)
    lines = file.diff.split("\n")[2:]
    shown = lines if len(lines) <= _FILE_LINES + 1 else lines[:_FILE_LINES]
    for line in _cut(shown, width - len(_INDENT)):
        yield f"{_INDENT}{paint(line, _PATCH_STYLES[line[0]], colour) if line[:1] in _PATCH_STYLES else line}"
    if len(shown) < len(lines):
        yield f"{_INDENT}… {plural(len(lines) - len(shown), 'more line')}: llmcfg diff -o patch"


def _cut(lines: Sequence[str], width: int) -> Iterator[str]:
    """Lines of a patch cut to the width; removed lines and the added ones that replace them are cut at the same place."""
    runs = [(sign, [visible(line) for line in run]) for sign, run in groupby(lines, key=lambda line: line[:1])]
    for at, (sign, run) in enumerate(runs):
        follows = runs[at + 1] if at + 1 < len(runs) else ("", [])
        precedes = runs[at - 1] if at else ("", [])
        if sign == "-" and follows[0] == "+" and len(follows[1]) == len(run):
            pairs = zip(run, follows[1], strict=True)
            yield from (sign + clip_pair(old[1:], new[1:], width - 1)[0] for old, new in pairs)
        elif sign == "+" and precedes[0] == "-" and len(precedes[1]) == len(run):
            pairs = zip(precedes[1], run, strict=True)
            yield from (sign + clip_pair(old[1:], new[1:], width - 1)[1] for old, new in pairs)
        else:
            yield from (clip(line, width) for line in run)
