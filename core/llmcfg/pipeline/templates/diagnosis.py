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
from llmcfg.model.rules import RULES
from llmcfg.model.suggest import did_you_mean
from llmcfg.model.value import kind_of
from llmcfg.pipeline.builtins.record import RecordError
from llmcfg.pipeline.templates.filters import FILTERS
from llmcfg.pipeline.templates.plain import RefusedError, one_line
from llmcfg.pipeline.templates.request import OutOfTimeError
from llmcfg.pipeline.templates.sandbox import ALLOWED_FILTERS, DepthError, ForbiddenError, LimitError, MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.templates.request import RenderRequest

_REFERENCE: Final = re.compile(r"\{\{\s*(secret|config|var)\s*:\s*([^}]*?)\s*\}\}")
_MESSAGE_CHARACTERS: Final = 300
_LISTED: Final = "docs/spec/templates.md lists what there is"
_LOOK: Final = "look at the value that comes in with: llmcfg get"
_SEES: Final = "a template sees config, environment, tenant, consumer and variables"


class Diagnosis(NamedTuple):
    """The template that a problem lies in, and the problem."""

    file: str
    problem: Problem


def diagnose(error: BaseException, request: RenderRequest, templates: Mapping[str, bytes]) -> Diagnosis:
    file, line = _place(error) or (request.template, 0)
    word = ""
    match error:
        case ForbiddenError():
            file, line, word = error.file, error.line, error.word
            found = Problem("template-forbidden", str(error), hint=_LISTED)
        case DepthError():
            file, line, found = error.file, error.line, _too_deep()
        case TemplateSyntaxError():
            file, line = error.name or file, error.lineno
            found, word = _syntax(error, _source_line(templates, file, line))
        case MissingError():
            found, word = _undefined(error, request.context), str(error.name)
        case TemplateNotFound():
            found, word = _not_there(error, templates), str(error.name)
        case _:
            found = _other(error)
    column, length = _find_word(_source_line(templates, file, line), word)
    return Diagnosis(file, found._replace(line=line, column=column, length=length))


def without_values(problem: Problem) -> Problem:
    """The same without a word of what was written, since that may be the value of a secret. Where and by which rule stays."""
    message = f"with the values of the secrets in it: {RULES[problem.rule].title}"
    hint = (
        "it is sound with references, so look at how the values are written: | to_yaml, | to_json, | quote, | env_quote"
    )
    return Problem(problem.rule, message, problem.line, hint=hint)


def _place(error: BaseException) -> tuple[str, int] | None:
    """The template and line of the deepest template frame that the error came through."""
    if isinstance(error, LimitError) and error.place is not None:
        return error.place
    place = None
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        line: int | None = trace.tb_lineno  # none where a time limit struck between two lines
        if template is not None and line is not None:
            place = template.name, template.get_corresponding_lineno(line)
        trace = trace.tb_next
    return place


def _source_line(templates: Mapping[str, bytes], file: str, line: int) -> str:
    lines = templates.get(file, b"").decode("utf-8-sig", "replace").split("\n")
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _find_word(text: str, word: str) -> tuple[int, int]:
    """Column and length of the only place where `word` stands in `text`; 0 and 1 if there is none or more."""
    if not word:
        return 0, 1
    places = list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text))
    return (places[0].start() + 1, len(word)) if len(places) == 1 else (0, 1)


def _syntax(error: TemplateSyntaxError, source_line: str) -> tuple[Problem, str]:
    """The problem, and the word of the line that it is about, if it is about one."""
    hint = "close what was opened: every {% if %}, {% for %} and {{ needs its end"
    reference = _REFERENCE.search(source_line)
    unknown = re.fullmatch(r"there is no (filter|test) '(.*)'", error.message or "")
    if reference is not None:
        instead = {"secret": f'secret("{reference[2]}")', "config": f"config.{reference[2]}"}
        hint = f"in a template this is {{{{ {instead.get(reference[1], f'variables.{reference[2]}')} }}}}"
    elif unknown is not None:
        hint = did_you_mean(unknown[2], [*FILTERS, *ALLOWED_FILTERS] if unknown[1] == "filter" else [], _LISTED)
    problem = Problem("template-syntax", _short(error.message or "it cannot be parsed"), hint=hint)
    return problem, unknown[2] if unknown else ""


def _too_deep() -> Problem:
    return Problem(
        "template-depth",
        "the template is nested too deep, or includes or calls itself without end",
        hint="split the expression with {% set %}, or end the recursion",
    )


def _undefined(error: MissingError, context: Mapping[str, Value]) -> Problem:
    owner, name = error.owner, error.name
    if owner is missing:
        if name in DEFAULT_NAMESPACE:
            return Problem("template-forbidden", f"{name} is not available in templates", hint=_LISTED)
        if name in FILTERS or name in ALLOWED_FILTERS:
            return Problem("template-undefined", f"{name} is not defined", hint=f"it is a filter: write value | {name}")
        hint = did_you_mean(str(name), [*context, "secret"], _SEES)
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
            return Problem("template-limit", _short(str(error)), hint="make it smaller, or split the file")
        case MemoryError():
            return Problem("template-limit", "the template needs too much memory", hint="look for repeated texts")
        case RecursionError() | SyntaxError():
            return _too_deep()
        case SecurityError():
            hint = "templates only read: change the configuration instead"
            return Problem("template-forbidden", _short(str(error)), hint=hint)
        case RecordError():
            return Problem("template-failed", _short(error.message), hint=error.hint or _LOOK)
        case RefusedError():
            return Problem(error.rule, _short(str(error)), hint=error.hint or _LOOK)
        case TemplateRuntimeError() if unknown := re.fullmatch(r"No filter named '(.*)'\.", str(error)):
            message = f"the filter {_short(unknown[1])!r} is not available in templates"
            return Problem("template-forbidden", message, hint=_LISTED)
        case LlmcfgError():
            return Problem("template-failed", _short(error.message), hint=error.hint or _LOOK)
        case _:
            return Problem("template-failed", _short(str(error)) or type(error).__name__, hint=_LOOK)


def _short(text: str) -> str:
    return one_line(text, _MESSAGE_CHARACTERS)
