"""Prompts in Jinja2: what a text takes, and its rendering, in the same sandbox as templates but with Jinja2's usual white space."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from jinja2 import TemplateSyntaxError, meta, nodes

from llmcfg.model.findings import Problem
from llmcfg.pipeline.templates.diagnosis import diagnose
from llmcfg.pipeline.templates.request import OutOfTimeError, Rendered, RenderRequest, refused
from llmcfg.pipeline.templates.sandbox import DepthError, ForbiddenError, LimitError, Sandbox
from llmcfg.prompts.bracerender import FillError, fill_braces
from llmcfg.prompts.braces import BracesError, parse_braces
from llmcfg.prompts.syntax import Fault, Use

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.prompts.syntax import Parsed

_NAME: Final = "message"
_TAKING_IN: Final = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


class PromptSandbox(Sandbox):
    """Has no secrets, and one template: the text of a message."""

    def __init__(self, text: str) -> None:
        super().__init__({_NAME: text.encode("utf-8", "surrogatepass")})
        self.trim_blocks = self.lstrip_blocks = False
        del self.globals["secret"], self.filters["secret"]

    def uses(self, text: str) -> Iterator[Use]:
        tree = self.parse(text, _NAME)
        taking_in = next(tree.find_all(_TAKING_IN), None)
        if taking_in is not None:
            raise TemplateSyntaxError("it takes in another template, and a prompt stands alone", taking_in.lineno)
        names = meta.find_undeclared_variables(tree) - self.globals.keys()
        for name, written in self._tags(text):
            if name in names:
                yield Use(name, written)

    def _tags(self, text: str) -> Iterator[tuple[str, str]]:
        """Every name that is no attribute, with the tag that it stands in."""
        tag: list[str] = []
        waiting: list[str] = []
        is_after_dot = False
        for _, kind, written in self.lex(text, _NAME):
            if kind == "data":
                continue
            tag.append(written)
            if kind == "name" and not is_after_dot:
                waiting.append(written)
            is_after_dot = written == "." or (is_after_dot and kind == "whitespace")
            if kind in ("variable_end", "block_end"):
                for name in waiting:
                    yield name, "".join(tag).split("\n", 1)[0]
                tag, waiting = [], []


def parse_jinja(text: str, _types: Mapping[str, str]) -> Parsed:
    return _parse(text)


@lru_cache(maxsize=1 << 10)
def _parse(text: str) -> Parsed:
    """Once for each text, which most scopes share."""
    try:
        return tuple(PromptSandbox(text).uses(text))
    except (TemplateSyntaxError, DepthError, ForbiddenError) as error:
        line = error.lineno if isinstance(error, TemplateSyntaxError) else error.line
        lines = text.split("\n")
        written = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        return Fault(str(error.message if isinstance(error, TemplateSyntaxError) else error), written)


class PromptEngine:
    """Renders in the worker. The context of a request holds `engine`, `messages` and `values`; the answer is a JSON list of texts."""

    def __init__(self, output_bytes: int) -> None:
        self._output_bytes = output_bytes

    def render(self, request: RenderRequest) -> Rendered:
        engine, values = request.context["engine"], request.context["values"]
        texts: list[str] = []
        for index, text in enumerate(request.context["messages"]):
            sandbox = PromptSandbox(text) if engine == "jinja" else None
            try:
                texts.append(self._join(_pieces(engine, text, values, sandbox)))
            except (Exception, OutOfTimeError) as error:
                problem = _problem(error, request, text)
                named = problem._replace(message=f"message {index + 1}: {problem.message}", line=0, column=0)
                return refused(request.template, named, ())
        return Rendered(json.dumps(texts).encode(), (), request.template, ())

    def _join(self, pieces: Iterator[str]) -> str:
        size, kept = 0, []
        for piece in pieces:
            size += len(piece)
            if size > self._output_bytes:
                raise LimitError(f"the message is longer than {self._output_bytes} characters")
            kept.append(piece)
        return "".join(kept)


def _pieces(engine: str, text: str, values: Mapping[str, Any], sandbox: Sandbox | None) -> Iterator[str]:
    if sandbox is None:
        is_handlebars = engine == "handlebars"
        yield from fill_braces(parse_braces(text, is_handlebars=is_handlebars), values, is_handlebars=is_handlebars)
        return
    sandbox.begin(None)
    template = sandbox.get_template(_NAME)
    yield from template.root_render_func(template.new_context(dict(values)))


def _problem(error: BaseException, request: RenderRequest, text: str) -> Problem:
    match error:
        case FillError():
            return Problem("template-undefined", str(error), hint="give it, or ask for it first: {{#if name}}")
        case BracesError():
            return Problem("template-syntax", error.fault.message, hint=error.fault.hint)
        case _:
            seen: Sequence[str] = tuple(request.context["values"])
            found = diagnose(
                error, RenderRequest(_NAME, "text", {}), {_NAME: text.encode("utf-8", "surrogatepass")}
            ).problem
            hint = (
                f"a prompt sees its variables: {', '.join(seen) or 'none'}"
                if found.rule == "template-undefined"
                else found.hint
            )
            return found._replace(hint=hint)
