"""`llmcfg doctor`: is the installation whole, and the repository fit to work with?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.options import OUTPUT, DeliverTo, Directory, Quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.model.check import Check
    from llmcfg.secrets.age import Identity

FAILED = 1


def doctor(
    directory: Directory = Path(),
    deliver_to: DeliverTo = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> int:
    """Check the installation and the repository, and say what to do about what is not right.

    Changes nothing. Exits with 1 when a check fails; a warning alone is no failure. Outside of a repository the installation is checked
    all the same, and the missing repository is a check that fails.
    """
    from llmcfg.doctor.installation import check_installation
    from llmcfg.doctor.repository import check_repository
    from llmcfg.model.check import Verdict
    from llmcfg_cli.views.checks import summary, view_checks

    with progress("checking", quiet=quiet):
        checks = [*check_installation(), *_completion(), *check_repository(directory, deliver_to, _keys)]
        checks += [*_editor(directory), *_hooks(directory)]
    out(view_checks(checks, output, colour=has_colour()))
    note(summary(checks), quiet=quiet)
    return FAILED if any(check.verdict is Verdict.FAIL for check in checks) else 0


def _keys() -> Sequence[Identity]:
    """Nothing is asked here: a key with a passphrase is one that is not at hand."""
    from llmcfg.secrets.age import read_places
    from llmcfg.secrets.age.places import unique_identities

    return unique_identities(read_places(os.environ, Path.home(), system=sys.platform))


def _completion() -> Iterator[Check]:
    """Nothing for a shell that has no completion script, or where no shell is named."""
    from llmcfg.model.check import Check, Verdict
    from llmcfg_cli.commands.completion import place_of_script

    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in ("bash", "zsh", "fish"):
        return
    file, _ = place_of_script(shell)
    if file.is_file():
        yield Check("installation", "completion", Verdict.OK, str(file))
    else:
        text = f"{shell} does not complete llmcfg's commands, names and keys yet"
        yield Check("installation", "completion", Verdict.WARN, text, f"llmcfg completion install {shell}")


def _editor(directory: Path) -> Iterator[Check]:
    """Nothing where there is no work tree or no sound manifest, which other checks say."""
    from llmcfg.errors import ConflictError, LlmcfgError
    from llmcfg.model.check import Check, Verdict
    from llmcfg_cli.editor import editor_files, outdated
    from llmcfg_cli.settings import reading_workspace

    try:
        changed = outdated(editor_files(reading_workspace(directory)))
    except ConflictError as error:
        yield Check("repository", "editor", Verdict.WARN, error.message, error.hint)
        return
    except LlmcfgError:
        return
    if changed:
        text = "schemas and settings for the editor are missing or of an earlier state"
        yield Check("repository", "editor", Verdict.WARN, text, "llmcfg schema export")
    else:
        yield Check("repository", "editor", Verdict.OK, "schemas and settings are up to date")


def _hooks(directory: Path) -> Iterator[Check]:
    """Nothing where there is no work tree, or no git program, which other checks say."""
    from llmcfg.doctor.githooks import summarise_hooks
    from llmcfg.errors import LlmcfgError
    from llmcfg.git.program import Git, find_root

    git = Git(directory, os.environ)
    try:
        yield from summarise_hooks(git, find_root(git))
    except LlmcfgError:
        return
