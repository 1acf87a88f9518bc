"""Comments in configuration files that let findings pass, and what is remembered of such findings: their rules and places, no message."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from llmcfg.model.findings import Finding, Origin, merge_findings
from llmcfg.pipeline.filefindings import every_document
from llmcfg.pipeline.known import Passed
from llmcfg.pipeline.marks import marks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.pipeline.configuration import Configuration


def with_allowances(
    configuration: Configuration,
    documents: Iterable[BlobEntry],
    findings: Iterable[Finding],
    as_of: date,
    *,
    is_whole: bool,
) -> tuple[Finding, ...]:
    """The findings that no comment in these documents allows, and what is wrong with such comments."""
    from llmcfg.llm.allowances import apply_allowances

    by_file: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_file[finding.origin.file].append(finding)
    kept: list[Finding] = []
    for entry in documents:
        if marks_of(configuration, entry).allowance:
            text = _text(configuration, entry)
            kept += apply_allowances(entry.path, text, by_file.pop(entry.path, ()), as_of, is_whole=is_whole)
    return merge_findings([*kept, *(finding for found in by_file.values() for finding in found)])


def passed_of(configuration: Configuration, findings: Sequence[Finding], as_of: date) -> list[Passed] | None:
    """What is remembered of findings that all are allowed; None where one is not, or may be none of a document."""
    from llmcfg.llm.allowances import apply_allowances

    documents = {entry.path for entry in every_document(configuration)}
    for file in {finding.origin.file for finding in findings}:
        if file not in documents:
            return None
        said = [finding for finding in findings if finding.origin.file == file]
        text = _text(configuration, configuration.snapshot.entries[file])
        if any(left in said for left in apply_allowances(file, text, said, as_of, is_whole=False)):
            return None
    return [Passed(finding.rule_id, finding.origin.file, finding.origin.line) for finding in findings]


def as_findings(passed: Iterable[Passed]) -> Iterable[Finding]:
    """For their comments, which let them pass again and are of use by that. Nobody is shown them."""
    return (Finding(one.rule, "", Origin(one.file, one.line), "a comment lets it pass") for one in passed)


def _text(configuration: Configuration, entry: BlobEntry) -> str:
    return configuration.snapshot.read(entry.oid).decode("utf-8", "replace")
