"""`llmcfg agent`: the bundles of one host, over a socket."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import UsageError
from llmcfg_cli.declared import option
from llmcfg_cli.options import Quiet

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from llmcfg.client.trust import Trust
    from llmcfg.ports import AuditLog


def agent(
    bundles: Annotated[
        Path, option("--dir", metavar="DIR", help="The folder that a sink delivers to.", show_default=False)
    ],
    path: Annotated[
        Path | None,
        option(
            "--socket", metavar="PATH", help="The Unix socket to serve at.", show_default="the one that systemd opened"
        ),
    ] = None,
    identity: Annotated[
        list[Path] | None,
        option(
            "--identity",
            "-i",
            metavar="FILE",
            help="A key file of consumers on this host, to open secrets; may be repeated.",
            show_default=False,
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        option(
            "--allow",
            metavar="USER[=TENANT/CONSUMER]",
            help="Who may have every bundle, or this one; may be repeated.",
            show_default="this user",
        ),
    ] = None,
    mode: Annotated[
        Literal["600", "660", "666"],
        option("--mode", help="Who may connect: this user, the group too, or everybody; --allow counts all the same."),
    ] = "600",
    group: Annotated[
        str | None,
        option("--group", metavar="GROUP", help="The group of the socket.", show_default="this process's"),
    ] = None,
    root: Annotated[
        Path | None,
        option(
            "--root",
            metavar="FILE",
            help="A root of trust: serve only bundles that are signed as it demands.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        Path | None,
        option(
            "--state",
            metavar="DIR",
            help="Keep the last bundles here, so that nothing older is served after a restart.",
            show_default=False,
        ),
    ] = None,
    audit: Annotated[
        Path | None,
        option(
            "--audit",
            metavar="DIR",
            help="Record who is given what in the audit log of this repository.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Serve the bundles of a delivered folder to the programs of this host, with secrets opened in memory alone.

    A program gets the bundles that its user is allowed to have, whole at first and then what changed. Ends with 0 on SIGTERM and 130 on
    SIGINT; SIGHUP has it look at everything anew, as after a key came.
    """
    from llmcfg.agent.access import Access, parse_grant
    from llmcfg.agent.service import Agent
    from llmcfg.agent.shelf import Shelf
    from llmcfg.audit.unrecorded import Unrecorded
    from llmcfg.client.secrets import Opener
    from llmcfg.clock import now
    from llmcfg.notify import notifier_of
    from llmcfg_cli.commands.sync import INTERRUPTED, write_event

    served = Agent(
        Shelf(
            bundles, Opener(identity) if identity else None, _trust(root, state) if root is not None else None, state
        ),
        Access(os.geteuid(), [parse_grant(text) for text in allow or ()]),
        notifier=notifier_of(os.environ, os.getpid()),
        log=lambda event: write_event(event, now(), quiet=quiet),
        audit=Unrecorded if audit is None else _audit(audit),
    )
    with _listener(path, int(mode, 8), group) as listener:
        return INTERRUPTED if served.run(listener) is signal.SIGINT else 0


def _audit(directory: Path) -> Callable[[], AuditLog]:
    """Raises NotFoundError for a repository in which nothing is recorded."""
    from llmcfg.auditlog import open_audit
    from llmcfg_cli.auditing import begun_audit

    place, _ = begun_audit(directory)
    return lambda: open_audit(place.repository)


def _trust(root: Path, state: Path | None) -> Callable[[str], Trust]:
    """What the bundle in a folder is held against. Raises NotFoundError and IntegrityError for a file that holds no root."""
    from llmcfg.client.trust import Trust
    from llmcfg.clock import now
    from llmcfg.signing.roots import read_root
    from llmcfg.signing.verdict import Wanted

    read_root(root)
    return lambda folder: Trust(
        root, Wanted(folder=folder), state=state / folder if state is not None else None, on_stale="keep", now=now
    )


def _listener(path: Path | None, mode: int, group: str | None) -> AbstractContextManager[socket.socket]:
    from llmcfg.agent.listening import given_listener, listen_at

    if path is not None:
        return listen_at(path, mode=mode, group=None if group is None else _group(group))
    given = given_listener(os.environ, os.getpid())
    if given is None:
        raise UsageError("there is no socket to serve at", hint="name one: --socket PATH")
    return nullcontext(given)


def _group(name: str) -> int:
    """Raises UsageError for a group that this machine does not have."""
    import grp

    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise UsageError(f"this machine has no group {name!r}", hint="name a group, or write a number") from None
