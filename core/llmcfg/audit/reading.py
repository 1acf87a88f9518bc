"""Looking entries up: of chosen logs, filtered, in the order of time."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.audit.trail import open_log, open_logs
from llmcfg.errors import NotFoundError
from llmcfg.model.target import SHARED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from llmcfg.audit.entry import Entry
    from llmcfg.audit.log import Log


class Wanted(NamedTuple):
    """What is looked for; empty is anything. `act` is a verb or the first word of some, `actor` a part of either name of who acted."""

    since: str = ""
    act: str = ""
    actor: str = ""
    environments: tuple[str, ...] = ()

    def takes(self, entry: Entry) -> bool:
        is_act = not self.act or entry.act == self.act or entry.act.startswith(f"{self.act}.")
        is_actor = self.actor.lower() in f"{entry.actor}\n{entry.user}".lower()
        is_there = not self.environments or entry.environment in self.environments
        return entry.at >= self.since and is_act and is_actor and is_there


def choose_logs(root: Path, tenants: Collection[str]) -> list[Log]:
    """The logs of these tenants, `_shared` being the platform's; without any all. Raises NotFoundError for a tenant without one."""
    chosen = [open_log(root, "" if tenant == SHARED else tenant) for tenant in tenants] or open_logs(root)
    for log in chosen:
        if not log.exists:
            raise NotFoundError(
                f"there is no audit log {log.name}", hint="one is begun with the first act for a tenant"
            )
    return chosen


def find_entries(logs: Collection[Log], wanted: Wanted) -> Iterator[Entry]:
    """Oldest first; within a log in its order. Raises IntegrityError at an entry that is not as it was written."""
    streams = [filter(wanted.takes, log.entries()) for log in logs]
    return heapq.merge(*streams, key=lambda entry: entry.at)
