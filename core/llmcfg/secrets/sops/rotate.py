"""Who can open a file, and under which data key: recipients added and removed, data keys replaced. Values and layout stay.

Rules: a recipient that stays keeps its wrapped data key; when one goes, the data key is replaced, or it could still read every later
value. A new data key seals every value and comment anew, with a new nonce. Entries of other key services are kept as long as the data
key is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.cipher import Cipher, is_token
from llmcfg.secrets.sops.files import key_groups, seal_mac, version_for
from llmcfg.secrets.sops.keys import AgeKeys, new_data_key, wrap_data_key
from llmcfg.secrets.sops.metadata import malformed, update_tree, write_time
from llmcfg.secrets.sops.model import METADATA, Comment, FileType, Item, Leaf, Mapping, Sequence, Span
from llmcfg.secrets.sops.opened import open_file
from llmcfg.secrets.sops.splice import Splice, apply_splices, key_span, span_of, trimmed
from llmcfg.secrets.sops.walk import encrypt_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence as AnySequence
    from datetime import datetime

    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.keys import KeyService
    from llmcfg.secrets.sops.metadata import KeyEntry, Metadata
    from llmcfg.secrets.sops.model import Documents, Node
    from llmcfg.secrets.sops.opened import OpenedFile
    from llmcfg.secrets.sops.stores import Parsed


def set_recipients(
    content: bytes,
    input_type: FileType,
    identities: AnySequence[Identity],
    recipients: AnySequence[str] | AnySequence[AnySequence[str]],
    moment: datetime,
    *,
    threshold: int = 0,
    services: AnySequence[KeyService] = (),
    drop_others: bool = False,
) -> bytes:
    """The file for exactly these age recipients: one list, or one for each key group. The same bytes if they are its recipients already.

    A recipient more changes nothing but the list; a recipient less, or other groups, replace the data key. Raises UsageError when that is
    needed and the file has keys of other services, which cannot be wrapped here, unless `drop_others` takes them out.
    """
    file = open_file(content, input_type, identities, services)
    groups = key_groups(recipients)
    wanted = tuple(tuple(dict.fromkeys(group)) for group in groups if group)
    current = tuple(tuple(entry.name for entry in group if entry.service == "age") for group in file.metadata.groups)
    if drop_others and any(entry.service != "age" for entry in file.metadata.entries):
        return rotated(file, wanted, threshold, moment, drop_others=True)
    is_same = [sorted(group) for group in current] == [sorted(group) for group in wanted]
    if is_same and (len(wanted) < 2 or (threshold or len(wanted)) == file.metadata.needed):
        return content
    if len(wanted) == len(current) == 1 and set(current[0]) <= set(wanted[0]):
        return _with_more(file, wanted[0])
    return rotated(file, wanted, threshold, moment)


def rotate_data_key(
    content: bytes,
    input_type: FileType,
    identities: AnySequence[Identity],
    moment: datetime,
    *,
    services: AnySequence[KeyService] = (),
) -> bytes:
    """The file under a new data key for the same recipients. Raises UsageError for a file with keys of other services."""
    file = open_file(content, input_type, identities, services)
    groups = tuple(tuple(entry.name for entry in group if entry.service == "age") for group in file.metadata.groups)
    return rotated(file, groups, file.metadata.threshold, moment)


def rotated(
    file: OpenedFile,
    groups: AnySequence[AnySequence[str]],
    threshold: int,
    moment: datetime,
    *,
    drop_others: bool = False,
) -> bytes:
    """An opened file under a new data key for these groups.

    Raises UsageError for a file with keys of other services, unless they are to go.
    """
    foreign = [entry.label for entry in file.metadata.entries if entry.service != "age"]
    if foreign and not drop_others:
        raise UsageError(
            f"a new data key cannot be wrapped with {', '.join(foreign[:4])}",
            hint="rotate this file with sops, or remove that key from it first",
        )
    data_key, lastmodified = new_data_key(), write_time(moment)
    old = file.metadata
    sealed, mac = encrypt_tree(file.plain, Cipher(data_key), old.rule, mac_only_encrypted=old.mac_only_encrypted)
    entries: tuple[tuple[KeyEntry, ...], ...] = wrap_data_key(data_key, groups, threshold, AgeKeys())
    metadata = replace(
        old,
        groups=entries,
        threshold=threshold if len(entries) > 1 else 0,
        lastmodified=lastmodified,
        mac=seal_mac(mac, lastmodified, data_key),
    )
    splices = [splice for document in sealed for splice in _token_splices(file, document, in_flow=False)]
    splices += _metadata_splices(file.parsed, file.file_type, _versioned(metadata, file.plain, groups))
    return apply_splices(file.parsed.text, splices).encode("utf-8", "surrogateescape")


def with_metadata(parsed: Parsed, file_type: FileType, metadata: Metadata) -> bytes:
    """The file with that metadata, written in the order of its own. No key is needed."""
    splices = _metadata_splices(parsed, file_type, metadata)
    return apply_splices(parsed.text, splices).encode("utf-8", "surrogateescape")


def _with_more(file: OpenedFile, wanted: tuple[str, ...]) -> bytes:
    """Recipients added: the MAC does not cover them."""
    service = AgeKeys()
    known = {entry.name: entry for entry in file.metadata.entries if entry.service == "age"}
    others = [entry for entry in file.metadata.entries if entry.service != "age"]
    entries = (*(known.get(name) or service.wrap(file.data_key, name) for name in wanted), *others)
    metadata = _versioned(replace(file.metadata, groups=(entries,)), file.plain, (wanted,))
    return with_metadata(file.parsed, file.file_type, metadata)


def _versioned(metadata: Metadata, plain: Documents, groups: AnySequence[AnySequence[str]]) -> Metadata:
    needed = version_for(plain, groups)
    return replace(metadata, version=max(metadata.version, needed, key=release_of))


def release_of(version: str) -> tuple[int, ...]:
    """What versions of sops are ordered by."""
    core = version.removeprefix("v").partition("-")[0].partition("+")[0]
    return tuple(int(part) for part in core.split("."))


def _token_splices(file: OpenedFile, node: Node | Comment, *, in_flow: bool) -> Iterator[Splice]:
    """Every token of a sealed tree, at the place that its plaintext was read from."""
    if isinstance(node, Comment):
        if is_token(node.text) and node.span is not None:
            yield Splice(node.span, node.text.decode())
    elif isinstance(node, Mapping | Sequence):
        for item in node.items:
            below = item.value if isinstance(item, Item) else item
            yield from _token_splices(file, below, in_flow=in_flow or node.is_flow)
    elif isinstance(node, Leaf) and is_token(node.reveal()):
        yield _token_splice(file, node, in_flow=in_flow)


def _token_splice(file: OpenedFile, leaf: Leaf, *, in_flow: bool) -> Splice:
    span = trimmed(file.parsed.text, span_of(leaf))
    match file.file_type:
        case FileType.YAML:
            from llmcfg.secrets.sops.yamlsplice import write_in_place

            return Splice(span, write_in_place(file.parsed.text, span, leaf, in_flow=in_flow))
        case FileType.DOTENV:
            return Splice(span, leaf.reveal().decode())
        case FileType.INI:
            raise UsageError("INI files are read and not written", hint="write the file as YAML, JSON or dotenv")
        case _:
            return Splice(span, f'"{leaf.reveal().decode()}"')


def _metadata_splices(parsed: Parsed, file_type: FileType, metadata: Metadata) -> list[Splice]:
    """The metadata written anew, in the order of the file, in each of its documents."""
    if not isinstance(parsed.metadata, Mapping):
        raise malformed("it is not a mapping")
    tree = update_tree(parsed.metadata, metadata)
    text = parsed.text
    match file_type:
        case FileType.YAML:
            return [_yaml_metadata(text, document, tree) for document in parsed.complete]
        case FileType.DOTENV:
            return _dotenv_metadata(text, tree)
        case FileType.INI:
            raise UsageError("INI files are read and not written", hint="write the file as YAML, JSON or dotenv")
        case _:
            from llmcfg.secrets.sops.jsonstore import write_json_value

            item = _metadata_item(parsed.complete[0])
            return [Splice(span_of(item), write_json_value(tree, 1))]


def _yaml_metadata(text: str, document: Mapping, tree: Mapping) -> Splice:
    from llmcfg.secrets.sops.yamlsplice import entry_end
    from llmcfg.secrets.sops.yamlwriter import write_block

    item = _metadata_item(document)
    block = write_block(Mapping([Item(METADATA, tree)]), 0)
    return Splice(Span(key_span(item).start, entry_end(text, item)), block.removesuffix("\n"))


def _dotenv_metadata(text: str, tree: Mapping) -> list[Splice]:
    """The first line of metadata becomes all of it, and the others go."""
    from llmcfg.secrets.sops.dotenvstore import PREFIX, metadata_lines

    lines = [found.span() for found in re.finditer(f"^{PREFIX}.*\n?", text, re.MULTILINE)]
    block = "".join(f"{line}\n" for line in metadata_lines(tree))
    return [Splice(Span(*span), "" if number else block) for number, span in enumerate(lines)]


def _metadata_item(document: Mapping) -> Item:
    item = document.find(METADATA)
    if item is None:
        raise malformed("a document has none")
    return item
