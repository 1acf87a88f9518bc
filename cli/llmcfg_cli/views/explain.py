"""An explanation as text: the value, then the layers from lowest to highest, then what it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import MergeTag
from llmcfg_cli.views.text import Style, pad, paint, plural, visible
from llmcfg_cli.views.values import inline, scalar_text, yaml_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.snapshot import LineBlame
    from llmcfg.model.value import Value
    from llmcfg.pipeline.explain import Explanation, Statement

_VALUE_SHOWN = 60
_KEYS_SHOWN = 1


def view_explanation(explanation: Explanation, blames: Sequence[LineBlame | None], *, colour: bool = False) -> str:
    value = explanation.value
    shown = "not set: a layer deletes it" if value is ABSENT else _whole(value)
    title = paint(f"{visible(format_key_path(explanation.key))} in {explanation.scope}", Style.BOLD, colour)
    lines = [title, *(f"  {visible(line)}" for line in shown.split("\n"))]
    if value is not ABSENT and explanation.written != value and not isinstance(explanation.written, dict | list):
        lines.append(f"  written as {inline(explanation.written)}")
    rows = [
        (
            "=>" if statement.wins else "  ",
            statement.layer,
            _said(statement),
            str(statement.origin),
            _blame_text(blame),
        )
        for statement, blame in zip(explanation.statements, blames, strict=True)
    ]
    if rows:
        lines += ["", "layers, lowest first:"]
        widths = [max(len(visible(row[at])) for row in rows) for at in range(4)]
        lines += [
            "  ".join(
                [*(pad(visible(cell), width) for cell, width in zip(row, widths, strict=False)), visible(row[4])]
            ).rstrip()
            for row in rows
        ]
    if explanation.links:
        lines += ["", "made from:"]
        lines += [
            f"  {link.kind} {visible(link.name)}" + (f"  {visible(str(link.origin))}" if link.origin else "")
            for link in explanation.links
        ]
    return "\n".join(lines)


def _whole(value: Value) -> str:
    return yaml_text(value).rstrip() if isinstance(value, dict | list) else scalar_text(value)


def _said(statement: Statement) -> str:
    """What a layer says, on one line: a tag, a value, the size of a mapping."""
    if statement.tag == MergeTag.DELETE:
        return statement.tag
    value = statement.value
    size = len(value) if isinstance(value, dict) else 0
    text = f"mapping of {plural(size, 'key')}" if size > _KEYS_SHOWN else inline(value, _VALUE_SHOWN)
    return f"{statement.tag} {text}".strip()


def _blame_text(blame: LineBlame | None) -> str:
    if blame is None or blame.commit is None:
        return "not committed yet"
    date = f"{blame.when:%Y-%m-%d}" if blame.when else ""
    return f"{blame.commit[:10]} {date} {blame.author}: {blame.subject}"
