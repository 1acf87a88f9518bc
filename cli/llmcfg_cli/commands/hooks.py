"""`llmcfg hooks install|uninstall|status`: Git made good with secret files, in one clone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import ConflictError
from llmcfg_cli.console import has_colour, note, out, short_path
from llmcfg_cli.options import OUTPUT, Directory, Quiet

if TYPE_CHECKING:
    from llmcfg.git.program import Git

MISSING = 1
PROGRAM = "llmcfg"


def install(directory: Directory = Path(), quiet: Quiet = False) -> int:
    """Let Git merge secret files by key, show them without their secrets, and refuse commits with secrets in plain text.

    Writes what is missing of .gitattributes, this clone's settings of Git, and its pre-commit hook. A hook that somebody else made is not
    touched: the command then ends with 6 and says which line to add. May be run again at any time.
    """
    from llmcfg.git.comfort.attributes import FILE, add_attributes
    from llmcfg.git.comfort.commitcheck import LINE, write_hook
    from llmcfg.git.comfort.drivers import set_drivers

    git, root = _open(directory)
    program = _program()
    done = [f"{short_path(root / FILE)}: names the drivers now; commit it"] if add_attributes(git, root) else []
    done += ["drivers: set"] if set_drivers(git, program) else []
    hook = write_hook(git, program)
    done += [f"{short_path(hook.path)}: made"] if hook.state == "missing" else []
    out("\n".join(done))
    if hook.state in ("foreign", "elsewhere"):
        what = "was made by somebody else" if hook.state == "foreign" else "would be outside of the repository"
        raise ConflictError(f"{hook.path} {what}, and is not touched", hint=f"add to it: {LINE}")
    note("" if done else "everything is in place", quiet=quiet)
    return 0


def uninstall(directory: Directory = Path(), quiet: Quiet = False) -> None:
    """Remove what `llmcfg hooks install` made, and nothing else.

    Lines of .gitattributes that came with the repository, a hook that was changed since, and drivers of other programs stay.
    """
    from llmcfg.git.comfort.attributes import FILE, remove_attributes
    from llmcfg.git.comfort.commitcheck import find_hook, remove_hook
    from llmcfg.git.comfort.drivers import unset_drivers

    git, root = _open(directory)
    path = find_hook(git).path
    done = [f"{short_path(root / FILE)}: lines removed"] if remove_attributes(root) else []
    done += ["drivers: removed"] if unset_drivers(git) else []
    done += [f"{short_path(path)}: removed"] if remove_hook(git) else []
    out("\n".join(done))
    note("" if done else "nothing of it was there", quiet=quiet)


def status(directory: Directory = Path(), output: Annotated[Literal["table", "json"], OUTPUT] = "table") -> int:
    """Show which of it is in place. Exits with 1 when something is missing, or when Git keeps decrypted text."""
    from llmcfg.doctor.githooks import check_hooks
    from llmcfg.model.check import Verdict
    from llmcfg_cli.views.checks import view_checks

    checks = [*check_hooks(*_open(directory))]
    out(view_checks(checks, output, colour=has_colour()))
    return 0 if all(check.verdict is Verdict.OK for check in checks) else MISSING


def _open(directory: Path) -> tuple[Git, Path]:
    """Git, and the folder of the configuration: the nearest with a manifest, or the top of the work tree."""
    from llmcfg.git.program import Git, find_root

    git = Git(directory, os.environ)
    return git, find_root(git)


def _program() -> str:
    """Where Git, which may have another PATH, finds the llmcfg that runs now."""
    from shutil import which

    beside = Path(sys.executable).with_name(PROGRAM)
    started = Path(sys.argv[0])
    candidates = [started if started.name == PROGRAM else beside, beside]
    return next((str(path.absolute()) for path in candidates if path.is_file()), None) or which(PROGRAM) or PROGRAM
