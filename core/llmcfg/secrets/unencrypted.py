"""Secret files that are not encrypted, or not wholly: what must not be committed. No key is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.age.passphrase import is_age_file
from llmcfg.secrets.inspection import inspect_file, looks_sealed
from llmcfg.secrets.inspection.outline import Places
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.model import FileType, Item, Leaf, Mapping, Sequence, file_type_of
from llmcfg.secrets.sops.rules import EVERYTHING
from llmcfg.secrets.sops.veil import mark_selected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.model import Node
    from llmcfg.secrets.sops.rules import Rule

RULE: Final = "secret-file"
# What is wrong with a sealed file and must not be committed: the rest is for `secret lint` to say.
_IN_SEALED: Final = frozenset({"secret-clear", "secret-unreadable", "secret-metadata"})
_SHOWN: Final = 3
_MARKERS: Final = re.compile(rb"^<<<<<<< .*^>>>>>>> ", re.MULTILINE | re.DOTALL)
_ENCRYPT: Final = "encrypt it: llmcfg secret encrypt --in-place FILE; if it was ever pushed, rotate what it holds"


def find_unencrypted(path: str, content: bytes, rule: Rule | None, *, was_encrypted: bool = False) -> list[Problem]:
    """A problem for a secret file that is not encrypted, or for each value of it that should be and is not.

    `rule` is what `.sops.yaml` says for a new file; a file with metadata goes by its own.
    """
    if path.endswith(".age"):
        return [] if is_age_file(content) else [_whole("this is not an age file", _ENCRYPT)]
    if _MARKERS.search(content):
        return [_whole("this secret file is in conflict", f"llmcfg secret resolve {path}")]
    if looks_sealed(content):
        return [problem for problem in inspect_file(path, content).problems if problem.rule in _IN_SEALED]
    if was_encrypted:
        return [_whole("this file was encrypted, and is not any more", _ENCRYPT)]
    return _without_metadata(content, file_type_of(path), rule)


def _without_metadata(content: bytes, file_type: FileType, rule: Rule | None) -> list[Problem]:
    """A file whose values are all empty names secrets that are still to be set."""
    if file_type is FileType.BINARY:
        return [_whole("this file is not encrypted", _ENCRYPT)] if content.strip() else []
    try:
        documents = stores.parse_plain(content, file_type)
        pairs = list(zip(documents, mark_selected(documents, rule or EVERYTHING), strict=True))
    except UsageError:
        return [_whole("this file is not encrypted, and cannot be read", _ENCRYPT)] if content.strip() else []
    found = [leaf for pair in pairs for leaf in _selected(*pair, ())]
    if not found:
        return []
    names = ", ".join(format_key_path(path) for path, _ in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    line, column = Places(content.decode("utf-8")).place(found[0][1].span)
    return [Problem(RULE, f"this file is not encrypted, and has values: {names}", line, column, _ENCRYPT)]


def _selected(node: Node, marked: Node, path: Path) -> Iterator[tuple[Path, Leaf]]:
    """Leaves that should be tokens."""
    if isinstance(node, Mapping) and isinstance(marked, Mapping):
        for item, other in zip(node.items, marked.items, strict=True):
            if isinstance(item, Item) and isinstance(other, Item):
                yield from _selected(item.value, other.value, (*path, item.key))
    elif isinstance(node, Sequence) and isinstance(marked, Sequence):
        for number, pair in enumerate(zip(node.nodes(), marked.nodes(), strict=False)):
            yield from _selected(*pair, (*path, number))
    elif isinstance(node, Leaf) and node != marked:
        yield path, node


def _whole(message: str, hint: str) -> Problem:
    return Problem(RULE, message, hint=hint)
