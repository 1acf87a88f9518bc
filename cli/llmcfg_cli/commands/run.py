"""`llmcfg run`: any program, with its environment and files from a delivered bundle."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

from llmcfg.errors import UsageError
from llmcfg.secrets.guard import KEY_VARIABLES
from llmcfg_cli.console import note
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import Consumer, Environment, Quiet, Tenant

_SIGNALS: Final = {
    "restart": None,
    "HUP": signal.SIGHUP,
    "USR1": signal.SIGUSR1,
    "USR2": signal.SIGUSR2,
}


def run(
    command: Annotated[
        list[str],
        argument(metavar="COMMAND", help="The program and its arguments, after --.", show_default=False),
    ],
    bundles: Annotated[
        Path,
        option(
            "--dir", metavar="DIR", help="The folder that a sink delivers to, or of one bundle.", show_default=False
        ),
    ],
    tenant: Tenant = None,
    consumer: Consumer = None,
    environment: Environment = None,
    variables: Annotated[
        list[str] | None,
        option(
            "--var", metavar="NAME=KEY", help="A variable for the value at a key; may be repeated.", show_default=False
        ),
    ] = None,
    prefixes: Annotated[
        list[str] | None,
        option(
            "--vars",
            metavar="NAME=KEY",
            help="A variable NAME_… for each value below a key; may be repeated.",
            show_default=False,
        ),
    ] = None,
    files: Annotated[
        Path | None,
        option("--files", metavar="DIR", help="Write the rendered files to this folder.", show_default=False),
    ] = None,
    identity: Annotated[
        Path | None,
        option(
            "--identity", "-i", metavar="FILE", help="The consumer's key file, to open secrets.", show_default=False
        ),
    ] = None,
    secrets: Annotated[
        list[str] | None,
        option(
            "--secret",
            metavar="NAME=SECRET",
            help="A variable for the value of a secret; may be repeated.",
            show_default=False,
        ),
    ] = None,
    secret_files: Annotated[
        list[str] | None,
        option(
            "--secret-file",
            metavar="FILE=SECRET",
            help="A file below --files for the value of a secret; may be repeated.",
            show_default=False,
        ),
    ] = None,
    on_change: Annotated[
        Literal["restart", "HUP", "USR1", "USR2"],
        option("--on-change", help="Start the program anew, or send it a signal, when what it was given changes."),
    ] = "restart",
    stop_timeout: Annotated[
        float,
        option("--stop-timeout", metavar="SECONDS", min=0, help="How long it may take to end before it is killed."),
    ] = 10,
    state: Annotated[
        Path | None,
        option(
            "--state",
            metavar="DIR",
            help="Keep the last configuration here, to start without DIR.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        Path | None,
        option(
            "--root",
            metavar="FILE",
            help="A root of trust: give the program only what is signed as it demands.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Run a program with variables and files from its bundle, and tell it when they change.

    With --identity, secrets that are named become variables or files. Whoever may look at the program's process reads its variables.

    Signals are passed on, and its exit code is that of this command; 128 and the number of the signal that ended it.
    """
    import llmcfg.client
    from llmcfg.supervise.child import Supervisor
    from llmcfg.supervise.given import Wanted, give, parse_secret, parse_variable

    wanted = Wanted(
        [parse_variable(text) for text in variables or ()],
        [parse_variable(text) for text in prefixes or ()],
        [parse_secret(text) for text in secrets or ()],
        [parse_secret(text, is_file=True) for text in secret_files or ()],
        with_files=files is not None,
    )
    if wanted.secret_files and files is None:
        raise UsageError("--secret-file has no folder to write to", hint="name one in memory with --files DIR")
    with llmcfg.client.open(
        bundles,
        tenant=tenant,
        consumer=consumer,
        environment=environment,
        identity=identity,
        state=state,
        follow=False,
        root=root,
    ) as config:
        note(config.trouble, quiet=quiet)
        return Supervisor(
            config,
            command,
            lambda snapshot: give(snapshot, wanted),
            environment={name: value for name, value in os.environ.items() if name not in KEY_VARIABLES},
            folder=files,
            on_change=_SIGNALS[on_change],
            stop_timeout=stop_timeout,
            is_interrupted_too=sys.stdin is not None and sys.stdin.isatty(),
            say=lambda text: note(text, quiet=quiet),
        ).run()
