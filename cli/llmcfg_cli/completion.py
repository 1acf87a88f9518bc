"""What the shell completes: names of the repository that the command line points at.

Rules: completion never fails and never speaks; what cannot be read completes to nothing. Only text that every shell takes literally
is offered, because shells evaluate what programs answer.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmcfg_cli.declared import Offered

_LITERAL: Final = re.compile(r"[A-Za-z0-9_./:@+-]+")


class RepositoryNames(NamedTuple):
    environments: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()


def complete(offered: Offered, directory: Path, incomplete: str) -> list[str]:
    """What `incomplete` may become in the repository at `directory`."""
    found = list[str]()
    with suppress(Exception):
        for name in _names(offered, directory, incomplete):
            if name.startswith(incomplete) and _LITERAL.fullmatch(name):
                found.append(name)
    return found


def _names(offered: Offered, directory: Path, incomplete: str) -> Iterator[str]:
    if offered in ("environments", "tenants", "consumers"):
        yield from getattr(repository_names(directory), offered)
        return
    from llmcfg_cli.offered import child_keys, prompt_names, release_names, secret_names

    match offered:
        case "revisions":
            yield "HEAD"
            yield from release_names(directory)
        case "keys":  # the next step of a key path: children of what is written up to its last dot
            yield from child_keys(directory, incomplete.rpartition(".")[0] or ".")
        case "secrets":
            yield from secret_names(directory)
        case "prompts":
            yield from prompt_names(directory)


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
