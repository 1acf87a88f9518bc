"""How each environment stands: what it should run, what it runs, and whether what was delivered is still what was deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llmcfg.errors import IntegrityError, LlmcfgError
from llmcfg.sync.deployed import deployed_files, read_deployed
from llmcfg.sync.plan import make_plan, observe
from llmcfg.sync.wanted import wanted_revision

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.model.manifest import Environment
    from llmcfg.model.snapshot import Revision
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Repository
    from llmcfg.sync.deployed import Deployed
    from llmcfg.sync.plan import Delivery, MakeSink

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
    repository: Repository, environment: Environment, open_at: Callable[[Revision], Configuration], make_sink: MakeSink
) -> Status:
    """The state of one environment. What is wrong with it is part of the answer, not an error."""
    name = environment.name
    try:
        deployed = read_deployed(repository, name)
        delivered = _observe_deployed(repository, deployed, open_at, make_sink)
    except IntegrityError as error:
        return Status(name, None, None, 0, (), error.message, damaged=True)
    try:
        wanted = wanted_revision(repository, environment)
    except LlmcfgError as error:
        return Status(name, None, deployed, 0, delivered, error.message)
    try:
        plan = make_plan(open_at(wanted), repository, name, make_sink)
    except LlmcfgError as error:
        return Status(name, wanted, deployed, 0, delivered, error.message)
    trouble = f"{wanted.name} is quarantined" if plan.quarantined else ""
    return Status(name, wanted, deployed, len(plan.difference.affected), delivered, trouble)


def _observe_deployed(
    repository: Repository, deployed: Deployed | None, open_at: Callable[[Revision], Configuration], make_sink: MakeSink
) -> tuple[Delivery, ...]:
    if deployed is None:
        return ()
    configuration = open_at(repository.resolve(deployed.source))
    return observe(configuration, deployed.environment, deployed_files(repository, deployed), make_sink)
