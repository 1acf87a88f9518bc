"""One rendering after another, inside the worker: template and context in, text or a problem out. Nothing that goes wrong leaves it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from llmcfg.model.findings import Problem
from llmcfg.pipeline.builtins.names import is_builtin
from llmcfg.pipeline.builtins.registry import write_builtin
from llmcfg.pipeline.templates.diagnosis import Diagnosis, diagnose, without_values
from llmcfg.pipeline.templates.output import find_output_fault
from llmcfg.pipeline.templates.request import OutOfTimeError, Rendered, RenderRequest, refused
from llmcfg.pipeline.templates.sandbox import LimitError, Sandbox
from llmcfg.pipeline.templates.written import Written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import GeneratorType

_ADDRESS: Final = re.compile(r"<[^<>\n]{1,200} at 0x[0-9a-f]{6,}>")


class Engine:
    """Holds the compiled templates of a batch."""

    def __init__(self, templates: Mapping[str, bytes], output_bytes: int) -> None:
        self._templates = templates
        self._output_bytes = output_bytes
        self._sandbox = Sandbox(templates)

    def render(self, request: RenderRequest) -> Rendered:
        self._sandbox.begin(request.values)
        found: Diagnosis | None = None
        text: bytes | None = None
        try:
            written, problem = (
                self._from_builtin(request) if is_builtin(request.template) else self._from_template(request)
            )
            if problem is None:
                text = written.encode()
            else:
                found = Diagnosis(request.template, problem)
        except (Exception, OutOfTimeError) as error:
            found = diagnose(error, request, self._templates)
        names = tuple(sorted(self._sandbox.names_read))
        if found is None:
            return Rendered(text, (), request.template, names, tuple(sorted(self._sandbox.secrets_named)))
        problem = found.problem if request.values is None else without_values(found.problem)
        return refused(found.file, problem, names)

    def _from_builtin(self, request: RenderRequest) -> tuple[str, Problem | None]:
        text = write_builtin(request.template, request.context, opened=request.opened)
        if len(text.encode("utf-8", "surrogatepass")) > self._output_bytes:
            raise LimitError(f"the rendered file is longer than {self._output_bytes} bytes")
        fault = find_output_fault(text, request.format)
        return text, Problem("template-output", fault.message, hint=fault.hint) if fault else None

    def _from_template(self, request: RenderRequest) -> tuple[str, Problem | None]:
        written = self._write(request)
        return "".join(written.pieces), self._find_problem(written, request)

    def _write(self, request: RenderRequest) -> Written:
        template = self._sandbox.get_template(request.template)
        written = Written(template, [], [])
        context = template.new_context(dict(request.context))
        stream = cast("GeneratorType[str, None, None]", template.root_render_func(context))
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

    def _find_problem(self, written: Written, request: RenderRequest) -> Problem | None:
        text = "".join(written.pieces)
        source = self._templates[request.template].decode("utf-8-sig")
        address = _ADDRESS.search(text)
        if address is not None:
            line = written.template_line(text.count("\n", 0, address.start()) + 1, source)
            message = f"it writes {address[0].split(' at ')[0]}>, which is another text in every run"
            return Problem("template-forbidden", message, line, hint="call it with ()")
        fault = find_output_fault(text, request.format)
        if fault is None:
            return None
        return Problem("template-output", fault.message, written.template_line(fault.line, source), hint=fault.hint)
