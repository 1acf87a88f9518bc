"""From whatever a rendering raised to a problem with its file, its line and a next step."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.exceptions import (
    SecurityError,
    TemplateNotFound,
    TemplateRuntimeError,
    TemplatesNotFound,
    TemplateSyntaxError,
)
from jinja2.utils import missing

from llmcfg.errors import LlmcfgError
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.suggest import did_you_mean
from llmcfg.model.value import kind_of
from llmcfg.pipeline.templates.filters import FILTERS, FUNCTIONS
from llmcfg.pipeline.templates.plain import RefusedError, one_line
from llmcfg.pipeline.templates.request import OutOfTimeError
from llmcfg.pipeline.templates.sandbox import ALLOWED_FILTERS, DepthError, ForbiddenError, LimitError, MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.templates.request import RenderRequest

_REFERENCE: Final = re.compile(r"\{\{\s*(secret|config|var)\s*:\s*([^}]*?)\s*\}\}")
_MESSAGE_CHARACTERS: Final = 300
_SEES: Final = "a template sees config, environment, tenant, consumer and variables"


class Diagnosis(NamedTuple):
    """The template that a problem lies in, and the problem."""

    file: str
    problem: Problem


def diagnose(error: BaseException, request: RenderRequest, templates: Mapping[str, bytes]) -> Diagnosis:
    file, line = _place(error) or (request.template, 0)
    match error:
        case ForbiddenError():
            return Diagnosis(error.file, Problem("template-forbidden", str(error), error.line))
        case DepthError():
            return Diagnosis(error.file, _too_deep(error.line))
        case TemplateSyntaxError():
            file = error.name or file
            return Diagnosis(file, _syntax(error, _source_line(templates, file, error.lineno)))
        case MissingError():
            found = _undefined(error, request.context)
            column, length = _find_word(_source_line(templates, file, line), str(error.name))
            return Diagnosis(file, found._replace(line=line, column=column, length=length))
        case TemplateNotFound():
            return Diagnosis(file, _not_there(error, templates)._replace(line=line))
        case _:
            return Diagnosis(file, _other(error)._replace(line=line))


def _place(error: BaseException) -> tuple[str, int] | None:
    """The template and line of the deepest template frame that the error came through."""
    if isinstance(error, LimitError) and error.place is not None:
        return error.place
    place = None
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            place = template.name, template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return place


def _source_line(templates: Mapping[str, bytes], file: str, line: int) -> str:
    lines = templates.get(file, b"").decode("utf-8-sig", "replace").split("\n")
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _find_word(text: str, word: str) -> tuple[int, int]:
    """Column and length of the only place where `word` stands in `text`; 0 and 1 if there is none or more."""
    places = list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text))
    return (places[0].start() + 1, len(word)) if len(places) == 1 else (0, 1)


def _syntax(error: TemplateSyntaxError, source_line: str) -> Problem:
    hint = ""
    reference = _REFERENCE.search(source_line)
    unknown_filter = re.fullmatch(r"there is no filter '(.*)'", error.message or "")
    if reference is not None:
        instead = {"secret": f'secret("{reference[2]}")', "config": f"config.{reference[2]}"}
        hint = f"in a template this is {{{{ {instead.get(reference[1], f'variables.{reference[2]}')} }}}}"
    elif unknown_filter is not None:
        hint = did_you_mean(unknown_filter[1], [*FILTERS, *ALLOWED_FILTERS], "docs/spec/templates.md lists them")
    return Problem("template-syntax", _short(error.message or "it cannot be parsed"), error.lineno, hint=hint)


def _too_deep(line: int) -> Problem:
    return Problem(
        "template-depth",
        "the template is nested too deep, or includes or calls itself without end",
        line,
        hint="split the expression with {% set %}, or end the recursion",
    )


def _undefined(error: MissingError, context: Mapping[str, Value]) -> Problem:
    owner, name = error.owner, error.name
    if owner is missing:
        if name in DEFAULT_NAMESPACE:
            return Problem("template-forbidden", f"{name} is not available in templates")
        if name in FILTERS or name in ALLOWED_FILTERS:
            return Problem("template-undefined", f"{name} is not defined", hint=f"it is a filter: write value | {name}")
        hint = did_you_mean(str(name), [*context, *FUNCTIONS], _SEES)
        return Problem("template-undefined", f"{name} is not defined", hint=hint)
    path = _find_path(owner, context)
    subject = format_key_path(path) if path else f"this {_kind(owner)}"
    match owner:
        case dict():
            message = f"{subject} has no key {name!r}"
            otherwise = "set it in the configuration, or write | default(...)"
            if path == ("config",):
                otherwise = "add it to the consumer's select"
            hint = did_you_mean(str(name), [key for key in owner if isinstance(key, str)], otherwise)
        case list() | tuple() if isinstance(name, int):
            message, hint = f"{subject} has no item {name}; it has {len(owner)}", "an index counts from 0"
        case _:
            message, hint = f"a {_kind(owner)} has no {name!r}", "look at the value with: llmcfg get"
    return Problem("template-undefined", _short(message), hint=hint)


def _find_path(owner: object, context: Mapping[str, Value]) -> Path | None:
    """The way to `owner`, itself and not its like, in what the template sees."""
    if not isinstance(owner, dict | list):
        return None
    waiting: deque[tuple[Path, Any]] = deque(((name,), value) for name, value in context.items())
    while waiting:
        path, value = waiting.popleft()
        if value is owner:
            return path
        if isinstance(value, dict):
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, at), item) for at, item in enumerate(value)]
    return None


def _kind(value: Any) -> str:
    return kind_of(value) if isinstance(value, bool | int | float | str | dict | list | None) else "object"


def _not_there(error: TemplateNotFound, templates: Mapping[str, bytes]) -> Problem:
    names = error.templates if isinstance(error, TemplatesNotFound) else [error.name]
    shown = ", ".join(_short(repr(str(name))) for name in names)
    hint = did_you_mean(
        str(names[-1]), templates, "a template is named by its path in the repository: templates/part.j2"
    )
    return Problem("template-missing", f"there is no template {shown}", hint=hint)


def _other(error: BaseException) -> Problem:
    match error:
        case OutOfTimeError():
            return Problem("template-timeout", str(error), hint="look for nested loops")
        case LimitError() | OverflowError():
            return Problem("template-limit", _short(str(error)))
        case MemoryError():
            return Problem("template-limit", "the template needs too much memory", hint="look for repeated texts")
        case RecursionError() | SyntaxError():
            return _too_deep(0)
        case SecurityError():
            return Problem("template-forbidden", _short(str(error)))
        case RefusedError():
            return Problem(error.rule, _short(str(error)), hint=error.hint)
        case TemplateRuntimeError() if unknown := re.fullmatch(r"No filter named '(.*)'\.", str(error)):
            return Problem("template-forbidden", f"the filter {_short(unknown[1])!r} is not available in templates")
        case LlmcfgError():
            return Problem("template-failed", _short(error.message), hint=error.hint)
        case _:
            return Problem("template-failed", _short(str(error)) or type(error).__name__)


def _short(text: str) -> str:
    return one_line(text, _MESSAGE_CHARACTERS)
