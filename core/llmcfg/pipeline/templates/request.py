"""What is asked of the renderer and what it answers: values that both sides of the worker's pipe know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from llmcfg import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.findings import Problem

SecretValue: TypeAlias = "str | int | float | bool | bytes"


class RenderRequest(NamedTuple):
    """One file to render.

    `template` is a path in the repository, or `builtin:` and a name. `format` (yaml, json, toml, env or text) is what the output must
    parse as. `context` is all that the template sees: config, environment, tenant, consumer, variables. With `values`, by the uses that
    take them, the template gets the values of secrets, and no problem says a word of what was written. `opened` says whether that will
    be asked for.
    """

    template: str
    format: str
    context: Mapping[str, Any]
    values: Mapping[str, SecretValue] | None = None
    opened: bool = False


class Rendered(NamedTuple):
    """One answer: `text`, or `problems` and no text.

    `file` is the template (or included template) that the problems lie in. `template_files` are the template files that the answer
    depends on, sorted; one that was looked for and not found is among them. `secrets` are the uses that it asked `secret()` for, sorted.
    """

    text: bytes | None
    problems: tuple[Problem, ...]
    file: str
    template_files: tuple[str, ...]
    secrets: tuple[str, ...] = ()


class Budget(NamedTuple):
    """What one rendering may use; `wall_seconds` is how long the worker may be silent before it counts as hung."""

    cpu_seconds: float = limits.TEMPLATE_SECONDS
    memory: int = limits.TEMPLATE_MEMORY
    output_bytes: int = limits.OUTPUT_BYTES
    wall_seconds: float = 60.0


class Renders(Protocol):
    """What runs inside the worker: an answer for every request, whatever goes wrong."""

    def render(self, request: RenderRequest) -> Rendered: ...


class OutOfTimeError(BaseException):
    """Raised in the worker when a rendering's processor time is used up; no `except Exception` of a library may catch it."""


DEFAULT_BUDGET: Final = Budget()
BUDGET_RULES: Final = frozenset({"template-timeout", "template-limit", "template-worker"})


def refused(file: str, problem: Problem, template_files: tuple[str, ...]) -> Rendered:
    return Rendered(text=None, problems=(problem,), file=file, template_files=template_files)
