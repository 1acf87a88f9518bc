"""The records of an LLM platform as the renderers see them: providers, models and routes, joined by name.

A provider that is turned off takes its models with it, and those take the targets and fallbacks that name them. A name that stands
nowhere is a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.builtins.record import Record, RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ProviderType = Literal[
    "openai",
    "anthropic",
    "gemini",
    "vertex",
    "bedrock",
    "azure_openai",
    "mistral",
    "cohere",
    "groq",
    "together",
    "ollama",
    "openai_compatible",
]
PROVIDER_TYPES: Final[Mapping[str, ProviderType]] = {name: name for name in get_args(ProviderType)}
Trigger = Literal["on_error", "on_context", "on_policy", "on_budget"]


class Provider(NamedTuple):
    name: str
    type: ProviderType
    record: Record


class Model(NamedTuple):
    """A logical model. `upstream` is what its provider calls it; for Azure the deployment."""

    name: str
    provider: Provider
    upstream: str
    record: Record

    @property
    def is_local(self) -> bool:
        """Whether no vendor's price list or catalogue knows it."""
        return self.provider.type in ("ollama", "openai_compatible")


class Share(NamedTuple):
    """A target of a route and its share of the traffic."""

    name: str
    model: Model
    weight: float


class Route(NamedTuple):
    name: str
    shares: tuple[Share, ...]
    fallbacks: Mapping[str, tuple[Model, ...]]
    record: Record


@dataclass(frozen=True, slots=True)
class Platform:
    """What is turned on, by name and in the order of the configuration."""

    providers: Mapping[str, Provider]
    models: Mapping[str, Model]
    routes: Mapping[str, Route]


def read_platform(config: Record) -> Platform:
    """The platform that `config` describes. Raises RecordError for names that stand nowhere and for records without their keys."""
    sections = (config.record(section) for section in ("providers", "llm_providers"))
    providers = {name: _provider(name, record) for section in sections for name, record in section.named()}
    is_on = {name: it for name, it in providers.items() if it.record.is_on("enabled", default=True)}
    named: dict[str, Model] = {}
    for name, record in _model_records(config.record("models")):
        if name in named:
            raise RecordError(f"two models are called {name}: {record.at('provider')} is the second", hint="rename one")
        named[name] = _model(name, record, providers)
    models = {name: model for name, model in named.items() if model.provider.name in is_on}
    by_alias = {alias: model for model in named.values() for alias in model.record.texts("aliases")}
    known = {**by_alias, **named}
    routes = [_route(name, record, known, models) for name, record in config.record("routes").named()]
    return Platform(is_on, models, {route.name: route for route in routes})


def _provider(name: str, record: Record) -> Provider:
    text = record.need("type", "it says which protocol the provider speaks")
    kind = PROVIDER_TYPES.get(text)
    if kind is None:
        hint = did_you_mean(text, PROVIDER_TYPES, f"there are: {', '.join(PROVIDER_TYPES)}")
        raise RecordError(f"{record.at('type')} is {text!r}, which is no type of provider", hint=hint)
    return Provider(name, kind, record)


def _model_records(models: Record) -> Iterator[tuple[str, Record]]:
    """Models lie in documents of their own, or several in one document."""
    for name, record in models.named():
        if "provider" in record:
            yield name, record
        else:
            yield from record.named()


def _model(name: str, record: Record, providers: Mapping[str, Provider]) -> Model:
    wanted = record.need("provider")
    provider = providers.get(wanted)
    if provider is None:
        raise _dangling(record.at("provider"), "provider", wanted, providers)
    upstream = record.text("upstream_model") or record.text("deployment")
    return Model(
        name, provider, upstream or record.need("upstream_model", "it says what the provider calls the model"), record
    )


def _route(name: str, record: Record, named: Mapping[str, Model], models: Mapping[str, Model]) -> Route:
    shares = []
    for at, target in enumerate(record.records("targets")):
        model = _model_of(target, named)
        if model.name in models:
            shares.append(Share(target.text("name", str(at)), model, target.number("weight", 100)))
    if not shares:
        raise RecordError(f"{record.at('targets')} names no model of a provider that is turned on",
                          hint="give the route a target in this scope, or delete the route there")  # fmt: skip
    chains = record.record("fallbacks")
    fallbacks = {trigger: _chain(chains, trigger, named, models) for trigger in chains.fields}
    return Route(name, tuple(shares), fallbacks, record)


def _chain(chains: Record, trigger: str, named: Mapping[str, Model], models: Mapping[str, Model]) -> tuple[Model, ...]:
    chain = [_model_of(entry, named) for entry in chains.records(trigger)]
    return tuple(model for model in chain if model.name in models)


def _model_of(entry: Record, named: Mapping[str, Model]) -> Model:
    name = entry.need("model")
    if name not in named:
        raise _dangling(entry.at("model"), "model", name, named)
    return named[name]


def _dangling(where: str, what: str, name: str, known: Mapping[str, object]) -> RecordError:
    otherwise = f"select it too, or name one of: {', '.join(sorted(known)[:6])}" if known else f"select a {what} too"
    return RecordError(
        f"{where} names the {what} {name!r}, which is not there", hint=did_you_mean(name, known, otherwise)
    )
