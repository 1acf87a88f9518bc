"""From options and the settings file to settings: the one place where the command line decides what a machine's settings are."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.settings import Settings
    from llmcfg.opensinks import Surroundings
    from llmcfg.wiring import Workspace

_OURS = frozenset(["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"])


def read_settings(file: Path | None) -> Settings:
    """The settings of a file, or those of a machine that defines nothing."""
    from llmcfg.model.settings import Settings
    from llmcfg.sync.settings import parse_settings

    if file is None:
        return Settings()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the settings {file}: {error.strerror}", hint="see --settings") from None
    return parse_settings(content, file)


def with_options(
    settings: Settings,
    *,
    remote: str | None,
    branch: str | None,
    state: Path | None,
    deliver_to: Path | None,
    deployed: Literal["remote", "local"] | None,
    environments: list[str] | None,
    poll: float | None,
) -> Settings:
    """The settings with what the command line says in their place. Raises UsageError for what does not go together."""
    from dataclasses import replace

    from llmcfg.model.remoteurl import parse_remote_url
    from llmcfg.model.settings import Access, Remote

    followed = settings.remote
    if remote is not None:
        if followed is not None:
            raise UsageError("the settings name a remote already", hint="leave out --remote, or change the settings")
        followed = Remote(Access(parse_remote_url(_absolute(remote))))
    if followed is None and (branch or deployed):
        raise UsageError(
            "--branch and --deployed are about a remote", hint="name one with --remote, or in the settings"
        )
    if followed is not None:
        followed = replace(followed, branch=branch or followed.branch, deployed=deployed or followed.deployed)
    return replace(
        settings,
        remote=followed,
        state=state.resolve() if state else settings.state,
        deliver_to=deliver_to.resolve() if deliver_to else settings.deliver_to,
        environments=tuple(environments or settings.environments),
        poll_seconds=poll or settings.poll_seconds,
    )


def open_workspace(
    directory: Path,
    deliver_to: Path | None,
    settings_file: Path | None,
    *,
    cache: bool = False,
    signing_keys: list[Path] | None = None,
    root: Path | None = None,
) -> Workspace:
    """The local repository with the sinks that the settings define, and who signs."""
    from llmcfg.wiring import Workspace

    return Workspace(
        directory,
        deliver_to,
        settings=_signing_with(read_settings(settings_file), signing_keys, root),
        surroundings=surroundings(),
        cache=cache_root() if cache else None,
    )


def _signing_with(settings: Settings, keys: list[Path] | None, root: Path | None) -> Settings:
    """The settings with these keys and this root in place of theirs. Raises UsageError for a root without a key."""
    from dataclasses import replace

    from llmcfg.model.settings import Signing

    said = settings.signing
    if not keys and root is None:
        return settings
    chosen, trusted = tuple(keys or (said.keys if said else ())), root or (said.root if said else None)
    if not chosen:
        raise UsageError("signing takes a key", hint="name it too: --signing-key FILE --root FILE")
    return replace(settings, signing=Signing(chosen, trusted, said.days if said else 0))


def cached_workspace(directory: Path, *, cache: bool) -> Workspace:
    """The local repository, for a command that builds. Of programs it runs gpg alone, where commits are judged."""
    from llmcfg.opensinks import Surroundings
    from llmcfg.wiring import Workspace

    return Workspace(directory, surroundings=Surroundings(search_path()), cache=cache_root() if cache else None)


def reading_workspace(directory: Path) -> Workspace:
    """The local repository, for a command that looks at little of it: with what others remembered, and nothing is remembered for it."""
    from llmcfg.opensinks import Surroundings
    from llmcfg.wiring import Workspace

    return Workspace(directory, surroundings=Surroundings(search_path()), cache=cache_root(), only_reads=True)


@contextmanager
def reading(directory: Path, doing: str, *, quiet: bool = False) -> Iterator[Workspace]:
    """The same, while a terminal shows that it goes on, should it take long."""
    from llmcfg_cli.console import progress

    workspace = reading_workspace(directory)
    with progress(doing, workspace.memo.progress, quiet=quiet):
        yield workspace


def note_redone(workspace: Workspace) -> None:
    """On stderr, what was done again although there is a cache."""
    from llmcfg.cache.account import redone
    from llmcfg_cli.console import note
    from llmcfg_cli.views.cache import view_redone

    if workspace.cache is None:
        note("cache: there is none")
    else:
        note(view_redone(redone(workspace.cache), workspace.cache.found))


def cache_root() -> Path | None:
    """The folder of all caches, by the XDG base directory specification; None for who has no home."""
    from llmcfg_cli.unchanged import cache_folder

    folder = cache_folder()
    return Path(folder) if folder else None


def surroundings() -> Surroundings:
    """What programs that are run for this command get, and whose keys open what is sealed to this machine."""
    from llmcfg.opensinks import Surroundings
    from llmcfg.secrets.plainfolder import memory_folders
    from llmcfg_cli.identities import own_identities

    environment = {name: value for name, value in os.environ.items() if name not in _OURS}
    return Surroundings(
        search_path(),
        os.environ.get("SSH_AUTH_SOCK", ""),
        environment,
        identities=own_identities,
        memory=memory_folders(os.environ),
    )


def search_path() -> str:
    """Where programs are looked for, as a shell does."""
    return os.environ.get("PATH", os.defpath)


def _absolute(remote: str) -> str:
    """A folder may be named from here."""
    return str(Path(remote).resolve()) if not remote.startswith("/") and Path(remote).is_dir() else remote
