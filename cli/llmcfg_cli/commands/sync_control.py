"""`llmcfg sync now`, `suspend`, `resume`, `accept`, `redeliver`: what people ask of the daemon, through its state folder."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import NotFoundError, PendingError, UsageError
from llmcfg_cli.console import note, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import Directory, Quiet, SettingsFile, StateDir

if TYPE_CHECKING:
    from llmcfg.daemon.state import StateFolder, StoredRequest

_LOOK_SECONDS = 0.05

_NAME = Annotated[
    str,
    argument(metavar="ENV", help="The environment.", completes="environments", show_default=False),
]
_WAIT = Annotated[
    float, option("--wait", metavar="SECONDS", min=0, help="How long to wait for the pass; 0 does not wait.")
]


def now(
    directory: Directory = Path(),
    settings_file: SettingsFile = None,
    state: StateDir = None,
    wait: _WAIT = 60,
    quiet: Quiet = False,
) -> int:
    """Ask the daemon for a pass now, and wait until it was made. What stalled is tried again too.

    Ends with 7 when no daemon owns the state folder, 8 when the pass takes longer.
    """
    from llmcfg.daemon.state import StoredRequest

    return _ask(_folder(directory, settings_file, state), StoredRequest(), wait, quiet=quiet)


def suspend(
    environment: _NAME,
    directory: Directory = Path(),
    settings_file: SettingsFile = None,
    state: StateDir = None,
    why: Annotated[str, option("--why", "-m", metavar="TEXT", help="What status shows.", show_default=False)] = "",
    quiet: Quiet = False,
) -> int:
    """Leave an environment as it is, whatever its branch says, until `resume`. Holds across restarts."""
    from llmcfg.clock import now
    from llmcfg.daemon.state import Suspension
    from llmcfg.model.names import why_not_a_name

    reason = why_not_a_name(environment)
    if reason is not None:
        raise UsageError(f"{environment!r} is no environment: {reason}", hint="llmcfg status lists them")
    _folder(directory, settings_file, state).suspend(environment, Suspension(now(), getpass.getuser(), why))
    note(f"{environment} is left alone until llmcfg sync resume {environment}", quiet=quiet)
    return 0


def resume(
    environment: _NAME,
    directory: Directory = Path(),
    settings_file: SettingsFile = None,
    state: StateDir = None,
    quiet: Quiet = False,
) -> int:
    """Take care of a suspended environment again."""
    if not _folder(directory, settings_file, state).resume(environment):
        raise NotFoundError(f"{environment} is not suspended", hint="llmcfg status --state DIR shows what is")
    note(f"{environment} is taken care of again", quiet=quiet)
    return 0


def accept(
    ref: Annotated[str, argument(metavar="REF", help="A branch, or refs/tags/NAME.", show_default=False)],
    commit: Annotated[
        str, argument(metavar="ID", help="The whole object id that the remote has there now.", show_default=False)
    ],
    directory: Directory = Path(),
    settings_file: SettingsFile = None,
    state: StateDir = None,
    wait: _WAIT = 60,
    quiet: Quiet = False,
) -> int:
    """Follow a branch that was rewritten, or a tag that moved, if it is still at this object.

    `llmcfg status` shows what is held, and the id. Look at what it is before you accept it.
    """
    from llmcfg.daemon.state import StoredRequest

    if len(commit) != 40 or not set(commit) <= set("0123456789abcdef"):
        raise UsageError(f"{commit!r} is no whole object id", hint="llmcfg status shows it: 40 hexadecimal digits")
    name = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    return _ask(_folder(directory, settings_file, state), StoredRequest(accept={name: commit}), wait, quiet=quiet)


def redeliver(
    directory: Directory = Path(),
    settings_file: SettingsFile = None,
    state: StateDir = None,
    wait: _WAIT = 60,
    quiet: Quiet = False,
) -> int:
    """Try every sink again that was given up or that refused, with a pass now."""
    from llmcfg.daemon.state import StoredRequest

    return _ask(_folder(directory, settings_file, state), StoredRequest(redeliver=True), wait, quiet=quiet)


def _folder(directory: Path, settings_file: Path | None, state: Path | None) -> StateFolder:
    from dataclasses import replace

    from llmcfg.daemon.session import find_state
    from llmcfg_cli.settings import read_settings

    settings = read_settings(settings_file)
    return find_state(directory, replace(settings, state=state.resolve() if state else settings.state))


def _ask(folder: StateFolder, request: StoredRequest, wait: float, *, quiet: bool) -> int:
    if wait and folder.owner() is None:
        raise NotFoundError(
            f"no llmcfg sync is running with the state folder {folder.root}", hint="make one pass: llmcfg sync --once"
        )
    name = folder.ask(request)
    deadline = time.monotonic() + wait
    with progress("waiting for the pass", quiet=quiet):
        while wait and folder.is_asked(name):
            if time.monotonic() > deadline:
                raise PendingError(
                    f"the pass was not made within {wait:g} s", hint="see what it does: llmcfg status --watch"
                )
            time.sleep(_LOOK_SECONDS)
    return 0
