"""Findings about `rotations.yaml`: secrets that wait for a new value, and entries that mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.documents.loader import load_document
from llmcfg.model.findings import Problem
from llmcfg.pipeline.shape import shape_problems, tag_problems
from llmcfg.secrets.rotations import FILE, read_due

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.findings import Finding
    from llmcfg.pipeline.configuration import Configuration

_INVALID = "secret-rotations"


def rotation_findings(configuration: Configuration) -> Iterator[Finding]:
    entry = configuration.snapshot.entries.get(FILE)
    if entry is not None:
        content = configuration.snapshot.read(entry.oid)
        for problem in _problems(configuration, content):
            yield configuration.locator.in_blob(problem, entry)


def _problems(configuration: Configuration, content: bytes) -> Iterator[Problem]:
    document, problems = load_document(content)
    yield from problems
    if document is None:
        return
    wrong = [*tag_problems(document.value, _INVALID)] or shape_problems(
        "rotations.schema.json", document.value, _INVALID
    )
    yield from wrong
    for index, due in enumerate(() if wrong else read_due(content)):
        path = ("due", index)
        if not _is_there(configuration, due.file, due.secret):
            yield Problem(_INVALID, f"{due.file} has no secret {due.secret}", path=path, hint="remove the entry")
            continue
        because = f": {due.reason}" if due.reason else f": {due.recipient} could read it" if due.recipient else ""
        yield Problem("secret-rotation-due", f"{due.secret} has to get a new value since {due.since}{because}", path=path,
                      hint="change it at its issuer, then llmcfg secret set, or rotate")  # fmt: skip


def _is_there(configuration: Configuration, file: str, name: str) -> bool:
    """A file that cannot be read may hold it."""
    for layer in configuration.layout.layers.values():
        for entry in layer.secret_files:
            if entry.path == file:
                read = configuration.secret_file(entry)
                return name in read.secrets or not read.is_readable
    return False
