"""One attempt of sync at an environment, in this process."""

from __future__ import annotations

from datetime import datetime

from llmcfg.audit.unrecorded import Unrecorded
from llmcfg.sync.reconcile import Doors, Reconciled, reconcile
from support.written import WrittenRepository


def attempt(written: WrittenRepository, environment: str, now: datetime) -> Reconciled:
    workspace = written.workspace()
    doors = Doors(
        repository=workspace.repository,
        wanted=lambda name: workspace.wanted(name, None),
        open_at=workspace.configuration_at,
        make_sink=workspace.sink,
        reader=None,
        actor="sync",
        audit=Unrecorded(),
        now=lambda: now,
    )
    return reconcile(environment, doors, lambda _step, _environment: None)
