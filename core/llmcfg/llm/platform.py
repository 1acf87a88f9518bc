"""A platform as rules see it: providers, models, routes, budgets and what guards them, each fact with the place that says it.

Readers make one of typed records, of free-form documents, or of another program's file. Nothing here knows which. What a reader did not
find is None or empty; rules say nothing about what they cannot see.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # msgspec reads it when it decodes
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct, field

from llmcfg.model.value import Path  # noqa: TC001  # msgspec reads it when it decodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.model.rules import Severity

T = TypeVar("T")
Number: TypeAlias = int | float
"""As it is written: 2 is shown as 2."""
FallbackKind: TypeAlias = Literal["on_error", "on_context", "on_policy", "on_budget"]
ReferenceKind: TypeAlias = Literal[
    "provider", "model", "guardrail", "mcp server", "input", "endpoint", "backend", "host"
]


class Spot(NamedTuple):
    """A place in a document (or a foreign file): the way into its value."""

    document: str
    path: Path = ()

    def at(self, *steps: str | int) -> Spot:
        return Spot(self.document, (*self.path, *steps))


class Given(NamedTuple, Generic[T]):
    """A value and the place that says it."""

    value: T
    spot: Spot


class Complaint(NamedTuple):
    """What a rule has to say about a place. `severity` is set where the rule's own does not fit."""

    rule: str
    message: str
    spot: Spot
    hint: str = ""
    severity: Severity | None = None
    related: tuple[Spot, ...] = ()


class Rate(Struct, frozen=True):
    """Requests and tokens a minute, and requests at once."""

    rpm: Given[int] | None = None
    tpm: Given[int] | None = None
    parallel: Given[int] | None = None

    def given(self) -> tuple[Given[int], ...]:
        return tuple(limit for limit in (self.rpm, self.tpm, self.parallel) if limit is not None)


class Waiting(Struct, frozen=True):
    """Seconds, and tries after the first."""

    request: Given[Number] | None = None
    stream_idle: Given[Number] | None = None
    retries: Given[int] | None = None


class Provider(Struct, frozen=True):
    """One account at one vendor, or one server. `type` is the vendor's name (`llm.vendors`), or whatever is written.

    `auth` holds what is given to authenticate by, under the record's field names; `fields` other settings of the endpoint (region,
    project, location, api_version, deployment, …). `secrets` are the names of secrets or environment variables that it uses.
    """

    name: str
    spot: Spot
    type: Given[str]
    enabled: bool = True
    base_url: Given[str] | None = None
    auth: Mapping[str, Given[Any]] = field(default_factory=dict)
    fields: Mapping[str, Given[Any]] = field(default_factory=dict)
    headers: Mapping[str, Given[Any]] = field(default_factory=dict)
    residency: Given[tuple[str, ...]] | None = None
    rate: Rate = Rate()
    waiting: Waiting = Waiting()
    allows_custom_host: bool = False
    secrets: tuple[Given[str], ...] = ()

    @property
    def region(self) -> str:
        for name in ("region", "location"):
            if name in self.fields:
                return str(self.fields[name].value)
        return ""


class Model(Struct, frozen=True):
    """A name that applications use, and what answers to it. Several of one name share its traffic.

    `upstream` is what the provider calls it; `base_model` the catalogue's name where `upstream` does not tell. `context` and `output` are
    declared limits. `supports` are declared abilities, `requires` those that applications rely on. Prices are USD per million tokens.
    """

    name: str
    spot: Spot
    upstream: Given[str]
    provider: Provider | None = None
    base_model: Given[str] | None = None
    aliases: tuple[Given[str], ...] = ()
    mode: str = ""
    status: Given[str] | None = None
    params: Mapping[str, Given[Any]] = field(default_factory=dict)
    drops_params: bool = False
    context: Given[int] | None = None
    output: Given[int] | None = None
    supports: frozenset[str] = frozenset()
    requires: tuple[Given[str], ...] = ()
    price_in: Given[Number] | None = None
    price_out: Given[Number] | None = None
    retires: Given[str] | None = None
    replacement: Given[str] | None = None
    rate: Rate = Rate()
    waiting: Waiting = Waiting()

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for many models, as `openai/*` does."""
        return "*" in self.upstream.value

    @property
    def is_on(self) -> bool:
        return self.provider is None or self.provider.enabled


class Target(NamedTuple):
    """One of the models that a route sends to. Weight 0 gets nothing."""

    model: Given[str]
    weight: Given[Number] | None = None


class Fallback(NamedTuple):
    """An edge of the fallback graph: who answers instead, and when."""

    kind: FallbackKind
    to: Given[str]


class Route(Struct, frozen=True):
    """How requests for one purpose find a model. `recurses` says whether the gateway goes on to the fallbacks of a fallback."""

    name: str
    spot: Spot
    targets: tuple[Target, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    guardrails: Given[tuple[str, ...]] | None = None
    requires: tuple[Given[str], ...] = ()
    min_context: Given[int] | None = None
    max_price_factor: Given[Number] | None = None
    waiting: Waiting = Waiting()
    recurses: bool = False


class Budget(NamedTuple):
    """What may be spent in a period. `scope` is what it is for (`tenant`, `provider`, `service`, `model`, `gateway`), `name` which one.

    `on_exceed` says what happens then: `reject`, `fallback`, `alert`, or nothing where it is not said.
    """

    scope: str
    name: str
    amount: Given[Number]
    period: str = ""
    on_exceed: str = ""


class Guardrail(NamedTuple):
    """`kind` is what it does, or the library's name of it; `is_always_on` needs no route to name it."""

    name: str
    spot: Spot
    kind: str = ""
    is_always_on: bool = False


