"""Checks of the root of trust: that it is there where the repository asks for one, counts, and is good for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.clock import now
from llmcfg.doctor.verdicts import fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.check import Check
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.wiring import Workspace

_DAY: Final = 86_400
_SOON_DAYS: Final = 30
_RENEW: Final = "llmcfg trust renew --key KEY"


def check_trust(workspace: Workspace, configuration: Configuration) -> Iterator[Check]:
    """Nothing where no root is trusted and none is asked for. Raises IntegrityError for what does not count."""
    gate = workspace.gate(configuration)
    if gate is None:
        return
    root = gate.root
    days = int((root.expires - now().timestamp()) // _DAY)
    text = f"version {root.version} of the root of trust"
    if days < 0:
        yield fail("trust", f"{text} has expired, so nothing new is deployed", _RENEW)
    elif days < _SOON_DAYS:
        yield warn("trust", f"{text} expires in {days} days", _RENEW)
    else:
        yield ok("trust", f"{text}, good for {days} days")
