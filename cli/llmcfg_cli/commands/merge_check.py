"""`llmcfg merge-check`: whether two branches that Git merges change the same in effect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from llmcfg.errors import ConflictError, FindingsError
from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import argument
from llmcfg_cli.options import OUTPUT, AsOf, Directory, NoCache, Quiet


def merge_check(
    ours: Annotated[str, argument(metavar="OURS", help="One branch or revision.", completes="revisions")],
    theirs: Annotated[str, argument(metavar="THEIRS", help="The other one.", completes="revisions")],
    directory: Directory = Path(),
    as_of: AsOf = None,
    output: Annotated[Literal["table", "json", "md", "github"], OUTPUT] = "table",
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> int:
    """Say where two branches meet in effect, although their lines merge: one changes a default, the other overrides it.

    Compares what each changes of the effective configuration since their common commit, and both with the merge that Git makes. Exits
    with 6 when a value or secret is changed by both, comes to something that neither means, or a file is in conflict; with 4 when the
    merge has errors that neither branch has. Needs no keys, no network and no writable checkout.
    """
    from llmcfg.ci.mergecheck import check_merge
    from llmcfg.clock import now
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.merge_check import view_merge_check

    workspace = cached_workspace(directory, cache=not no_cache)
    sides = workspace.resolve(ours), workspace.resolve(theirs)
    with progress("merging", workspace.memo.progress, quiet=quiet):
        check = check_merge(workspace, *sides, as_of=(as_of or now()).date(), environment=os.environ)
    out(view_merge_check(check, output, root=workspace.git_folder, colour=has_colour()))
    note(f"since {check.base[:10]}, from which both come", quiet=quiet)
    if check.is_conflict:
        return ConflictError.exit_code
    return FindingsError.exit_code if check.has_errors else 0
