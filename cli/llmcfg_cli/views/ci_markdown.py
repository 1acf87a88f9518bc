"""A review for a pull request: GitHub's Markdown, most important first, so that what does not fit is what matters least.

Rules: whatever comes from the repository stands in inline code or in a fence that is longer than any in it, so that it can neither leave
its cell nor become a link, an image or a mention. Nothing names the two commits, so the same change gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg_cli.views.ci_text import headline, severities
from llmcfg_cli.views.cost import change_rows
from llmcfg_cli.views.diff_markdown import VALUE_SHOWN, code, decided, folded
from llmcfg_cli.views.diff_table import SIGNS
from llmcfg_cli.views.findings import reach_text as finding_reach
from llmcfg_cli.views.reach import reach_text
from llmcfg_cli.views.text import clip, plural
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import TypeAlias

    from llmcfg.ci.origins import Origins
    from llmcfg.ci.review import Review
    from llmcfg.ci.secretfiles import SecretFileChange
    from llmcfg.model.findings import Finding, Origin
    from llmcfg.model.impact import ValueChange

    Link: TypeAlias = Callable[
        [Origin, bool], str
    ]  # where a place is seen; of the side before, if so; empty for nowhere

_TEXT_SHOWN: Final = 400
_FILE_LINES: Final = 200
_NAMES_SHOWN: Final = 20
_LEFT_OUT: Final = "_The rest does not fit here. All of it is in `diff.md` and `diff.json`, which this job keeps._"
_WORDS: Final = {
    "encrypted anew": "every value was encrypted anew; only a key tells which of them are others",
    "sealed anew": "values unchanged; the file was sealed anew",
}


class Block(NamedTuple):
    """A part of the page. One that `can_be_cut` may end after any line beyond its first `least`."""

    text: str
    can_be_cut: bool = False
    least: int = 0


def review_blocks(review: Review, link: Link, *, passes: bool) -> tuple[Block, ...]:
    return tuple(_blocks(review, link, passes=passes))


def fit(blocks: Sequence[Block], limit: int | None = None) -> str:
    """The page, or as much of it as `limit` bytes of UTF-8 hold, and a word that there is more."""
    whole = "\n\n".join(block.text for block in blocks) + "\n"
    if limit is None or _size(whole) <= limit:
        return whole
    room = limit - _size(_LEFT_OUT) - 1
    kept: list[str] = []
    for block in blocks:
        text = block.text if _size(block.text) + 2 <= room else _cut(block, room - 2)
        kept += [text] if text else []
        room -= _size(text) + 2
        if text != block.text:
            break
    return "\n\n".join([*kept, _LEFT_OUT]) + "\n"


def _cut(block: Block, room: int) -> str:
    """Whole lines of a block; nothing where that would be no more than its heading."""
    lines: list[str] = []
    for line in block.text.split("\n"):
        room -= _size(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines) if block.can_be_cut and len(lines) > block.least else ""


def _blocks(review: Review, link: Link, *, passes: bool) -> Iterator[Block]:
    verdict, _, rest = headline(review, passes=passes).partition(": ")
    yield Block(f"**llmcfg: {verdict}**: {code(rest)}")
    if review.risk.reasons:
        yield Block("\n".join([f"Risk **{review.risk.level}**:", "", *(f"- {code(it)}" for it in review.risk.reasons)]))
    if review.unseen:
        yield Block(
            "\n".join(["#### Not seen", "", *(f"- {code(clip(it, _TEXT_SHOWN))}" for it in review.unseen)]), True, 2
        )
    yield from _environments(review)
    if review.difference.decisions:
        yield Block(decided(review.difference), True, 4)
    yield from _guards(review)
    yield from _findings("Findings of this change", review.new, link)
    yield from _costs(review)
    yield from _values(review, link)
    yield from _secrets(review)
    for file in sorted(review.difference.files, key=lambda file: not _holds(file.targets, review.protected)):
        yield Block(folded(file, review.protected, lines=_FILE_LINES))
    for words, targets in (
        ("New bundles", review.difference.targets_added),
        ("Bundles that go", review.difference.targets_removed),
    ):
        if targets:
            yield Block(f"{words}: {code(reach_text(targets, (), review.protected))}")
    if review.old:
        yield from _findings("Findings from before", review.old, link)


def _environments(review: Review) -> Iterator[Block]:
    touched = [one for one in review.environments if one.is_touched]
    if touched:
        rows = [
            f"| {code(one.name)}{' (protected)' if one.is_protected else ''} | {one.affected} of {one.bundles} "
            f"| {one.values} | {one.files} | {one.secrets} | {one.recipients} | {one.decisions} |"
            for one in touched
        ]
        head = "| environment | bundles | values | files | secrets | recipients | decisions |"
        yield Block("\n".join([head, "|---|---|---|---|---|---|---|", *rows]), True, 2)


def _guards(review: Review) -> Iterator[Block]:
    lines = [f"- {code(clip(guard.path, _TEXT_SHOWN))} {guard.kind}" for guard in review.guards]
    if lines:
        yield Block("\n".join(["#### What judges changes", "", *lines]), True, 2)


def _findings(title: str, findings: Sequence[Finding], link: Link) -> Iterator[Block]:
    """The most severe first."""
    if findings:
        ordered = sorted(findings, key=lambda finding: -finding.severity.rank)
        rows = [
            f"| {finding.severity} | {code(finding.rule_id)} | {_place(finding.origin, link)} "
            f"| {code(clip(finding.message, _TEXT_SHOWN))}{_in(finding)} |"
            for finding in ordered
        ]
        head = [f"#### {title}: {severities(findings)}", "", "| | rule | where | what |", "|---|---|---|---|"]
        yield Block("\n".join([*head, *rows]), True, 4)


def _in(finding: Finding) -> str:
    return f" in {code(clip(finding_reach(finding.reach), _TEXT_SHOWN))}" if finding.reach else ""


def _costs(review: Review) -> Iterator[Block]:
    """What the change does to what can be spent, each figure once for all scopes in which it changes alike."""
    rows = [
        f"| {code(clip(scopes, _TEXT_SHOWN))} | {part} | {code(clip(name, _TEXT_SHOWN))} | {' | '.join(figures)} |"
        for scopes, part, name, *figures in change_rows(review.costs)
    ]
    if rows:
        columns = "| in | part | name | figure | before | after | change |"
        head = ["#### Cost, USD a month", "", columns, "|---|---|---|---|---|---|---|"]
        yield Block("\n".join([*head, *rows]), True, 4)


def _values(review: Review, link: Link) -> Iterator[Block]:
    """Changes by their reach, those of protected environments first."""
    grouped: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[ValueChange, Origins]]] = {}
    for value, origins in zip(review.difference.values, review.origins, strict=True):
        reach = value.targets, () if value.targets else value.scopes
        grouped.setdefault(reach, []).append((value, origins))
    for reach in sorted(grouped, key=lambda reach: not _holds((*reach[0], *reach[1]), review.protected)):
        rows = [_row(value, origins, link) for value, origins in grouped[reach]]
        title = code(clip(reach_text(*reach, review.protected), _TEXT_SHOWN))
        head = [f"#### {title}", "", "| | key | before | after | where |", "|---|---|---|---|---|"]
        yield Block("\n".join([*head, *rows]), True, 4)


def _row(value: ValueChange, origins: Origins, link: Link) -> str:
    change = value.change
    sides = (code(inline(side, VALUE_SHOWN)) for side in (change.before, change.after))
    before = _place(origins.before, link, is_before=True) if origins.before else ""
    after = _place(origins.after, link) if origins.after else ""
    places = " → ".join(dict.fromkeys(filter(None, (before, after))))
    if change.before is ABSENT or change.after is ABSENT or origins.before == origins.after:
        places = after or before
    key = code(clip(format_key_path(change.path), _TEXT_SHOWN))
    return f"| {' | '.join([SIGNS[change.kind], key, *sides, places])} |"


def _place(origin: Origin, link: Link, *, is_before: bool = False) -> str:
    text, address = code(clip(str(origin), _TEXT_SHOWN)), link(origin, is_before)
    return f"[{text}]({address})" if address else text


def _secrets(review: Review) -> Iterator[Block]:
    lines = [_secret_file(file) for file in review.secret_files]
    lines += [
        f"- {code(one.name)} {one.kind}, {code(reach_text(one.targets, (), review.protected))}"
        for one in review.difference.secrets
    ]
    lines += [
        f"- {'**new reader**' if one.kind == 'added' else 'reader gone'} {code(one.recipient)}, "
        f"{code(reach_text(one.targets, (), review.protected))}"
        for one in review.difference.recipients
    ]
    if lines:
        yield Block("\n".join(["#### Secrets", "", *lines]), True, 2)


def _secret_file(file: SecretFileChange) -> str:
    said = _WORDS.get(file.what, file.what)
    names = "" if file.what in _WORDS else _names(file.names)
    readers = [f"**new reader** {code(name)}" for name in file.readers[:_NAMES_SHOWN]]
    readers += [f"reader gone {code(name)}" for name in file.lost[:_NAMES_SHOWN]]
    return f"- {code(clip(file.path, _TEXT_SHOWN))}: {'; '.join([said + names, *readers])}"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(code(clip(name, _TEXT_SHOWN)) for name in names[:_NAMES_SHOWN])
    rest = f" and {plural(len(names) - _NAMES_SHOWN, 'more name')}" if len(names) > _NAMES_SHOWN else ""
    return f": {shown}{rest}" if names else ""


def _holds(names: Sequence[str], protected: Collection[str]) -> bool:
    return any(name.partition("/")[0] in protected for name in names)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
