"""What a configuration decides beside values: what environments run and who may touch them, which tenants and layers there are, where
bundles go. No bundle shows it, so a comparison of bundles says nothing about it. Which bundles there are shows by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.difference import diff_values
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.model.change import Change
    from llmcfg.model.manifest import Consumer, Environment, SinkSpec, Tenant
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration


PARTS: Final = ("environments", "tenants", "hierarchy", "sinks", "trust", "consumers")
"""What the path of a decision begins with."""


def changed_decisions(before: Mapping[str, Value], after: Mapping[str, Value]) -> tuple[Change, ...]:
    return tuple(sorted(diff_values(dict(before), dict(after)), key=lambda change: format_key_path(change.path)))


def decisions_of(configuration: Configuration) -> Mapping[str, Value]:
    """By paths such as `environments.prod.protected`. What is not said is not there, so that what comes or goes shows as that."""
    manifest = configuration.manifest
    return {
        "environments": {name: _environment(environment) for name, environment in manifest.environments.items()},
        "tenants": {name: _tenant(tenant) for name, tenant in manifest.tenants.items()},
        "hierarchy": [*manifest.hierarchy],
        "sinks": _sinks(manifest.sinks),
        **({"trust": "required"} if manifest.requires_trust else {}),
        "consumers": _said({consumer.name: _consumer(consumer) for consumer in configuration.consumers}),
    }


def _environment(environment: Environment) -> Value:
    return _said(
        {
            "inherits": environment.inherits,
            "protected": environment.protected,
            "track": _said(environment.track._asdict()),
        }
    )


def _tenant(tenant: Tenant) -> Value:
    quota = tenant.quota
    return _said(
        {
            "parent": tenant.parent,
            "region": tenant.region,
            "quota": _said({"keys": quota.keys, "bytes": quota.bytes, "secrets": quota.secrets}),
            "recipients": [*tenant.recipients],
        }
    )


def _consumer(consumer: Consumer) -> Value:
    return _said({"sinks": _sinks(consumer.sinks), "after_apply": consumer.after_apply})


def _sinks(sinks: Iterable[SinkSpec]) -> Value:
    return [{**sink._asdict(), "after_apply": dict(sink.after_apply)} for sink in sinks]


def _said(facts: Mapping[str, Value]) -> Value:
    """Without what is None or empty."""
    return {name: value for name, value in facts.items() if value is not None and value not in ({}, [])}
