"""One rendering after another, inside the worker: template and context in, text or a problem out. Nothing that goes wrong leaves it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from llmcfg.model.findings import Problem
from llmcfg.pipeline.templates.diagnosis import Diagnosis, diagnose
from llmcfg.pipeline.templates.output import find_output_fault
from llmcfg.pipeline.templates.request import OutOfTimeError, Rendered, RenderRequest, refused
from llmcfg.pipeline.templates.sandbox import LimitError, Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import GeneratorType

    from jinja2 import Template

_ADDRESS: Final = re.compile(r"<[^<>\n]{1,200} at 0x[0-9a-f]{6,}>")


class _Written(NamedTuple):
    """The output, and for each of its pieces the line of the template's program that wrote it."""

    template: Template
    pieces: list[str]
    lines: list[int]


class Engine:
    """Holds the compiled templates of a batch."""

    def __init__(self, templates: Mapping[str, bytes], output_bytes: int) -> None:
        self._templates = templates
        self._output_bytes = output_bytes
        self._sandbox = Sandbox(templates)

    def render(self, request: RenderRequest) -> Rendered:
        self._sandbox.names_read.clear()
        try:
            text, problem = self._render_and_check(request)
            found = Diagnosis(request.template, problem) if problem else None
        except (Exception, OutOfTimeError) as error:
            text, found = None, diagnose(error, request, self._templates)
        names = tuple(sorted(self._sandbox.names_read))
        return refused(found.file, found.problem, names) if found else Rendered(text, (), request.template, names)

    def _render_and_check(self, request: RenderRequest) -> tuple[bytes | None, Problem | None]:
        written = self._write(request)
        text = "".join(written.pieces)
        address = _ADDRESS.search(text)
        if address is not None:
            line = _template_line(written, text.count("\n", 0, address.start()))
            message = f"it writes {address[0].split(' at ')[0]}…>, which is another text in every run"
            return None, Problem("template-forbidden", message, line, hint="call it with ()")
        fault = find_output_fault(text, request.format)
        if fault is None:
            return text.encode(), None
        line = _template_line(written, fault.line - 1)
        return None, Problem("template-output", fault.message, line, hint=fault.hint)

    def _write(self, request: RenderRequest) -> _Written:
        template = self._sandbox.get_template(request.template)
        written = _Written(template, [], [])
        stream = cast(
            "GeneratorType[str, None, None]", template.root_render_func(template.new_context(dict(request.context)))
        )
        size = 0
        for piece in stream:
            size += len(piece) if len(piece) > self._output_bytes else len(piece.encode("utf-8", "surrogatepass"))
            line = stream.gi_frame.f_lineno if stream.gi_frame else 0
            if size > self._output_bytes:
                place = request.template, template.get_corresponding_lineno(line)
                raise LimitError(f"the rendered file is longer than {self._output_bytes} bytes", place)
            written.pieces.append(piece)
            written.lines.append(line)
        return written


def _template_line(written: _Written, output_line: int) -> int:
    """The line of the template that wrote the beginning of a line (from 0) of the output."""
    at = 0
    for piece, line in zip(written.pieces, written.lines, strict=True):
        breaks = piece.count("\n")
        if at + breaks >= output_line and not (at + breaks == output_line and piece.endswith("\n")):
            return written.template.get_corresponding_lineno(line) + max(0, output_line - at)
        at += breaks
    return written.template.get_corresponding_lineno(written.lines[-1]) if written.lines else 0
