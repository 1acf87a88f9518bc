"""How each environment stands: what it should run, what it runs, and whether what was delivered is still what was deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llmcfg.errors import IntegrityError, LlmcfgError
from llmcfg.model.snapshot import Revision
from llmcfg.sync.building import build_environment
from llmcfg.sync.deliveries import find_sinks, observe
from llmcfg.sync.deployed import read_deployed
from llmcfg.sync.plan import differing_bundles, is_quarantined, read_state
from llmcfg.sync.wanted import wanted_revision

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.model.manifest import Environment
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.memo import Memo
    from llmcfg.ports import Repository
    from llmcfg.sync.deliveries import Delivery, MakeSink
    from llmcfg.sync.deployed import Deployed
    from llmcfg.sync.plan import ReadState

State = Literal["current", "pending", "drifted", "never deployed", "blocked", "damaged"]


@dataclass(frozen=True, slots=True)
class Status:
    """`pending` is the number of bundles that applying the wanted revision would change. `trouble` says why it cannot be applied."""

    environment: str
    wanted: Revision | None
    deployed: Deployed | None
    pending: int
    deliveries: tuple[Delivery, ...]
    trouble: str
    damaged: bool = False

    @property
    def state(self) -> State:
        if self.damaged:
            return "damaged"
        if self.trouble:
            return "blocked"
        if self.deployed is None:
            return "never deployed"
        if any(delivery.state != "current" for delivery in self.deliveries):
            return "drifted"
        return "pending" if self.pending else "current"


def status_of(
    repository: Repository,
    environment: Environment,
    open_at: Callable[[Revision], Configuration],
    make_sink: MakeSink,
    memo: Memo,
) -> Status:
    """The state of one environment. What is wrong with it is part of the answer, not an error. `memo` is that of what `open_at` opens."""
    name = environment.name
    try:
        deployed = read_deployed(repository, name)
    except LlmcfgError as error:
        return Status(name, None, None, 0, (), error.message, damaged=isinstance(error, IntegrityError))
    try:
        there = read_state(repository, deployed, name, memo)
        if there.damage:
            return Status(name, None, deployed, 0, (), there.damage, damaged=True)
        delivered = _observe(deployed, there, open_at, make_sink)
    except LlmcfgError as error:
        return Status(name, None, deployed, 0, (), error.message, damaged=isinstance(error, IntegrityError))
    wanted = None
    try:
        wanted = wanted_revision(repository, environment)
        built = build_environment(open_at(wanted), name, lambda: there.stored)
        for spec in find_sinks(built.configuration, name):
            make_sink(spec, name)
    except LlmcfgError as error:
        return Status(name, wanted, deployed, 0, delivered, error.message)
    is_same = deployed is not None and deployed.root == built.root
    pending = 0 if is_same else len(differing_bundles(there, built))
    trouble = f"{wanted.name} is quarantined" if is_quarantined(built, deployed) else ""
    return Status(name, wanted, deployed, pending, delivered, trouble)


def status_of_removed(repository: Repository, name: str) -> Status:
    """The state of an environment that was deployed and that the manifest no longer names."""
    trouble = f"the manifest no longer names it; delete the branch deployed/{name} when nothing reads its bundles"
    try:
        return Status(name, None, read_deployed(repository, name), 0, (), trouble)
    except LlmcfgError as error:
        return Status(name, None, None, 0, (), error.message, damaged=isinstance(error, IntegrityError))


def _observe(
    deployed: Deployed | None, there: ReadState, open_at: Callable[[Revision], Configuration], make_sink: MakeSink
) -> tuple[Delivery, ...]:
    """What the sinks should hold of what is deployed, and do hold."""
    if deployed is None:
        return ()
    sinks = find_sinks(open_at(Revision(deployed.source, deployed.source[:10])), deployed.environment)
    return observe(sinks, deployed.environment, there.stored.files, make_sink)
