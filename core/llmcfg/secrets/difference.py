"""What differs between two versions of a secret file, by name: which values were written anew, and who can open it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.outline import outline
from llmcfg.secrets.sops.files import decrypt_file
from llmcfg.secrets.sops.model import FileType, Item, Leaf, Mapping, Sequence, file_type_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as AnyMapping
    from collections.abc import Sequence as AnySequence

    from llmcfg.model.value import Path
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.model import Node

What: TypeAlias = Literal["added", "removed", "changed"]
Name: TypeAlias = tuple[int, str]  # document, from 0, and key path or line of the outline


class Changed(NamedTuple):
    """One value, or one line about the whole file. `document` counts from 1."""

    document: int
    name: str
    what: What


def differences(before: bytes, after: bytes, file: str) -> tuple[Changed, ...]:
    """In the order of the file, what was removed last. No key is needed; a file that is not there is empty."""
    old, new = _named(before, file), _named(after, file)
    found = [Changed(number + 1, name, "changed" if (number, name) in old else "added")
             for (number, name), text in new.items() if old.get((number, name)) != text]  # fmt: skip
    found += [Changed(number + 1, name, "removed") for number, name in old if (number, name) not in new]
    return tuple(found)


def plain_values(content: bytes, file: str, identities: AnySequence[Identity]) -> AnyMapping[Name, str]:
    """The plaintext of each value of a SOPS file. Raises as `decrypt_file`."""
    if not content:
        return {}
    file_type = file_type_of(file)
    documents = decrypt_file(content, file_type, identities).documents
    values = {(number, name): text for number, document in enumerate(documents) for name, text in _leaves(document, ())}
    return {(0, "content"): values[0, "data"]} if file_type is FileType.BINARY else values


def _named(content: bytes, file: str) -> dict[Name, str]:
    """The lines of the outline that have a name of their own; comments have none."""
    found: dict[Name, str] = {}
    document = 0
    for line in outline(content, file) if content else ():
        document += line.name == "---"
        if line.name != "---" and not line.name.startswith("#"):
            found[document if line.text else 0, line.name] = line.text
    return found


def _leaves(node: Node, path: Path) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for item in node.items:
            if isinstance(item, Item):
                yield from _leaves(item.value, (*path, item.key))
    elif isinstance(node, Sequence):
        for number, element in enumerate(node.nodes()):
            yield from _leaves(element, (*path, number))
    elif isinstance(node, Leaf):
        yield format_key_path(path), text_of(node)
