"""Linting other programs' files: which program's it is, its platform, and findings with the file's own lines."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from llmcfg.llm.allowances import apply_allowances
from llmcfg.llm.foreign import ForeignFile, read_foreign
from llmcfg.llm.formats.envoy import is_envoy, read_envoy
from llmcfg.llm.formats.librechat import is_librechat, read_librechat
from llmcfg.llm.formats.mcp import is_mcp, read_mcp
from llmcfg.llm.formats.promptfoo import is_promptfoo, read_promptfoo
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
    read: Callable[[ForeignFile, Sequence[ForeignFile], bool], Platform]
    includes: Callable[[object], tuple[str, ...]] = lambda _value: ()
    is_yaml_12: bool = False
    takes_streams: bool = False


def _alone(read: Callable[[ForeignFile], Platform]) -> Callable[[ForeignFile, Sequence[ForeignFile], bool], Platform]:
    """For programs whose files include no others."""
    return lambda file, _included, _is_complete: read(file)


DIALECTS: Final = (
    Dialect(
        "litellm",
        is_litellm,
        lambda file, included, is_complete: read_litellm(file, included, is_complete=is_complete),
        included_files,
    ),
    Dialect("envoy-ai-gateway", is_envoy, _alone(read_envoy), takes_streams=True),
    Dialect("librechat", is_librechat, _alone(read_librechat), is_yaml_12=True),
    Dialect("promptfoo", is_promptfoo, _alone(read_promptfoo), is_yaml_12=True),
    Dialect("mcp", is_mcp, _alone(read_mcp)),
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
    chosen = next(
        (each for each in DIALECTS if dialect == each.name or (dialect == AUTO and each.recognises(file.value))), None
    )
    if chosen is not None and chosen.is_yaml_12:
        file = read_foreign(content, name, is_yaml_12=True)
    files = {name: file}
    platform = _platform(file, chosen, files, read_beside)
    platform = replace(platform, setting=replace(platform.setting, is_protected=is_protected))
    found = [_finding(complaint, files) for complaint in find_complaints(platform, ground)]
    is_whole = platform.is_whole and all(each.value is not None for each in files.values())
    return tuple(_allowed(found, files.values(), ground.as_of, is_whole=is_whole))


def _platform(
    file: ForeignFile,
    dialect: Dialect | None,
    files: dict[str, ForeignFile],
    read_beside: Callable[[str], bytes | None],
) -> Platform:
    if file.value is None:
        return Platform(flaws=file.flaws)
    if dialect is None:
        return Platform(flaws=(_unknown(file.name), *file.flaws), is_whole=False)
    if file.is_stream and not dialect.takes_streams:
        return Platform(flaws=(_stream(file, dialect),), is_whole=False)
    return _read(file, dialect, files, read_beside)


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


def _stream(file: ForeignFile, dialect: Dialect) -> Complaint:
    message = f"{dialect.name} reads one document, and here begins another"
    return Complaint("LLM099", message, Spot(file.name, (1,)), "remove the line ---, or what follows it")


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
