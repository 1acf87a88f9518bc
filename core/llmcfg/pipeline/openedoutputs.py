"""Opened outputs: rendered again, with the values of secrets in the place of references, for what seals them whole.

The template runs in the same limited worker, so that its filters quote what is really written. What goes wrong is told by place and rule
alone. Nothing of it is remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.findings import Problem
from llmcfg.model.reference import find_malformed_reference, find_references
from llmcfg.pipeline.renderfindings import rendering_finding
from llmcfg.pipeline.secretuse import CIPHERTEXT, ciphertext_in
from llmcfg.pipeline.templates.render import render_batch
from llmcfg.pipeline.typedsecrets import BinaryInTextError, fill_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.bundlefile.sealed import SealedValue
    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Target
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.templates.render import Rendered, RenderRequest


class Wanted(NamedTuple):
    """One output to open: how it was rendered with references, and the values by the uses that take them. `target` is for findings."""

    target: Target
    request: RenderRequest
    values: Mapping[str, SealedValue]


class OpenedOutputs(NamedTuple):
    """The files in the order of what was wanted, and what is wrong with any of them; then some are missing."""

    texts: tuple[str, ...]
    findings: tuple[Finding, ...]


def render_opened(configuration: Configuration, wanted: Sequence[Wanted]) -> OpenedOutputs:
    requests: list[RenderRequest] = []
    findings: list[Finding] = []
    for each in wanted:
        try:
            context = {name: fill_secrets(value, each.values) for name, value in each.request.context.items()}
            requests.append(each.request._replace(context=context, values=each.values))
        except BinaryInTextError as error:
            findings.append(_finding(configuration, each, each.request.template, _binary(error.use)))
    if findings or not requests:
        return OpenedOutputs((), tuple(findings))
    files = configuration.layout.templates
    answers = render_batch(requests, {path: configuration.snapshot.read(entry.oid) for path, entry in files.items()})
    for each, answer in zip(wanted, answers, strict=True):
        findings += [_finding(configuration, each, answer.file, problem) for problem in _problems(answer)]
    return OpenedOutputs(tuple((answer.text or b"").decode() for answer in answers), tuple(findings))


def _problems(answer: Rendered) -> Iterator[Problem]:
    yield from answer.problems
    text = (answer.text or b"").decode()
    if CIPHERTEXT in (answer.text or b""):
        yield ciphertext_in("the opened file")
    if find_references(text) or find_malformed_reference(text) is not None:
        yield Problem("template-output", "a reference is left in the opened file, where its value should be",
                      hint='a template writes {{ secret("name") }}, or {{ config.key }} where the key holds the reference')  # fmt: skip


def _binary(use: str) -> Problem:
    return Problem("reference-kind", f"secret {use!r} is binary, so it cannot be part of a text",
                   hint="make the reference the whole text, and write it through | b64")  # fmt: skip


def _finding(configuration: Configuration, wanted: Wanted, file: str, problem: Problem) -> Finding:
    return rendering_finding(configuration, problem, wanted.target, file=file, template=wanted.request.template)
