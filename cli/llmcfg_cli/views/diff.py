"""A difference as text: for people, for pull requests, for programs, and as a patch of the rendered files."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg.pipeline.diff import spread
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.text import Style, paint, plural, visible
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from llmcfg.model.change import Change, Difference

    View = Callable[[Difference, Collection[str], bool], str]

_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
_REACH_SHOWN: Final = 4
_VALUE_SHOWN: Final = 160


def view_diff(difference: Difference, output: str, protected: Collection[str] = (), *, colour: bool = False) -> str:
    """`output` is one of VIEWS. Reaches that hold a protected environment are marked."""
    return VIEWS[output](difference, protected, colour)


def view_stat(difference: Difference) -> str:
    """Counts by environment, then in all."""
    targets = Counter(target.split("/")[0] for target in difference.affected)
    lines = [f"{environment}: {plural(count, 'bundle')} changed" for environment, count in sorted(targets.items())]
    return "\n".join([*lines, summary(difference)])


def summary(difference: Difference) -> str:
    """`3 keys changed, 1 file changed, 1 secret changed, in 12 bundles`."""
    counted = [
        plural(len(difference.values), "value"),
        *([plural(len(difference.files), "rendered file")] if difference.files else []),
        *([plural(len(difference.secrets), "secret")] if difference.secrets else []),
    ]
    return f"{', '.join(counted)} changed, in {plural(len(difference.affected), 'bundle')}"


def reach_text(targets: Sequence[str], scopes: Sequence[str] = (), protected: Collection[str] = ()) -> str:
    """`in 300 bundles: prod x 100 tenants x 3 consumers`; names where there are few."""
    if not targets:
        return f"in no bundle (no consumer selects it): {', '.join(scopes)}" if scopes else "in no bundle"
    environments = sorted({target.split("/")[0] for target in targets})
    marked = [f"{name} (protected)" if name in protected else name for name in environments]
    tenants = {target.split("/")[1] for target in targets}
    consumers = {target.split("/")[2] for target in targets}
    names = [
        ", ".join(marked),
        *(_names(found, noun) for found, noun in ((tenants, "tenant"), (consumers, "consumer"))),
    ]
    return f"in {plural(len(targets), 'bundle')}: {' x '.join(names)}"


def _names(found: Collection[str], noun: str) -> str:
    return ", ".join(sorted(found)) if len(found) <= _REACH_SHOWN else f"{len(found)} {noun}s"


def _table(difference: Difference, protected: Collection[str], colour: bool) -> str:
    if difference.is_empty:
        return ""
    lines: list[str] = []
    for reach, changes in groupby(_by_reach(difference), key=lambda item: item[0]):
        lines.append(paint(reach_text(reach[0], reach[1], protected), Style.BOLD, colour))
        lines += [f"  {line}" for _, change in changes for line in _change_lines(change, colour)]
        lines.append("")
    for secret in difference.secrets:
        lines.append(
            f"{_SIGNS[secret.kind]} secret {visible(secret.name)} {secret.kind}, {reach_text(secret.targets, (), protected)}"
        )
    for file in difference.files:
        title = f"files/{file.path} of {file.consumer} {file.kind}, {reach_text(file.targets, (), protected)}"
        lines += [
            "",
            paint(visible(title), Style.BOLD, colour),
            *(f"  {_paint_patch(line, colour)}" for line in file.diff.split("\n")[2:]),
        ]
    for words, targets in (("new bundles", difference.targets_added), ("bundles that go", difference.targets_removed)):
        if targets:
            lines += ["", f"{words}: {reach_text(targets, (), protected)}"]
    return "\n".join([*lines, "", summary(difference)]).replace("\n\n\n", "\n\n")


def _by_reach(difference: Difference) -> list[tuple[tuple[tuple[str, ...], tuple[str, ...]], Change]]:
    """Changes with their reach, those of one reach together, in the order of the first key."""
    grouped: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Change]] = {}
    for value in difference.values:
        grouped.setdefault((value.targets, () if value.targets else value.scopes), []).extend(spread(value.change))
    return [(reach, change) for reach, changes in grouped.items() for change in changes]


def _change_lines(change: Change, colour: bool) -> Iterable[str]:
    name = visible(format_key_path(change.path))
    before, after = inline(change.before, _VALUE_SHOWN), inline(change.after, _VALUE_SHOWN)
    if change.kind == "added":
        yield paint(f"+ {name}: {after}", Style.GREEN, colour)
    elif change.kind == "removed":
        yield paint(f"- {name}: {before}", Style.RED, colour)
    else:
        yield f"{paint('~', Style.YELLOW, colour)} {name}: {paint(before, Style.RED, colour)} -> {paint(after, Style.GREEN, colour)}"


def _paint_patch(line: str, colour: bool) -> str:
    styles = {"+": Style.GREEN, "-": Style.RED, "@": Style.CYAN}
    shown = visible(line)
    return paint(shown, styles[line[0]], colour) if line[:1] in styles else shown


def _json(difference: Difference, protected: Collection[str], _colour: bool) -> str:
    return to_json("Diff", to_payload(difference, protected))


def to_payload(difference: Difference, protected: Collection[str] = ()) -> dict[str, Any]:
    """The difference as JSON-like values. A side that is absent is left out; null is a value."""
    return {
        "values": [
            {
                "key": format_key_path(value.change.path),
                "kind": value.change.kind,
                **({} if value.change.before is ABSENT else {"before": value.change.before}),
                **({} if value.change.after is ABSENT else {"after": value.change.after}),
                "scopes": list(value.scopes),
                "targets": list(value.targets),
            }
            for value in difference.values
        ],
        "files": [
            {
                "consumer": file.consumer,
                "path": file.path,
                "kind": file.kind,
                "diff": file.diff,
                "targets": list(file.targets),
            }
            for file in difference.files
        ],
        "secrets": [
            {"name": secret.name, "kind": secret.kind, "targets": list(secret.targets)} for secret in difference.secrets
        ],
        "targetsAdded": list(difference.targets_added),
        "targetsRemoved": list(difference.targets_removed),
        "affected": list(difference.affected),
        "protected": sorted({target.split("/")[0] for target in difference.affected} & set(protected)),
    }


def _markdown(difference: Difference, protected: Collection[str], _colour: bool) -> str:
    if difference.is_empty:
        return "No differences in effect."
    lines = [f"**{summary(difference)}**", ""]
    for reach, changes in groupby(_by_reach(difference), key=lambda item: item[0]):
        lines += [
            f"#### {reach_text(reach[0], reach[1], protected)}",
            "",
            "| | key | before | after |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {_SIGNS[change.kind]} | {_code(format_key_path(change.path))} | {_code(inline(change.before, _VALUE_SHOWN))} "
            f"| {_code(inline(change.after, _VALUE_SHOWN))} |"
            for _, change in changes
        ]
        lines.append("")
    if difference.secrets:
        lines += ["#### Secrets", ""]
        lines += [
            f"- {_code(secret.name)} {secret.kind}, {reach_text(secret.targets, (), protected)}"
            for secret in difference.secrets
        ]
        lines.append("")
    for file in difference.files:
        title = f"{_code(f'files/{file.path}')} of {_code(file.consumer)} {file.kind}, {reach_text(file.targets, (), protected)}"
        fence = "`" * max(3, _longest_run(file.diff) + 1)
        lines += [
            "<details>",
            f"<summary>{title}</summary>",
            "",
            f"{fence}diff",
            file.diff,
            fence,
            "",
            "</details>",
            "",
        ]
    for words, targets in (("New bundles", difference.targets_added), ("Bundles that go", difference.targets_removed)):
        if targets:
            lines += [f"{words}: {reach_text(targets, (), protected)}", ""]
    return "\n".join(lines).rstrip()


def _code(text: str) -> str:
    """Inline code that cannot leave its cell or its backticks."""
    if not text:
        return ""
    fence = "`" * (_longest_run(text) + 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{visible(text).replace('|', chr(92) + '|')}{space}{fence}"


def _longest_run(text: str) -> int:
    return max((len(list(run)) for mark, run in groupby(text) if mark == "`"), default=0)


def _patch(difference: Difference, _protected: Collection[str], _colour: bool) -> str:
    """Rendered files only, as `patch` and forges read them; paths name the consumer."""
    blocks = []
    for file in difference.files:
        head, body = file.diff.split("\n")[:2], file.diff.split("\n")[2:]
        names = [line.replace(f"/{file.path}", f"/{file.consumer}/{file.path}") for line in head]
        blocks.append("\n".join([*names, *body]))
    return "\n".join(blocks)


VIEWS: Final[dict[str, View]] = {"table": _table, "json": _json, "md": _markdown, "patch": _patch}
STYLES: Final = frozenset({"table", "patch"})
