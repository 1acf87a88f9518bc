"""`llmcfg bisect`: the commit at which a value went bad."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import NotFoundError, UsageError
from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, Directory, Key, Quiet, RequiredEnvironment, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.model.change import Side
    from llmcfg.sync.bisect import Verdict


def bisect(
    key: Key,
    environment: RequiredEnvironment,
    directory: Directory = Path(),
    tenant: Tenant = None,
    test: Annotated[
        str | None,
        option("--test", metavar="CMD", help="A shell command that judges the value it reads.", show_default=False),
    ] = None,
    value: Annotated[
        str | None,
        option("--is", metavar="VALUE", help="Call a value bad when it is this one, as YAML.", show_default=False),
    ] = None,
    good: Annotated[
        str | None,
        option(
            "--good",
            metavar="REV",
            help="A commit at which the value is good.",
            completes="revisions",
            show_default="the beginning",
        ),
    ] = None,
    bad: Annotated[
        str,
        option("--bad", metavar="REV", help="A commit at which it is bad.", completes="revisions"),
    ] = "HEAD",
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> int:
    """Find the commit at which the effective value of a key went bad, among those that changed it. Nothing is checked out.

    CMD gets the value on its stdin and in LLMCFG_VALUE, and exits with 0 for good, 1 to 124 for bad, 125 when it cannot tell; anything else
    stops the search. References to secrets stay references.
    """
    from llmcfg.model.keypath import parse_key_path
    from llmcfg.sync.bisect import find_first_bad
    from llmcfg.sync.history import key_history
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.bisect import headline, view_bisection

    judge, path = _judge(test, value), parse_key_path(key)
    workspace = cached_workspace(directory, cache=True)
    start, oldest = workspace.resolve(bad), workspace.resolve(good) if good else None
    configuration = workspace.configuration_at(start)
    scope = configuration.scope(environment, tenant)
    after, opening = oldest.commit if oldest else None, workspace.configuration_at
    counts = workspace.memo.progress
    with progress("looking back", counts, quiet=quiet):
        changes = [*key_history(workspace.repository, opening, start, scope, path, after=after, progress=counts)]
        if not changes:
            configuration.readable(scope).value_at(path)  # says so if there is no such key
    with progress("testing values", quiet=quiet):
        found = find_first_bad(changes[::-1], judge)
    out(view_bisection(found, path, scope, output, colour=has_colour()))
    note(headline(found), quiet=quiet)
    return 0 if found.first_bad else NotFoundError.exit_code


def _judge(test: str | None, value: str | None) -> Callable[[Side], Verdict]:
    from llmcfg.model.difference import differ
    from llmcfg.sync.bisect import Verdict, run_test
    from llmcfg_cli.written import parse_value

    if (test is None) == (value is None):
        raise UsageError("say what makes a value bad", hint="give either --test CMD or --is VALUE")
    if test is not None:
        return lambda side: run_test(test, side, os.environ)
    unwanted = parse_value(str(value))
    return lambda side: Verdict.BAD if not differ(side, unwanted) else Verdict.GOOD
