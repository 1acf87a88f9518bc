"""`llmcfg ci post`: puts a report where reviewers see it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from llmcfg_cli.commands.ci import event_content, github_of_job
from llmcfg_cli.console import out
from llmcfg_cli.declared import option
from llmcfg_cli.options import Quiet


def post(
    report: Annotated[
        Path, option("--from", metavar="DIR", help="The folder that `llmcfg ci --out` wrote.", show_default=False)
    ],
    key: Annotated[
        str, option("--key", metavar="NAME", help="Tells the comments of several configurations apart.")
    ] = "llmcfg",
    checks: Annotated[
        bool, option("--checks", help="Also add a check for each class of environments.", show_default=False)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Keep one comment on the pull request of this GitHub job up to date: changed in place, and removed when there is nothing to say.

    Needs GITHUB_TOKEN with the right to write to pull requests, and to checks with --checks. On workflow_run, which is how reports of forks
    are posted, the pull request is asked of GitHub, and there are no checks.
    """
    from llmcfg.ci.occasion import parse_event
    from llmcfg.ci.posting import post_checks, post_comment, pull_of, read_report
    from llmcfg_cli.views.text import visible

    github = github_of_job()
    read = read_report(report)
    pull = pull_of(parse_event(event_content()), github)
    said = [f"comment on #{pull.number}: {post_comment(github, pull, read.comment, key)}"]
    if checks:
        said += [f"check of {one}" for one in post_checks(github, pull, read, key)]
    if not quiet:
        out("\n".join(map(visible, said)))
