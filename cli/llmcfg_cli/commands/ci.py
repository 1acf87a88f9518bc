"""`llmcfg ci`: what a change does, to whom and at what risk, and whether it may go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import FindingsError, NotAuthorisedError, UsageError
from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import option
from llmcfg_cli.options import (
    OUTPUT,
    ApprovedBy,
    AsOf,
    At,
    Author,
    Directory,
    ExplainCache,
    FailOn,
    FailOnLevel,
    NoCache,
    Quiet,
)
from llmcfg_cli.recording import account

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.ci.github import GitHub
    from llmcfg.ci.gitlab import GitLab
    from llmcfg.ci.occasion import Occasion
    from llmcfg.ci.opa import Opa
    from llmcfg.ci.review import Proposed, Review
    from llmcfg_cli.views.ci_markdown import Block


def run(
    directory: Directory = Path(),
    base: Annotated[
        str | None,
        option(
            "--base",
            metavar="REV",
            help="Compare with this revision.",
            completes="revisions",
            show_default="what the forge says, or where HEAD left the main branch",
        ),
    ] = None,
    at: At = None,
    to: Annotated[
        Path | None,
        option("--out", metavar="DIR", help="Write every form of the report into this folder.", show_default=False),
    ] = None,
    as_of: AsOf = None,
    output: Annotated[
        Literal["auto", "table", "github", "json"],
        OUTPUT,
    ] = "auto",
    fail_on: FailOn = "error",
    author: Author = None,
    approved_by: ApprovedBy = None,
    ask_forge: Annotated[
        bool,
        option(
            "--ask-forge", help="Ask GitHub or GitLab who proposes the change and who approved it.", show_default=False
        ),
    ] = False,
    opa: Annotated[
        str | None,
        option("--opa", metavar="URL", help="Also ask this rule of an OPA server.", show_default=False),
    ] = None,
    opa_token: Annotated[
        Path | None,
        option("--opa-token-file", metavar="FILE", help="The file with the token for --opa.", show_default=False),
    ] = None,
    opa_token_command: Annotated[
        str | None,
        option(
            "--opa-token-command",
            metavar="CMD",
            help="The program that prints the token for --opa.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    explain_cache: ExplainCache = False,
) -> int:
    """Check a change, and say what it does in effect, to whom, and at what risk.

    Compares HEAD with what it is to be merged into, as the variables of GitHub or GitLab say, or by Git alone. The first line is the
    verdict. Exits with 4 when a finding that the change brings is at least as severe as --fail-on, and for any error, old or new.
    Needs no keys, no writable checkout, and no network but for --ask-forge, which reads GITHUB_TOKEN
    or GITLAB_TOKEN, and --opa.
    """
    from llmcfg.ci.base import find_base
    from llmcfg.ci.links import Links
    from llmcfg.ci.occasion import occasion_from
    from llmcfg.ci.review import Proposed, review
    from llmcfg.clock import now
    from llmcfg_cli.settings import cached_workspace, note_redone
    from llmcfg_cli.views.ci import review_files, view_review
    from llmcfg_cli.views.ci_markdown import review_blocks

    server = _open_opa(opa, opa_token, opa_token_command)
    workspace = cached_workspace(directory, cache=not no_cache)
    occasion = occasion_from(os.environ, event_content())
    head = workspace.resolve(at)
    found = find_base(workspace.repository, head, occasion, base)
    if ask_forge and (author is not None or approved_by):
        raise UsageError("--ask-forge asks what --author and --approved-by say", hint="choose one of them")
    with progress("comparing", workspace.memo.progress, quiet=quiet):
        said = Proposed(author, frozenset(approved_by or ()) if author is not None or approved_by else None)
        proposed = _ask_forge(occasion) if ask_forge else said
        reviewed = review(workspace, found, head, as_of=(as_of or now()).date(), proposed=proposed, opa=server)
    if explain_cache:
        note_redone(workspace)
    passes = not _holds_up(reviewed, fail_on)
    account().note(head=head.commit, base=found.commit or "")
    links = Links(occasion, workspace.git_folder, reviewed.changed_files)
    blocks = review_blocks(reviewed, links, passes=passes)
    if to is not None:
        _write(to, review_files(reviewed, blocks, passes=passes, root=workspace.git_folder))
    if occasion.forge == "github":
        _write_for_job(reviewed, blocks)
    form = output if output != "auto" else "github" if occasion.forge == "github" else "table"
    out(view_review(reviewed, form, passes=passes, root=workspace.git_folder, colour=has_colour()))
    note(f"compared with {(found.commit or 'nothing')[:10]}: {found.how}", quiet=quiet)
    return 0 if passes else FindingsError.exit_code


def _holds_up(reviewed: Review, fail_on: FailOnLevel) -> bool:
    from llmcfg.model.rules import Severity

    return fail_on != "never" and bool(reviewed.blocking(Severity(fail_on)))


def _open_opa(address: str | None, token_file: Path | None, token_command: str | None) -> Opa | None:
    if token_file is not None and token_command is not None:
        raise UsageError("there is one token for --opa", hint="either --opa-token-file or --opa-token-command")
    if address is None:
        if token_file is not None or token_command is not None:
            raise UsageError("a token without --opa goes nowhere", hint="name the server: --opa URL")
        return None
    from llmcfg.ci.opa import Opa, token_from
    from llmcfg_cli.settings import surroundings

    if token_command is not None:
        Opa(address)  # no program is asked for a token that must not be sent
        return Opa(address, token_from(token_command, surroundings().environment))
    return Opa(address, _token_in(token_file) if token_file else None)


def _token_in(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read a token from {file}", hint="write it into a file of its own") from None


def _ask_forge(occasion: Occasion) -> Proposed:
    from llmcfg.ci.approvals import ask_proposed, ask_proposed_on_gitlab
    from llmcfg.ci.occasion import parse_event

    if occasion.forge == "gitlab":
        return ask_proposed_on_gitlab(occasion, _gitlab_of_job())
    return ask_proposed(parse_event(event_content()), github_of_job())


def github_of_job() -> GitHub:
    """The repository of this job, as whoever holds its token."""
    from llmcfg.ci.github import GitHub

    token = os.environ.get("GITHUB_TOKEN")
    if not token:
        raise NotAuthorisedError("there is no GITHUB_TOKEN", hint="env: GITHUB_TOKEN: ${{ github.token }}")
    address = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    return GitHub(address, os.environ.get("GITHUB_REPOSITORY") or "", token)


def _gitlab_of_job() -> GitLab:
    from llmcfg.ci.gitlab import GitLab

    token = os.environ.get("GITLAB_TOKEN")
    if not token:
        raise NotAuthorisedError(
            "there is no GITLAB_TOKEN",
            hint="a job's own token may not read approvals: a project token with read_api may",
        )
    return GitLab(os.environ.get("CI_API_V4_URL") or "", os.environ.get("CI_PROJECT_ID") or "", token)


def event_content() -> bytes | None:
    """The file with the event that started this job of GitHub."""
    name = os.environ.get("GITHUB_EVENT_PATH")
    if not name:
        return None
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {name}, which GITHUB_EVENT_PATH names: {error.strerror}", hint="name the base: --base REV"
        ) from None


def _write(folder: Path, files: Mapping[str, str]) -> None:
    from llmcfg.disk import atomic_write, make_folders

    make_folders(folder.resolve())
    for name, content in files.items():
        atomic_write(folder.resolve() / name, content.encode("utf-8", "backslashreplace"))


def _write_for_job(reviewed: Review, blocks: Sequence[Block]) -> None:
    """What GitHub shows on the page of the job, and what later steps of it read."""
    from llmcfg_cli.views.ci import step_outputs, step_summary

    summary, outputs = os.environ.get("GITHUB_STEP_SUMMARY"), os.environ.get("GITHUB_OUTPUT")
    if summary:
        taken = Path(summary).stat().st_size if Path(summary).exists() else 0
        _append(summary, step_summary(blocks, taken))
    if outputs:
        _append(outputs, step_outputs(reviewed))


def _append(name: str, text: str) -> None:
    with Path(name).open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
