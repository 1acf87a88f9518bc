"""What a configuration decides beside values: what environments run and who may touch them, which tenants and layers there are, where
bundles go. No bundle shows it, so a comparison of bundles says nothing about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.difference import diff_values, spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.change import Change
    from llmcfg.model.manifest import Consumer, Environment, SinkSpec, Tenant
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration


def changed_decisions(before: Configuration, after: Configuration) -> tuple[Change, ...]:
    """What is decided otherwise, leaf by leaf, at paths such as `environments.prod.protected`."""
    changes = diff_values(_decisions(before), _decisions(after))
    return tuple(leaf for change in changes for leaf in spread(change))


def _decisions(configuration: Configuration) -> Value:
    manifest = configuration.manifest
    return {
        "environments": {name: _environment(environment) for name, environment in manifest.environments.items()},
        "tenants": {name: _tenant(tenant) for name, tenant in manifest.tenants.items()},
        "hierarchy": [*manifest.hierarchy],
        "sinks": _sinks(manifest.sinks),
        "consumers": {consumer.name: _consumer(consumer) for consumer in configuration.consumers},
    }


def _environment(environment: Environment) -> Value:
    return {
        "inherits": environment.inherits,
        "protected": environment.protected,
        "track": {how: what for how, what in environment.track._asdict().items() if what is not None},
    }


def _tenant(tenant: Tenant) -> Value:
    quota = tenant.quota
    return {
        "parent": tenant.parent,
        "region": tenant.region,
        "quota": {"keys": quota.keys, "bytes": quota.bytes, "secrets": quota.secrets},
        "recipients": [*tenant.recipients],
    }


def _consumer(consumer: Consumer) -> Value:
    return {
        "environments": [*consumer.environments],
        "tenants": [*consumer.tenants],
        "shared": consumer.shared,
        "sinks": _sinks(consumer.sinks),
        "after_apply": consumer.after_apply,
    }


def _sinks(sinks: Iterable[SinkSpec]) -> Value:
    return [{**sink._asdict(), "after_apply": dict(sink.after_apply)} for sink in sinks]
