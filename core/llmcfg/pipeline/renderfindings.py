"""Where the problem of a rendering lies: in a template, or for a built-in renderer at the output that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcfg.model.findings import Finding, Problem
    from llmcfg.model.target import Target
    from llmcfg.pipeline.configuration import Configuration


def rendering_finding(
    configuration: Configuration, problem: Problem, target: Target, *, file: str, template: str
) -> Finding:
    """`file` is the template that the problem lies in; where that is none, it lies in the one that was asked for."""
    layout = configuration.layout
    entry = layout.templates.get(file) or layout.templates.get(template)
    if entry is None:
        entry = layout.consumers[target.consumer]
        outputs = configuration.consumer(target.consumer).outputs
        at = next(index for index, output in enumerate(outputs) if output.template == template)
        problem = problem._replace(path=("outputs", at, "template"))
    return configuration.locator.in_blob(problem, entry, [str(target)])