class McpServer(Struct, frozen=True):
    name: str
    spot: Spot
    command: Given[str] | None = None
    args: Given[tuple[str, ...]] | None = None
    url: Given[str] | None = None
    env: Mapping[str, Given[Any]] = field(default_factory=dict)
    headers: Mapping[str, Given[Any]] = field(default_factory=dict)
    allowed_tools: Given[tuple[str, ...]] | None = None
    needs_allowed_tools: bool = True


class Gateway(Struct, frozen=True):
    """The program in front, and what it is told about authentication, logging and enforcement.

    `enforces_rates` and `enforces_budgets` are None where the program always does.
    """

    name: str
    spot: Spot
    master_key: Given[Any] | None = None
    origins: Given[tuple[str, ...]] | None = None
    verbose: Given[Any] | None = None
    logs_prompts: Given[Any] | None = None
    waiting: Waiting = Waiting()
    enforces_rates: bool | None = None
    enforces_budgets: bool | None = None
    unenforced_budgets: tuple[Given[Any], ...] = ()


class Reference(NamedTuple):
    """A name that something else must have. `what` says whose it is: `fallback of chat`."""

    kind: ReferenceKind
    name: Given[str]
    what: str


class Secrecy(Struct, frozen=True):
    """What a scope knows of its secrets: the file that holds each name, whether it has a value, and which wait for a new one."""

    files: Mapping[str, str] = field(default_factory=dict)
    unset: frozenset[str] = frozenset()
    due: Mapping[str, str] = field(default_factory=dict)
    shared_files: frozenset[str] = frozenset()
    """Secret files that environments with and without protection read alike."""


class Setting(Struct, frozen=True):
    """Where the platform stands: who it is for, and what holds there. Empty for a foreign file."""

    environment: str = ""
    is_protected: bool = False
    tenant: str | None = None
    other_environments: frozenset[str] = frozenset()
    other_tenants: frozenset[str] = frozenset()
    residency: frozenset[str] = frozenset()
    secrecy: Secrecy | None = None
    child_budgets: Mapping[str, float] = field(default_factory=dict)
    """What the children of the tenant may spend."""


class Platform(Struct, frozen=True, dict=True):
    """Everything in reading order. `flaws` are what the reader saw that no later rule could: keys that nothing reads, YAML traps.
    `urls` are addresses of databases and the like, which may hold a password.

    `is_whole` says that all is here: what is missing is missing, and not in a database or another file. Where only some records are to be
    judged, the models and routes that they lead to are in `beside`.
    """

    setting: Setting = Setting()
    providers: tuple[Provider, ...] = ()
    models: tuple[Model, ...] = ()
    routes: tuple[Route, ...] = ()
    budgets: tuple[Budget, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    references: tuple[Reference, ...] = ()
    names: Mapping[ReferenceKind, frozenset[str]] = field(default_factory=dict)
    flaws: tuple[Complaint, ...] = ()
    custom_providers: frozenset[str] = frozenset()
    urls: tuple[Given[str], ...] = ()
    is_whole: bool = True
    beside: tuple[tuple[Model, ...], tuple[Route, ...]] = ((), ())

    def answering(self, name: str) -> tuple[Model, ...]:
        """The models behind a name: those called so, or whose pattern matches, or, of a route, those of its targets.

        A route that leads back to itself, through others or not, leads nowhere by that.
        """
        found: list[Model] = []
        seen, pending = {name}, [name]
        while pending:
            here = pending.pop()
            own, route = self._models_by_name.get(here), self._routes_by_name.get(here)
            if own:
                found += own
            elif route is not None:
                targets = [
                    each for each in dict.fromkeys(target.model.value for target in route.targets) if each not in seen
                ]
                seen.update(targets)
                pending += reversed(targets)
            else:
                found += (model for model in self._patterns if fnmatchcase(here, model.name))
        return tuple(found)

    @cached_property
    def _patterns(self) -> Sequence[Model]:
        return [model for model in (*self.models, *self.beside[0]) if "*" in model.name]

    @cached_property
    def _models_by_name(self) -> Mapping[str, Sequence[Model]]:
        """By their names and aliases, in reading order."""
        named: dict[str, list[Model]] = {}
        for model in (*self.models, *self.beside[0]):
            for name in dict.fromkeys((model.name, *(alias.value for alias in model.aliases))):
                named.setdefault(name, []).append(model)
        return named

    @cached_property
    def _routes_by_name(self) -> Mapping[str, Route]:
        """The first of each name."""
        return {route.name: route for route in reversed((*self.routes, *self.beside[1]))}

    def edges(self) -> Iterator[tuple[Route, Fallback]]:
        return ((route, fallback) for route in self.routes for fallback in route.fallbacks)
