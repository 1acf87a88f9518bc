"""`llmcfg secret diff`: which secrets changed, and, on a terminal and when asked for, to what."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import UsageError
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Directory, Quiet

if TYPE_CHECKING:
    from llmcfg_cli.views.secret_diff import Values


def diff(
    before: Annotated[str, argument(metavar="[A]", help="The revision before.")] = "HEAD",
    after: Annotated[
        str | None, argument(metavar="[B]", help="The revision after.", show_default="the work tree")
    ] = None,
    directory: Directory = Path(),
    reveal: Annotated[
        bool, option("--reveal", help="Show the values; on a terminal only.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> None:
    """Show which secrets, and which recipients, differ between two revisions of the secret files. Needs no key.

    A value counts as changed when it was encrypted anew. With --reveal, which needs a key and a terminal, both values are shown; Git itself
    never gets to see them.
    """
    from llmcfg.git.program import Git, find_top
    from llmcfg.git.secretdiff import changed_secret_files
    from llmcfg.secrets.difference import differences
    from llmcfg_cli.views.secret_diff import FileDifference, view_secret_diff

    if reveal and (output != "table" or not sys.stdout.isatty()):
        raise UsageError(
            "secrets are shown on a terminal only", hint="leave out --reveal, or do not redirect the output"
        )
    git = Git(find_top(Git(directory, os.environ)), os.environ)
    files = [
        FileDifference(path, differences(old, new, path), *(_values(old, new, path) if reveal else ({}, {})))
        for path, old, new in changed_secret_files(git, before, after)
    ]
    out(view_secret_diff(files, output, colour=has_colour()))
    note("" if files else "no secret file differs", quiet=quiet)


def _values(old: bytes, new: bytes, path: str) -> tuple[Values, Values]:
    from llmcfg.secrets.difference import plain_values
    from llmcfg_cli.identities import own_identities

    if path.endswith(".age"):
        return {}, {}
    identities = own_identities()
    return plain_values(old, path, identities), plain_values(new, path, identities)
