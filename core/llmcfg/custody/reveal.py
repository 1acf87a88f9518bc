"""Taking plaintext out. Every way to a plaintext that is shown or copied is through here, and is recorded before it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from llmcfg.custody.files import naming
from llmcfg.custody.places import BINARY
from llmcfg.errors import ConflictError, UnknownKeyError
from llmcfg.model.reference import SecretUse
from llmcfg.secrets.sops.files import decrypt_file
from llmcfg.secrets.sops.model import FileType, Leaf, Mapping, node_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmcfg.custody.files import Custody
    from llmcfg.custody.places import Held


class Wanted(NamedTuple):
    """One value of a secret. `selector` is empty for the current one, or `previous`."""

    held: Held
    selector: str = ""

    @property
    def label(self) -> str:
        return str(SecretUse(self.held.secret.name, self.selector))


class Access(NamedTuple):
    """What somebody takes out, and why."""

    names: tuple[str, ...]
    files: tuple[str, ...]
    reason: str


Record: TypeAlias = "Callable[[Access], None]"


def reveal(custody: Custody, wanted: Iterable[Wanted], reason: str, record: Record) -> dict[str, Leaf]:
    """The values by name. `record` is called first, and nothing is opened when it raises.

    Raises NotAuthorisedError, IntegrityError, and UnknownKeyError for what has no value.
    """
    chosen = list(wanted)
    files = tuple(dict.fromkeys(one.held.file for one in chosen))
    record(Access(tuple(one.label for one in chosen), files, reason))
    return open_values(custody, chosen)


def open_values(custody: Custody, wanted: Iterable[Wanted]) -> dict[str, Leaf]:
    """The values by name, for use and not for show. Each file is opened once."""
    by_file: dict[str, list[Wanted]] = {}
    for one in wanted:
        by_file.setdefault(one.held.file, []).append(one)
    return {
        name: leaf for file, of_file in by_file.items() for name, leaf in _open_file(custody, file, of_file).items()
    }


def _open_file(custody: Custody, file: str, wanted: list[Wanted]) -> dict[str, Leaf]:
    content = custody.read(file)
    with naming(file):
        if file.endswith(BINARY):
            from llmcfg.secrets.age import decrypt

            return {one.label: Leaf("bytes", decrypt(content, custody.identities())) for one in wanted}
        document = decrypt_file(content, FileType.YAML, custody.identities()).documents[0]
    return {one.label: _value(document, one) for one in wanted}


def _value(document: Mapping, wanted: Wanted) -> Leaf:
    held = wanted.held.secret.held(wanted.selector)
    if held is None:
        raise UnknownKeyError(
            f"{wanted.held.secret.name} has no previous value",
            hint="it has one while it is rotated: llmcfg secret list",
        )
    node = node_at(document, held.path)
    if node is None:
        raise ConflictError(f"{wanted.held.file} no longer holds {wanted.label}", hint="run the command again")
    if not isinstance(node, Leaf) or not node.reveal():
        raise UnknownKeyError(f"{wanted.label} has no value yet", hint="llmcfg secret set gives it one")
    return node
