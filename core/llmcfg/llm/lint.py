"""Linting other programs' files: which program's it is, its platform, and findings with the file's own lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.llm.allowances import apply_allowances
from llmcfg.llm.foreign import ForeignFile, read_foreign
from llmcfg.llm.litellm.platform import included_files, is_litellm, read_litellm
from llmcfg.llm.platform import Complaint, Platform, Spot
from llmcfg.llm.rules.engine import find_complaints
from llmcfg.model.findings import Finding, Origin
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from llmcfg.llm.rules.ground import Ground

AUTO: Final = "auto"


class Dialect(NamedTuple):
    """How files of one program are told and read. `read` gets the file and those that it includes, as far as they could be had."""

    name: str
    recognises: Callable[[object], bool]
    includes: Callable[[object], tuple[str, ...]]
    read: Callable[[ForeignFile, Sequence[ForeignFile], bool], Platform]


DIALECTS: Final = (
    Dialect(
        "litellm",
        is_litellm,
        included_files,
        lambda file, included, is_complete: read_litellm(file, included, is_complete=is_complete),
    ),
)
"""In the order in which they are tried on a file of unknown form."""


def lint(
    content: bytes,
    name: str,
    ground: Ground,
    *,
    dialect: str = AUTO,
    is_protected: bool = False,
    read_beside: Callable[[str], bytes | None] = lambda _path: None,
) -> tuple[Finding, ...]:
    """The findings of one file that no comment allows. `read_beside` gives files that it includes, by path from where it lies."""
    file = read_foreign(content, name)
    files = {name: file}
    if file.value is None:
        platform = Platform(flaws=file.flaws)
    else:
        chosen = next(
            (each for each in DIALECTS if each.name == dialect or (dialect == AUTO and each.recognises(file.value))),
            None,
        )
        if chosen is None:
            platform = Platform(flaws=(_unknown(name), *file.flaws))
        else:
            platform = _read(file, chosen, files, read_beside)
    platform = replace(platform, setting=replace(platform.setting, is_protected=is_protected))
    found = [_finding(complaint, files) for complaint in find_complaints(platform, ground)]
    is_whole = platform.is_whole and all(each.value is not None for each in files.values())
    return tuple(_allowed(found, files.values(), ground.as_of, is_whole=is_whole))


def _read(
    file: ForeignFile, dialect: Dialect, files: dict[str, ForeignFile], read_beside: Callable[[str], bytes | None]
) -> Platform:
    is_complete = True
    for path in dialect.includes(file.value):
        content = read_beside(path)
        if content is None:
            is_complete = False
            continue
        beside = str(PurePosixPath(file.name).parent / path)
        files.setdefault(beside, read_foreign(content, beside))
    return dialect.read(file, [each for each in files.values() if each is not file], is_complete)


def _allowed(
    findings: Sequence[Finding], files: Iterable[ForeignFile], as_of: date, *, is_whole: bool
) -> Iterator[Finding]:
    for file in files:
        own = [finding for finding in findings if finding.origin.file == file.name]
        yield from apply_allowances(file.name, "\n".join(file.lines), own, as_of, is_whole=is_whole)


def _unknown(name: str) -> Complaint:
    return Complaint("LLM099", "no LLM program that is known reads files of this form", Spot(name),
                     "name it with --format, or leave the file out", Severity.WARNING)  # fmt: skip


def _finding(complaint: Complaint, files: dict[str, ForeignFile]) -> Finding:
    file = files[complaint.spot.document]
    line, column = file.place(complaint.spot.path)
    return Finding(
        complaint.rule,
        complaint.message,
        Origin(file.name, line, column),
        complaint.hint,
        file.lines[line - 1] if 0 < line <= len(file.lines) else "",
        related=tuple(
            Origin(files[spot.document].name, *files[spot.document].place(spot.path)) for spot in complaint.related
        ),
        level=complaint.severity,
    )
