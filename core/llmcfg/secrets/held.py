"""The plaintext values of secret files, for what seals them to consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.secrets.sops.model import FileType, Leaf, Mapping, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Mapping as AnyMapping
    from collections.abc import Sequence as AnySequence

    from llmcfg.model.value import Path
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.model import Node

SecretReader: TypeAlias = "Callable[[str, bytes], AnyMapping[Path, Leaf]]"
"""From a secret file's path in the repository and its content to its values by their paths."""


def read_with(identities: Callable[[], AnySequence[Identity]]) -> SecretReader:
    """A reader that asks for identities when it first needs them, and opens what it has opened before only once.

    It raises NotAuthorisedError and IntegrityError that name the file.
    """
    keys: list[AnySequence[Identity]] = []
    opened: dict[tuple[bool, bytes], AnyMapping[Path, Leaf]] = {}

    def read(file: str, content: bytes) -> AnyMapping[Path, Leaf]:
        known = (file.endswith(".age"), content)
        if known not in opened:
            if not keys:
                keys.append(identities())
            opened[known] = _open(file, content, keys[0])
        return opened[known]

    return read


def _open(file: str, content: bytes, identities: AnySequence[Identity]) -> AnyMapping[Path, Leaf]:
    try:
        return _open_binary(content, identities) if file.endswith(".age") else _open_sops(content, identities)
    except (NotAuthorisedError, IntegrityError, UsageError) as error:
        raise type(error)(f"{file}: {error.message}", hint=error.hint, code=error.code) from None


def _open_binary(content: bytes, identities: AnySequence[Identity]) -> AnyMapping[Path, Leaf]:
    from llmcfg.secrets.age import decrypt

    return {(): Leaf("bytes", decrypt(content, identities))}


def _open_sops(content: bytes, identities: AnySequence[Identity]) -> AnyMapping[Path, Leaf]:
    from llmcfg.secrets.sops.opened import open_file

    return dict(_leaves(open_file(content, FileType.YAML, identities).plain[0], ()))


def _leaves(node: Node, at: Path) -> Iterator[tuple[Path, Leaf]]:
    if isinstance(node, Leaf):
        yield at, node
    elif isinstance(node, Mapping):
        for item in node.entries():
            yield from _leaves(item.value, (*at, item.key))
    elif isinstance(node, Sequence):
        for index, inner in enumerate(node.nodes()):
            yield from _leaves(inner, (*at, index))
