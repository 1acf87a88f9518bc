"""What the shell completes: names of the repository that the command line points at.

Rules: completion never fails and never speaks; what cannot be read completes to nothing. Only text that every shell takes literally
is offered, because shells evaluate what programs answer.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer  # noqa: TC002  # typer reads the annotations at run time

if TYPE_CHECKING:
    from collections.abc import Iterable

_LITERAL: Final = re.compile(r"[A-Za-z0-9_./:@+-]+")


class RepositoryNames(NamedTuple):
    environments: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()


def complete_environments(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(repository_names(_directory(ctx)).environments, incomplete)


def complete_tenants(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(repository_names(_directory(ctx)).tenants, incomplete)


def complete_consumers(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(repository_names(_directory(ctx)).consumers, incomplete)


def complete_revisions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Tags, and HEAD."""
    names: Iterable[str] = ()
    with suppress(Exception):
        from llmcfg_cli.offered import release_names

        names = release_names(_directory(ctx))
    return _matching(["HEAD", *names], incomplete)


def complete_keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """The next step of a key path: children of what is written up to its last dot."""
    names: Iterable[str] = ()
    with suppress(Exception):
        from llmcfg_cli.offered import child_keys

        names = child_keys(_directory(ctx), incomplete.rpartition(".")[0] or ".")
    return _matching(names, incomplete)


def complete_secrets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of secrets, of any layer."""
    names: Iterable[str] = ()
    with suppress(Exception):
        from llmcfg_cli.offered import secret_names

        names = secret_names(_directory(ctx))
    return _matching(names, incomplete)


def complete_prompts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Paths of prompts below prompts/."""
    names: Iterable[str] = ()
    with suppress(Exception):
        from llmcfg_cli.offered import prompt_names

        names = prompt_names(_directory(ctx))
    return _matching(names, incomplete)


def repository_names(directory: Path) -> RepositoryNames:
    """Names as the manifest and the file names say them, valid or not; empty where there is no readable manifest."""
    with suppress(Exception):
        from llmcfg.documents.loader import load_document

        here = directory.resolve()
        root = next(folder for folder in (here, *here.parents) if (folder / "llmcfg.yaml").is_file())
        document: Any = load_document((root / "llmcfg.yaml").read_bytes()).document
        manifest = document.value
        return RepositoryNames(
            tuple(manifest["environments"]),
            tuple(manifest.get("tenants", ())),
            tuple(sorted(file.stem for file in (root / "consumers").glob("*.y*ml"))),
        )
    return RepositoryNames()


def _directory(ctx: typer.Context) -> Path:
    return Path(ctx.params.get("directory") or ".")


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete) and _LITERAL.fullmatch(name)]
