"""One door to all formats: bytes to documents with their metadata, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.limits import SOPS_FILE_BYTES
from llmcfg.secrets.sops.model import METADATA, FileType, Item, Leaf, Mapping

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Documents, Node

_DATA = "data"


class Parsed(NamedTuple):
    """`documents` are without metadata, `complete` with it; `metadata` is the value of the `sops` key of the first."""

    text: str
    documents: Documents
    complete: Documents
    metadata: Node


def parse_plain(content: bytes, file_type: FileType) -> Documents:
    """The documents of a file that is not encrypted. Raises UsageError for what sops does not encrypt."""
    if file_type is FileType.BINARY:
        return [Mapping([Item(_DATA, Leaf("str", content))])]
    documents = _read(_decode(content), file_type)
    if any(document.find(METADATA) for document in documents):
        raise UsageError("the file has a key sops already", hint="it may be encrypted; if not, rename the key")
    return documents


def parse_encrypted(content: bytes, file_type: FileType) -> Parsed:
    """Raises UsageError for a file that is not of its type or has no metadata."""
    text = _decode(content)
    documents = _read(text, FileType.JSON if file_type is FileType.BINARY else file_type)
    item = documents[0].find(METADATA)
    if item is None:
        raise UsageError(
            "this file has no sops metadata", hint="it is not encrypted, or of another type: name it with --input-type"
        )
    bare = [_without_metadata(document) for document in documents]
    return Parsed(text, bare, documents, item.value)


def find_encrypted(content: bytes, file_type: FileType) -> Parsed | None:
    """The same; None for content that is no SOPS file."""
    try:
        return parse_encrypted(content, file_type)
    except UsageError:
        return None


def write(documents: Documents, file_type: FileType) -> bytes:
    """The bytes of plaintext documents, as `sops -d` prints them, or of encrypted ones that `with_metadata` completed."""
    match file_type:
        case FileType.YAML:
            from llmcfg.secrets.sops.yamlwriter import write_yaml

            return _encode(write_yaml(documents))
        case FileType.JSON:
            from llmcfg.secrets.sops.jsonstore import write_json

            return _encode(write_json(_only(documents)))
        case FileType.DOTENV:
            from llmcfg.secrets.sops.dotenvstore import write_dotenv

            return _encode(write_dotenv(_only(documents)))
        case FileType.INI:
            from llmcfg.secrets.sops.inistore import write_ini

            return _encode(write_ini(_only(documents)))
        case FileType.BINARY:
            return _binary(_only(documents))


def write_encrypted(documents: Documents, metadata: Mapping, file_type: FileType) -> bytes:
    if file_type is FileType.INI:
        raise UsageError("INI files are read and not written", hint="write the file as YAML, JSON or dotenv")
    complete = [Mapping([*document.items, Item(METADATA, metadata)]) for document in documents]
    return write(complete, FileType.JSON if file_type is FileType.BINARY else file_type)


def _read(text: str, file_type: FileType) -> Documents:
    match file_type:
        case FileType.YAML:
            from llmcfg.secrets.sops.yamlstore import read_yaml

            return read_yaml(text)
        case FileType.DOTENV:
            from llmcfg.secrets.sops.dotenvstore import read_dotenv

            return [read_dotenv(text)]
        case FileType.INI:
            from llmcfg.secrets.sops.inistore import read_ini

            return [read_ini(text)]
        case _:
            from llmcfg.secrets.sops.jsonstore import read_json

            return [read_json(text)]


def _decode(content: bytes) -> str:
    if len(content) > SOPS_FILE_BYTES:
        raise UsageError(f"the file has more than {SOPS_FILE_BYTES >> 20} MiB", hint="encrypt it with age itself")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the file is not UTF-8 (byte {error.start})", hint="encrypt it as binary") from None


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _without_metadata(document: Mapping) -> Mapping:
    items = [item for item in document.items if not (isinstance(item, Item) and item.key == METADATA)]
    return Mapping(items, document.span, document.is_flow)


def _only(documents: Documents) -> Mapping:
    if len(documents) != 1:
        raise UsageError("only a YAML file can hold several documents", hint="write it as YAML")
    return documents[0]


def _binary(document: Mapping) -> bytes:
    item = document.find(_DATA)
    if item is None or not isinstance(item.value, Leaf):
        raise UsageError("this file holds no binary content", hint="write it as YAML or JSON")
    return item.value.reveal()
