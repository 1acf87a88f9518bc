"""Pointing a machine at another remote, and what holds when that one is no good."""

from __future__ import annotations

import os
from dataclasses import replace

from llmcfg.daemon.upstream import PRIVATE
from llmcfg.model.failure import FailureKind
from llmcfg.model.remoteurl import parse_remote_url
from llmcfg.model.settings import Budget

SECRET = "canary-5f1d0c"


def point_at(machine, url, **access):
    remote = machine.settings.remote
    to = remote.access._replace(url=parse_remote_url(url), **access)
    machine.settings = replace(machine.settings, remote=replace(remote, access=to))


def with_budget(machine, **budget):
    machine.settings = replace(machine.settings, remote=replace(machine.settings.remote, budget=Budget(**budget)))


def leftovers(machine):
    return [path.name for path in (machine.state.root / PRIVATE / "objects/pack").iterdir() if "tmp" in path.name]


def assert_only_fetching_failed(machine, found, code, kind=FailureKind.RETRY):
    assert (found.failure.code, found.failure.kind) == (code, kind), found.failure
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    assert leftovers(machine) == []


def assert_it_goes_on(deployed, origin):
    point_at(deployed, str(origin.bare))
    with_budget(deployed)
    deployed.look()
    assert deployed.delivered() == {"limits": b'{"rpm":11}\n'}


def noise(origin, mebibytes):
    """Something that does not compress, beside the configuration."""
    for number in range(mebibytes):
        (origin.written.path / f"noise{number}").write_bytes(os.urandom(1 << 20))
    origin.push({})
