"""Taking plaintext out. Every way to a plaintext that is shown or copied is through here, and is recorded before it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from llmcfg.custody.places import BINARY
from llmcfg.errors import IntegrityError, UnknownKeyError
from llmcfg.secrets.sops.files import decrypt_file
from llmcfg.secrets.sops.model import FileType, Leaf, node_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmcfg.custody.files import Custody
    from llmcfg.custody.places import Held


class Access(NamedTuple):
    """What somebody takes out, and why."""

    names: tuple[str, ...]
    files: tuple[str, ...]
    reason: str


Record: TypeAlias = "Callable[[Access], None]"


def reveal(custody: Custody, wanted: Iterable[Held], reason: str, record: Record) -> dict[str, Leaf]:
    """The values by name. `record` is called first, and nothing is opened when it raises.

    Raises NotAuthorisedError, IntegrityError, and UnknownKeyError for a secret without a value.
    """
    chosen = list(wanted)
    files = tuple(dict.fromkeys(held.file for held in chosen))
    record(Access(tuple(held.secret.name for held in chosen), files, reason))
    return open_values(custody, chosen)


def open_values(custody: Custody, wanted: Iterable[Held]) -> dict[str, Leaf]:
    """The values by name, for use and not for show. Each file is opened once."""
    by_file: dict[str, list[Held]] = {}
    for held in wanted:
        by_file.setdefault(held.file, []).append(held)
    return {
        name: leaf for file, of_file in by_file.items() for name, leaf in _open_file(custody, file, of_file).items()
    }


def _open_file(custody: Custody, file: str, wanted: list[Held]) -> dict[str, Leaf]:
    content = custody.read(file)
    if file.endswith(BINARY):
        from llmcfg.secrets.age import decrypt

        return {held.secret.name: Leaf("bytes", decrypt(content, custody.identities())) for held in wanted}
    documents = decrypt_file(content, FileType.YAML, custody.identities()).documents
    values: dict[str, Leaf] = {}
    for held in wanted:
        node = node_at(documents[0], held.secret.path)
        if node is None:
            raise IntegrityError(f"{file} no longer holds {held.secret.name}", hint="run the command again")
        if not isinstance(node, Leaf) or not node.reveal():
            raise UnknownKeyError(f"{held.secret.name} has no value yet", hint="llmcfg secret set gives it one")
        values[held.secret.name] = node
    return values
