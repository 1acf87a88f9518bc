"""`llmcfg cache show|verify|prune|clear`: what earlier commands left to make the next ones quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg.errors import IntegrityError, UsageError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, Directory, Quiet


def show(directory: Directory = Path(), output: Annotated[Literal["table", "json"], OUTPUT] = "table") -> None:
    """Show what is remembered of the repository, and where it lies."""
    from llmcfg.cache.care import describe
    from llmcfg_cli.views.cache import view_cache

    out(view_cache(describe(_root(), _git_folder(directory)), output))


def verify(directory: Directory = Path(), quiet: Quiet = False) -> None:
    """Check everything that is remembered of the repository by its digests, and remove what is damaged.

    Exits with 10 when something was damaged. Results never depend on it: every command checks what it uses.
    """
    from llmcfg.cache.care import verify as check
    from llmcfg_cli.views.text import plural

    damaged = check(_root(), _git_folder(directory))
    if damaged:
        raise IntegrityError(
            f"{plural(damaged, 'part')} of the cache {'were' if damaged > 1 else 'was'} damaged, and removed",
            hint="nothing is lost: what is missing is made again",
        )
    note("everything is as it was written", quiet=quiet)


def prune(quiet: Quiet = False) -> None:
    """Remove what other versions of llmcfg left, and the caches of repositories that are gone."""
    from llmcfg.cache.care import prune as remove

    freed = remove(_root())
    note(f"{freed:,} bytes freed", quiet=quiet)


def clear(
    directory: Directory = Path(),
    everything: Annotated[bool, option("--all", help="Of every repository.", show_default=False)] = False,
    quiet: Quiet = False,
) -> None:
    """Remove what is remembered of the repository. The next command does everything anew."""
    from llmcfg.cache.care import clear_all, clear_one

    if everything:
        clear_all(_root())
    else:
        clear_one(_root(), _git_folder(directory))
    note("cleared", quiet=quiet)


def _root() -> Path:
    from llmcfg_cli.settings import cache_root

    root = cache_root()
    if root is None:
        raise UsageError("there is no place for caches", hint="set XDG_CACHE_HOME, or HOME, to a folder")
    return root


def _git_folder(directory: Path) -> Path:
    from llmcfg.git.repository import open_repository

    return open_repository(directory).git_dir
