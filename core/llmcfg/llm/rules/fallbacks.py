"""Rules about who answers instead."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check, is_reference, is_self_hosted, vendor_of
from llmcfg.llm.vendors import host_of
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.llm.platform import Fallback, Model, Platform, Route
    from llmcfg.llm.rules.ground import Ground

_DEAR: Final = 5.0
"""How many times the price of the first model a fallback may cost before it is a finding."""
_LITTLE_LESS: Final = 0.9
"""What part of the first model's size a fallback may have without a word: vendors count tokens differently anyhow."""
_MORE_CONTEXT: Final = "add an on_context chain, or state the route's min_context"


def find_incapable(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for route in platform.routes:
        firsts = [model for target in route.targets for model in platform.answering(target.model.value)]
        needs = {need.value: need for need in (*route.requires, *(need for model in firsts for need in model.requires))}
        answering = [(target.model, platform.answering(target.model.value)) for target in route.targets]
        answering += [(fallback.to, platform.answering(fallback.to.value)) for fallback in route.fallbacks]
        for name, models in answering:
            for ability, need in needs.items():
                lacking = next((model for model in models if ground.supports(model, ability) is False), None)
                if lacking is not None:
                    yield Complaint("LLM021", f"{lacking.name} ({lacking.upstream.value}) has no {ability}, which {route.name} needs",
                                    name.spot, "take a model that has it", related=(need.spot,))  # fmt: skip


def find_cycles(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    edges: dict[tuple[str, str], list[Fallback]] = defaultdict(list)
    for route, fallback in platform.edges():
        edges[route.name, fallback.kind].append(fallback)
    recursing = {route.name for route in platform.routes if route.recurses}
    for kind in sorted({kind for _, kind in edges}):
        graph = {name: found for (name, of), found in edges.items() if of == kind}
        for cycle, closing in _cycles(graph):
            severity = Severity.ERROR if recursing & {*cycle} else None
            around = " -> ".join([*cycle, cycle[0]])
            yield Complaint("LLM023", f"fallbacks in a cycle: {around}", closing.to.spot, "end the chain", severity)


def find_smaller(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for route, fallback, first, other in _pairs(platform):
        for what, size in (("context", ground.context), ("output", ground.output)):
            has, gets = size(first), size(other)
            if (
                has is not None
                and gets is not None
                and gets < has * _LITTLE_LESS
                and _matters(route, first, what, gets)
            ):
                hint = _MORE_CONTEXT if what == "context" else "lower max_tokens, or take another model"
                message = f"{other.name} has {gets} tokens of {what}, {first.name} {has}"
                yield Complaint("LLM024", message, fallback.to.spot, hint)
                break


def find_shared_failure(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    """Routes whose fallbacks for errors all fail together with their first model."""
    chains: dict[str, list[tuple[Fallback, Model, Model]]] = defaultdict(list)
    for route, fallback, first, other in _pairs(platform):
        if fallback.kind == "on_error":
            chains[route.name].append((fallback, first, other))
    for chain in chains.values():
        domains = {failure_domain(model) for _, first, other in chain for model in (first, other)}
        if len(domains) == 1 and any(*domains):
            fallback, first, other = chain[0]
            message = f"{other.name} fails together with {first.name}: both are {described_domain(first)}"
            yield Complaint("LLM025", message, fallback.to.spot, "fall back to another vendor, region or key")


def find_alone(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    """Records are judged a route each, where they are protected; a foreign file once, because its gateway is one program.

    Embeddings have no fallback: vectors of two models cannot be compared.
    """
    if platform.setting.environment and not platform.setting.is_protected:
        return
    alone = [route for route in platform.routes if _is_alone(platform, route, ground)]
    if platform.setting.environment:
        for route in alone:
            place = route.targets[0].model.spot if route.targets else route.spot
            yield Complaint(
                "LLM026", f"{route.name} has one model and no fallback for errors", place, "add fallbacks.on_error"
            )
    elif alone and len(alone) == len(platform.routes):
        whose = f"none of {len(alone)} models" if len(alone) > 1 else alone[0].name
        text = f"{whose} has a fallback or a second deployment" if len(alone) > 1 else f"{whose} has no fallback"
        yield Complaint("LLM026", text, alone[0].spot, "add fallbacks, or a second deployment of the same name")


def find_dear(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    if platform.setting.environment and not platform.setting.is_protected:
        return
    for route, fallback, first, other in _pairs(platform):
        price, dearer = ground.price(first), ground.price(other)
        if price is None or not any(price):
            continue
        factor = route.max_price_factor.value if route.max_price_factor else _DEAR
        if dearer is None and not is_self_hosted(other):
            yield Complaint("LLM027", f"the price of {other.name} is not known", fallback.to.spot, "give its price")
        elif dearer is not None and (dearer[0] > price[0] * factor or dearer[1] > price[1] * factor):
            times = max(b / a for a, b in zip(price, dearer, strict=True) if a)
            yield Complaint("LLM027", f"{other.name} costs {times:.0f} times what {first.name} costs", fallback.to.spot,
                            "take a cheaper one, or raise max_price_factor of the route")  # fmt: skip


def _pairs(platform: Platform) -> Iterator[tuple[Route, Fallback, Model, Model]]:
    """Each edge with the models at its ends, as far as both are known; the first of several stands for all."""
    for route, fallback in platform.edges():
        firsts = [model for target in route.targets for model in platform.answering(target.model.value)]
        others = platform.answering(fallback.to.value)
        if firsts and others and firsts[0] is not others[0] and firsts[0].is_on and others[0].is_on:
            yield route, fallback, firsts[0], others[0]


def _matters(route: Route, first: Model, what: str, gets: int) -> bool:
    """Whether the loss can be felt: not below what the route asks for, and not where longer input has a chain of its own."""
    if what == "output":
        asked = [number.value for name in ("max_tokens", "max_completion_tokens") if (number := first.params.get(name))]
        return any(isinstance(number, int | float) and number > gets for number in asked)
    if route.min_context is not None:
        return gets < route.min_context.value
    return not any(edge.kind == "on_context" for edge in route.fallbacks)


def failure_domain(model: Model) -> tuple[str, ...]:
    """What fails together: vendor or host, region, and key."""
    provider = model.provider
    if provider is None:
        return ()
    host = host_of(provider.base_url.value) if provider.base_url and not is_reference(provider.base_url.value) else ""
    where = host or (provider.base_url.value if provider.base_url else "") or provider.type.value
    return (
        vendor_of(provider) or where,
        host,
        where,
        provider.region,
        str(provider.auth["api_key"].value) if "api_key" in provider.auth else "",
    )


def described_domain(model: Model) -> str:
    _, host, _, region, _ = failure_domain(model)
    name = model.provider.name if model.provider else ""
    return f"{host or name}{f' in {region}' if region and not is_reference(region) else ''} with one key"


def _is_alone(platform: Platform, route: Route, ground: Ground) -> bool:
    """Whether one account answers a route, and nobody instead of it."""
    if any(edge.kind == "on_error" for edge in route.fallbacks):
        return False
    models = [model for target in route.targets for model in platform.answering(target.model.value)]
    modes = {model.mode or (entry.mode if (entry := ground.known(model)) else "") for model in models}
    return "embedding" not in modes and len({failure_domain(model) for model in models}) < 2


def _cycles(graph: Mapping[str, list[Fallback]]) -> Iterator[tuple[list[str], Fallback]]:
    """Each cycle once, from its first name in order, with the edge that closes it."""
    seen: set[frozenset[str]] = set()
    for start in sorted(graph):
        paths: list[list[str]] = [[start]]
        while paths:
            path = paths.pop()
            for edge in graph.get(path[-1], ()):
                if edge.to.value == start and frozenset(path) not in seen:
                    seen.add(frozenset(path))
                    yield path, edge
                elif edge.to.value not in path and edge.to.value > start and len(path) < 32:
                    paths.append([*path, edge.to.value])


CHECKS: Final = (
    Check("LLM021", find_incapable),
    Check("LLM023", find_cycles),
    Check("LLM024", find_smaller),
    Check("LLM025", find_shared_failure),
    Check("LLM026", find_alone),
    Check("LLM027", find_dear),
)
