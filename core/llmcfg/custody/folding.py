"""Folding drop files into the files that they belong in. What they say counts before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.custody.files import check_sealed, naming
from llmcfg.custody.newfiles import find_names_only, new_file
from llmcfg.custody.places import Held, holders
from llmcfg.custody.reveal import Wanted, open_values
from llmcfg.errors import LlmcfgError, NotAuthorisedError
from llmcfg.secrets.amend import setting
from llmcfg.secrets.drops import drop_target
from llmcfg.secrets.names import read_secret_file
from llmcfg.secrets.sops.edit import amend_file
from llmcfg.secrets.sops.model import FileType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.custody.files import Custody
    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.model import Leaf


class Folded(NamedTuple):
    """What went into `file`: names of secrets and the drop that each came from; the newest counts."""

    file: str
    origins: Mapping[str, str]


class Folding(NamedTuple):
    """`left` are the files whose drops stay, with the reason."""

    folded: tuple[Folded, ...]
    left: Mapping[str, LlmcfgError]


def waiting(custody: Custody, folders: Iterable[str]) -> dict[str, list[Held]]:
    """The secrets that wait in drops of these layers, by the file that they belong in, in the order in which they are laid."""
    found: dict[str, list[Held]] = {}
    for folder in folders:
        for held in holders(custody.configuration, folder):
            target = drop_target(held.file)
            if target:
                found.setdefault(target, []).append(held)
    return found


def fold(custody: Custody, folders: Iterable[str]) -> Folding:
    """Write what waits in drops of these layers into its files, and remove the drops, all at once.

    A file that cannot be opened, or a drop, keeps that file's drops. Raises NotAuthorisedError when nothing at all could be folded.
    """
    with custody.writing():
        writes: dict[str, bytes] = {}
        folded: list[Folded] = []
        left: dict[str, LlmcfgError] = {}
        drops: list[str] = []
        for file, held in waiting(custody, folders).items():
            try:
                writes[file] = _with_drops(custody, file, held)
            except NotAuthorisedError as error:
                left[file] = error
                continue
            folded.append(Folded(file, {one.secret.name: one.file for one in held}))
            drops += dict.fromkeys(one.file for one in held)
        if left and not folded:
            raise next(iter(left.values()))
        custody.write(writes, drops)
        return Folding(tuple(folded), left)


def _with_drops(custody: Custody, file: str, held: list[Held]) -> bytes:
    """The content of `file` with what waits for it. Later drops win."""
    content = custody.read(file) if custody.has(file) else b""
    known = read_secret_file(file, content).secrets if content else {}
    leaves: dict[Path, Leaf] = {}
    for one in held:
        if one.secret.is_set:
            path = known[one.secret.name].path if one.secret.name in known else one.secret.path
            leaves[path] = open_values(custody, [Wanted(one)])[one.secret.name]
    named = find_names_only(file, content) if content else None
    if not content or named is not None:
        return new_file(custody, file, leaves, named)
    with naming(file):
        changed = amend_file(content, FileType.YAML, custody.identities(), setting(leaves), custody.now())
    check_sealed(file, changed, leaves)
    return changed
