"""Rules about parameters: whether the model and the vendor take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.reading import number_of
from llmcfg.llm.rules.ground import Check, is_self_hosted
from llmcfg.llm.vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import Given, Model, Platform
    from llmcfg.llm.rules.ground import Ground

OUTPUT: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_RANGES: Final = {
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}
_LEAST_THINKING: Final = 1024
_WITHOUT_MAX_TOKENS: Final = ("o1", "o3", "o4")


def find_long_output(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        entry = ground.known(model)
        declared, most = model.output, entry.output if entry and not is_self_hosted(model) else None
        for name in OUTPUT:
            asked = number_of(model.params[name].value) if name in model.params else None
            limit = min(
                (each for each in (declared.value if declared else None, most) if each is not None), default=None
            )
            if asked is not None and limit is not None and asked > limit:
                yield Complaint("LLM016", f"{name} {asked:g} is above the {limit} tokens that {model.upstream.value} gives",
                                model.params[name].spot, f"write {limit} or less")  # fmt: skip
        if declared is not None and most is not None and declared.value > most:
            yield Complaint("LLM016", f"max_output {declared.value} is above the {most} tokens that {model.upstream.value} gives",
                            declared.spot, f"write {most} or less")  # fmt: skip


def find_misfits(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        window = ground.context(model)
        given = next((model.params[name] for name in OUTPUT if name in model.params), None)
        asked = number_of(given.value) if given else None
        if given is not None and asked is not None and window is not None and asked > window:
            yield Complaint("LLM017", f"{asked:g} tokens of output do not fit in the window of {window} of {model.upstream.value}",
                            given.spot, "leave room for the input")  # fmt: skip
        yield from _thinking(model, asked)
        entry = ground.known(model)
        if (
            model.context
            and entry
            and entry.context
            and model.context.value > entry.context
            and not is_self_hosted(model)
        ):
            yield Complaint("LLM017", f"a context of {model.context.value} is above the {entry.context} that {model.upstream.value} takes",
                            model.context.spot, f"write {entry.context} or less")  # fmt: skip


def find_out_of_range(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        kind = model.provider.type.value if model.provider else ""
        warmest = VENDORS[kind].temperature if kind in VENDORS else 2.0
        ranges = {**_RANGES, **({"temperature": (0.0, warmest)} if warmest is not None else {})}
        for name, (low, high) in ranges.items():
            value = number_of(model.params[name].value) if name in model.params else None
            if value is not None and not low <= value <= high:
                yield Complaint("LLM018", f"{name} {value:g} is outside of {low:g} to {high:g}{_whose(kind)}", model.params[name].spot,
                                f"write a value from {low:g} to {high:g}")  # fmt: skip


def find_unsupported(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        entry = ground.known(model)
        if entry is None or model.drops_params or is_self_hosted(model):
            continue
        name = model.upstream.value
        for parameter in _SAMPLING if not entry.takes_sampling else ():
            if parameter in model.params:
                yield Complaint("LLM019", f"{name} takes no {parameter}", model.params[parameter].spot,
                                "remove it, or have unsupported parameters dropped")  # fmt: skip
        effort = model.params.get("reasoning_effort")
        if effort is not None and entry.efforts and effort.value not in entry.efforts:
            yield Complaint("LLM019", f"{name} takes no reasoning_effort {effort.value!r}", effort.spot,
                            f"it takes: {', '.join(entry.efforts)}")  # fmt: skip
        if effort is not None and "reasoning" in entry.lacks:
            yield Complaint(
                "LLM019", f"{name} does not reason, and takes no reasoning_effort", effort.spot, "remove it"
            )
        if "max_tokens" in model.params and _is_of_o_series(model):
            yield Complaint(
                "LLM019", f"{name} takes no max_tokens", model.params["max_tokens"].spot, "write max_completion_tokens"
            )


def find_both(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        if "temperature" in model.params and "top_p" in model.params:
            yield Complaint("LLM020", f"{model.name} sets temperature and top_p", model.params["top_p"].spot, "keep one of them",
                            related=(model.params["temperature"].spot,))  # fmt: skip


def _thinking(model: Model, output: float | None) -> Iterator[Complaint]:
    thinking: Given[Any] | None = model.params.get("thinking")
    if thinking is None or not isinstance(thinking.value, dict):
        return
    budget = number_of(thinking.value.get("budget_tokens"))
    if budget is None:
        return
    spot = thinking.spot.at("budget_tokens")
    if budget < _LEAST_THINKING:
        yield Complaint(
            "LLM017",
            f"a thinking budget of {budget:g} is below {_LEAST_THINKING}",
            spot,
            f"write {_LEAST_THINKING} or more",
        )
    if output is not None and budget >= output:
        yield Complaint("LLM017", f"a thinking budget of {budget:g} leaves nothing of {output:g} tokens of output", spot,
                        "write less than max_tokens")  # fmt: skip


def _is_of_o_series(model: Model) -> bool:
    kind = model.provider.type.value if model.provider else ""
    return kind == "openai" and model.upstream.value.startswith(_WITHOUT_MAX_TOKENS)


def _whose(kind: str) -> str:
    return f", the range of {kind}" if kind else ""


CHECKS: Final = (
    Check("LLM016", find_long_output),
    Check("LLM017", find_misfits),
    Check("LLM018", find_out_of_range),
    Check("LLM019", find_unsupported),
    Check("LLM020", find_both),
)
