"""What is asked of the child that runs policies and what it answers: values that both sides of the pipe know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg import limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Budget(NamedTuple):
    """What evaluating one input may use; `wall_seconds` is how long the child may be silent before it counts as hung."""

    cpu_seconds: float = limits.POLICY_SECONDS
    memory: int = limits.POLICY_MEMORY
    output_bytes: int = limits.POLICY_OUTPUT_BYTES
    wall_seconds: float = 60.0


class Asked(NamedTuple):
    """`modules` by file, the rules to evaluate (`policies/budgets/deny`), and the inputs to evaluate them on, as JSON."""

    modules: Mapping[str, str]
    entrypoints: Sequence[str]
    inputs: Sequence[str]


class Refusal(NamedTuple):
    """What the engine does not take in a module. `offset` counts bytes; the file is empty when it did not say where."""

    file: str
    message: str
    offset: int = 0


class Answer(NamedTuple):
    """The value of a rule, None for one that is undefined; or `fault`, why there is none."""

    value: Any = None
    fault: str = ""
    is_limit: bool = False


class Evaluated(NamedTuple):
    """The answers by input and then entrypoint, in the order asked. With refusals there are none."""

    refusals: tuple[Refusal, ...]
    answers: tuple[tuple[Answer, ...], ...]


DEFAULT_BUDGET: Final = Budget()
NOT_TRIED: Final = "it was not tried, since one before it used up the budget"
