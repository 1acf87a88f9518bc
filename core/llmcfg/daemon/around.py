"""What a child of the daemon has around it: what its start says, its environment, and the daemon's own keys."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg.opensinks import Surroundings
from llmcfg.secrets.age import find_identities
from llmcfg.secrets.guard import forbid_dumps
from llmcfg.secrets.plainfolder import memory_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.daemon.wire import Start
    from llmcfg.secrets.age import Identity


def surroundings_of(start: Start, environment: Mapping[str, str]) -> Surroundings:
    return Surroundings(
        start.search_path,
        start.agent,
        environment,
        identities=lambda: _own_keys(environment),
        memory=memory_folders(environment),
    )


def _own_keys(environment: Mapping[str, str]) -> Sequence[Identity]:
    """From where the environment says. Nobody is there to be asked for a passphrase."""
    forbid_dumps()
    return find_identities(environment, Path.home(), system=sys.platform)
