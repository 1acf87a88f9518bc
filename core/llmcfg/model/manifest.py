"""The manifest (llmcfg.yaml) and consumers, as parsed: every value here is valid and every name refers to something that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Scalar

_NONE: Final[Mapping[str, Scalar]] = {}


class Track(NamedTuple):
    """What an environment should run: exactly one of the three is set."""

    branch: str | None = None
    tag: str | None = None
    revision: str | None = None


class SinkSpec(NamedTuple):
    """Where bundles are delivered.

    A `directory` lies at `path` below the delivery root, never outside it. `http` and `git` are known by their name in the settings
    of the machine; `path` and `branch` are where in that repository. Both may hold {environment}. `after_apply` are the hooks of its
    consumers, by the folder of their bundle. `opens` keeps what is sealed in a directory's bundles opened beside it, as far as the
    machine has keys.
    """

    kind: str
    path: str
    keep: int = 3
    drift: Literal["mend", "report"] = "mend"
    name: str = ""
    branch: str = ""
    after_apply: tuple[tuple[str, str], ...] = ()
    opens: bool = False


class Environment(NamedTuple):
    name: str
    inherits: str | None = None
    protected: bool = False
    track: Track = Track()
    variables: Mapping[str, Scalar] = _NONE
    description: str = ""


class Quota(NamedTuple):
    """Limits on what a tenant's own layers hold; None is unlimited."""

    keys: int | None = None
    bytes: int | None = None
    secrets: int | None = None


class Tenant(NamedTuple):
    name: str
    parent: str | None = None
    region: str | None = None
    quota: Quota = Quota()
    recipients: tuple[str, ...] = ()
    variables: Mapping[str, Scalar] = _NONE
    description: str = ""


class SchemaBinding(NamedTuple):
    """Documents whose name matches `documents` (a glob over `llm_providers/openai`) are checked by the schema file `schema`."""

    documents: str
    schema: str


class Manifest(NamedTuple):
    """`environments` and `tenants` are in the order written, parents not necessarily first.

    `requires_trust`: machines without a root of trust deploy nothing of it.
    """

    name: str
    environments: Mapping[str, Environment]
    tenants: Mapping[str, Tenant]
    hierarchy: tuple[str, ...]
    variables: Mapping[str, Scalar] = _NONE
    schemas: tuple[SchemaBinding, ...] = ()
    sinks: tuple[SinkSpec, ...] = ()
    requires_trust: bool = False

    def environment_chain(self, name: str) -> tuple[Environment, ...]:
        """The environment and what it inherits, root first."""
        chain: list[Environment] = []
        current: str | None = name
        while current is not None:
            chain.append(self.environments[current])
            current = chain[-1].inherits
        return tuple(reversed(chain))

    def tenant_chain(self, name: str | None) -> tuple[Tenant, ...]:
        """The tenant and its ancestors, root first; empty for the platform's own scope."""
        chain: list[Tenant] = []
        current = name
        while current is not None:
            chain.append(self.tenants[current])
            current = chain[-1].parent
        return tuple(reversed(chain))


class Output(NamedTuple):
    """One rendered file of a consumer. `format` says what it must parse as; "text" is not checked.

    An opened one is rendered a second time when it is deployed, with the values of secrets in it, and sealed whole.
    """

    path: str
    template: str
    format: str
    opened: bool = False


class Consumer(NamedTuple):
    """An application that reads configuration.

    `environments` are the ones it runs in. `tenants` are the ones it gets a bundle for; `shared` adds the one without a tenant.
    `select` are key paths, text form; the empty path selects everything. `after_apply` is the name of a hook in the machine's settings.
    """

    name: str
    file: str
    select: tuple[str, ...]
    environments: tuple[str, ...]
    tenants: tuple[str, ...]
    shared: bool
    outputs: tuple[Output, ...] = ()
    schema: str | None = None
    recipients: tuple[str, ...] = ()
    sinks: tuple[SinkSpec, ...] = ()
    after_apply: str | None = None
    description: str = ""
