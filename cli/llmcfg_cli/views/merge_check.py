"""Two branches that meet, as text, Markdown, annotations and JSON. The first line of all but JSON is the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg_cli.views.diff_markdown import VALUE_SHOWN, code
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.findings import as_mapping, view_findings
from llmcfg_cli.views.github import command
from llmcfg_cli.views.reach import scopes_text
from llmcfg_cli.views.text import Style, clip, paint, plural, visible
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.ci.meetings import Meeting
    from llmcfg.ci.mergecheck import FileConflict, MergeCheck
    from llmcfg.model.change import Side

_HOW: Final = {
    "both": "both branches change it",
    "masked": "one branch changes it, and with the other it comes to something else",
    "arises": "neither branch changes it, and both together do",
    "moved": "one branch moves it, the other changes it, and the merge changes it here",
}
_TEXT_SHOWN: Final = 400
_KEYS_SHOWN: Final = 10
_ROWS: Final = 200


def view_merge_check(check: MergeCheck, output: str, *, root: str, colour: bool = False) -> str:
    """`output` is table, json, md or github."""
    match output:
        case "json":
            return to_json("MergeCheck", _payload(check))
        case "md":
            return _markdown(check)
        case "github":
            said = [*_annotations(check)]
            said += [command("warning", "not seen", text) for text in check.unseen]
            found = view_findings(check.findings, "github", root=root)
            return "\n".join(filter(None, (visible(headline(check)), *said, found)))
        case _:
            return _table(check, root, colour)


def headline(check: MergeCheck) -> str:
    ours, theirs = check.ours.name, check.theirs.name
    counts = f"{ours} changes {plural(check.changed[0], 'value')}, {theirs} {check.changed[1]}"
    if check.is_conflict:
        parts = [
            _counted(_conflicts(check.meetings), "value", "depends on both", "depend on both"),
            _counted(_conflicts(check.decisions), "decision", "depends on both", "depend on both"),
            _counted(_conflicts(check.guards), "rule", "depends on both", "depend on both"),
            _counted(sum(not file.by_key for file in check.files), "file", "is in conflict", "are in conflict"),
            _counted(len(_rendered(check)), "rendered file", "depends on both", "depend on both"),
            _counted(len(check.secrets), "secret", "is changed by both", "are changed by both"),
        ]
        return f"conflict: {', '.join(filter(None, parts))}; {counts}"
    if check.findings:
        return f"{'fail' if check.has_errors else 'clean'}: the merge brings {plural(len(check.findings), 'finding')}; {counts}"
    return f"clean: {counts}, and the merge is what both mean" if check.has_merge else f"unknown: {counts}"


def _conflicts(meetings: Iterable[Meeting]) -> int:
    return sum(meeting.is_conflict for meeting in meetings)


def _met(check: MergeCheck) -> tuple[Meeting, ...]:
    return (*check.meetings, *check.decisions, *check.guards, *check.renderings)


def _rendered(check: MergeCheck) -> set[str]:
    return {file for meeting in check.renderings if meeting.is_conflict for file in meeting.where}


def _counted(count: int, noun: str, one: str, several: str) -> str:
    return f"{plural(count, noun)} {one if count == 1 else several}" if count else ""


def _table(check: MergeCheck, root: str, colour: bool) -> str:
    style = Style.RED if check.is_conflict or check.has_errors else Style.GREEN
    blocks = [paint(visible(headline(check)), style, colour)]
    blocks += ["\n".join(f"not seen: {visible(text)}" for text in check.unseen)]
    blocks += [visible(_file(file)) for file in check.files]
    blocks += [_meeting(meeting, check, colour) for meeting in _met(check)]
    blocks += [f"secret {visible(name)}: both branches change it" for name in check.secrets]
    return "\n\n".join(filter(None, [*blocks, view_findings(check.findings, "table", colour=colour, root=root)]))


def _meeting(meeting: Meeting, check: MergeCheck, colour: bool) -> str:
    rows = [(name, inline(side, VALUE_SHOWN) or "-") for name, side in _sides(meeting, check)]
    width = max(len(visible(name)) for name, _ in rows)
    key = paint(visible(_key(meeting)), Style.BOLD, colour)
    return "\n".join(
        [
            f"{key} in {visible(_where(meeting, check))}: {_HOW[meeting.how]}",
            *(f"  {visible(name):<{width}}  {value}" for name, value in rows),
        ]
    )


def _key(meeting: Meeting) -> str:
    """A line of a rendered file may be long."""
    return clip(format_key_path(meeting.path), _TEXT_SHOWN)


def _where(meeting: Meeting, check: MergeCheck) -> str:
    if meeting in check.meetings:
        return scopes_text(meeting.where)
    more = len(meeting.where) - 1
    return f"{meeting.where[0]}{f' and {more} more' if more > 0 else ''}" if meeting.where else "what is decided"


def _sides(meeting: Meeting, check: MergeCheck) -> Iterator[tuple[str, Side]]:
    yield "base", meeting.values.base
    yield check.ours.name, meeting.values.ours
    yield check.theirs.name, meeting.values.theirs
    if check.has_merge:
        yield "merge", meeting.values.merged


def _file(file: FileConflict) -> str:
    if file.by_key:
        return f"{file.path}: Git cannot merge its lines; the driver merges it by key (llmcfg hooks install)"
    keys = ", ".join(format_key_path(path) for path in file.keys[:_KEYS_SHOWN])
    rest = f" and {len(file.keys) - _KEYS_SHOWN} more" if len(file.keys) > _KEYS_SHOWN else ""
    return f"{file.path}: in conflict{f' at {keys}{rest}' if keys else ''}"


def _annotations(check: MergeCheck) -> Iterator[str]:
    for file in check.files:
        yield command("notice" if file.by_key else "error", "two branches meet", _file(file))
    for meeting in _met(check):
        sides = "; ".join(f"{name}: {inline(side, VALUE_SHOWN) or '-'}" for name, side in _sides(meeting, check))
        line = f"{_key(meeting)} in {_where(meeting, check)}: {_HOW[meeting.how]} ({sides})"
        yield command("error" if meeting.is_conflict else "notice", "two branches meet", line)
    for name in check.secrets:
        yield command("error", "two branches meet", f"secret {name}: both branches change it")


def _markdown(check: MergeCheck) -> str:
    verdict, _, rest = headline(check).partition(": ")
    blocks = [f"**llmcfg merge-check: {verdict}**: {code(clip(rest, _TEXT_SHOWN))}"]
    lines = [f"- {code(clip(_file(file), _TEXT_SHOWN))}" for file in check.files]
    lines += [f"- secret {code(clip(name, _TEXT_SHOWN))}: both branches change it" for name in check.secrets]
    lines += [f"- not seen: {code(clip(text, _TEXT_SHOWN))}" for text in check.unseen]
    blocks += ["\n".join(lines)] if lines else []
    met = _met(check)
    if met:
        names = [code(clip(name, VALUE_SHOWN)) for name, _ in _sides(met[0], check)]
        head = f"| key | where | {' | '.join(names)} | |"
        rows = [_row(meeting, check) for meeting in met[:_ROWS]]
        rule = f"|---|---|{'---|' * len(names)}---|"
        left = len(met) - len(rows)
        blocks += ["\n".join([head, rule, *rows])] + ([f"and {plural(left, 'more value')}"] if left else [])
    blocks += [_findings(check)] if check.findings else []
    return "\n\n".join(blocks)


def _row(meeting: Meeting, check: MergeCheck) -> str:
    sides = [code(inline(side, VALUE_SHOWN)) for _, side in _sides(meeting, check)]
    place = code(clip(_where(meeting, check), _TEXT_SHOWN))
    key = code(_key(meeting))
    return f"| {' | '.join([key, place, *sides, _HOW[meeting.how]])} |"


def _findings(check: MergeCheck) -> str:
    rows = [
        f"| {finding.severity} | {code(finding.rule_id)} | {code(clip(str(finding.origin), _TEXT_SHOWN))} "
        f"| {code(clip(finding.message, _TEXT_SHOWN))} |"
        for finding in check.findings[:_ROWS]
    ]
    head = ["#### Findings that neither branch has alone", "", "| | rule | where | what |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _payload(check: MergeCheck) -> dict[str, Any]:
    return {
        "verdict": headline(check).partition(":")[0],
        "headline": headline(check),
        "base": check.base,
        "ours": {"name": check.ours.name, "commit": check.ours.commit, "values": check.changed[0]},
        "theirs": {"name": check.theirs.name, "commit": check.theirs.commit, "values": check.changed[1]},
        "unseen": list(check.unseen),
        "files": [
            {"file": file.path, "byKey": file.by_key, "keys": [format_key_path(path) for path in file.keys]}
            for file in check.files
        ],
        "values": [{**_value(meeting, check.has_merge), "scopes": list(meeting.where)} for meeting in check.meetings],
        "decisions": [_value(meeting, check.has_merge) for meeting in check.decisions],
        "guards": [
            {"file": file, **_value(meeting, check.has_merge)} for meeting in check.guards for file in meeting.where
        ],
        "renderings": [
            {**_value(meeting, check.has_merge), "files": list(meeting.where)} for meeting in check.renderings
        ],
        "secrets": list(check.secrets),
        "findings": [as_mapping(finding) for finding in check.findings],
    }


def _value(meeting: Meeting, has_merge: bool) -> dict[str, Any]:
    """A side without the value is not there."""
    sides: Sequence[tuple[str, Side]] = [*meeting.values._asdict().items()]
    kept = [(name, side) for name, side in sides if side is not ABSENT and (has_merge or name != "merged")]
    return {
        "key": format_key_path(meeting.path),
        "how": meeting.how,
        **dict(kept),
    }
