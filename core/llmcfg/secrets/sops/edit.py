"""Changing values in a SOPS file: the changed lines, `mac` and `lastmodified` change, and not one other byte.

Rules: the file is verified before it is changed; a value that did not change keeps its ciphertext; every result is read again and
compared with what was asked for before it is given back, so a place that cannot be edited is refused and never spoiled.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmcfg.errors import LlmcfgError, UsageError
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.change import Change, apply, changes_between, find_node, find_place, node_of, without_comments
from llmcfg.secrets.sops.cipher import Cipher
from llmcfg.secrets.sops.files import seal_mac
from llmcfg.secrets.sops.metadata import malformed, update_tree, write_time
from llmcfg.secrets.sops.model import FileType, Leaf, Mapping, Null
from llmcfg.secrets.sops.opened import KeepingSealer, OpenedFile, open_file
from llmcfg.secrets.sops.splice import Splice, apply_splices, cannot_splice, replace_leaf, trimmed, write_change
from llmcfg.secrets.sops.walk import decrypt_tree, encrypt_tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping as AnyMapping
    from collections.abc import Sequence as AnySequence
    from datetime import datetime

    from llmcfg.model.value import Path, Value
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.change import Amendment
    from llmcfg.secrets.sops.keys import KeyService
    from llmcfg.secrets.sops.model import Documents, Span


def edit_values(
    content: bytes,
    input_type: FileType,
    identities: AnySequence[Identity],
    changes: AnyMapping[Path, Value],
    moment: datetime,
    *,
    removals: Iterable[Path] = (),
    services: AnySequence[KeyService] = (),
) -> bytes:
    """The file with the values of `changes` set and those of `removals` gone; the same bytes if nothing differs.

    Raises NotAuthorisedError and IntegrityError as `decrypt_file`, UnknownKeyError for a removal of what is not there, and UsageError for
    a place that cannot be changed in its text: an alias, a list by a wrong index, a file whose format cannot hold the value.
    """
    wanted = [
        *(Change(path, node_of(value)) for path, value in changes.items()),
        *(Change(path, None) for path in removals),
    ]
    return amend_file(content, input_type, identities, lambda _: wanted, moment, services=services)


def amend_file(
    content: bytes,
    input_type: FileType,
    identities: AnySequence[Identity],
    amend: Amendment,
    moment: datetime,
    *,
    services: AnySequence[KeyService] = (),
) -> bytes:
    """The same for changes that depend on what the file holds: `amend` is given its plaintext."""
    file = open_file(content, input_type, identities, services)
    return _changed(file, content, amend(file.plain), moment)


def replace_content(
    content: bytes,
    input_type: FileType,
    identities: AnySequence[Identity],
    plain: bytes,
    moment: datetime,
    *,
    services: AnySequence[KeyService] = (),
) -> bytes:
    """The file with other plaintext, as an editor leaves it: changed in place where values differ, and written anew where order or
    comments do. Values that are the same under the same key keep their ciphertext either way.
    """
    file = open_file(content, input_type, identities, services)
    if plain == stores.write(file.plain, input_type):
        return content  # 1.0 is printed as 1, and was not changed by it
    documents = stores.parse_plain(plain, input_type)
    wanted = changes_between(file.plain, documents)
    if wanted is not None:
        try:
            return _changed(file, content, wanted, moment)
        except UsageError:
            pass  # what cannot be changed in place is written anew
    return _written_anew(file, documents, moment)


def _changed(file: OpenedFile, content: bytes, wanted: AnySequence[Change], moment: datetime) -> bytes:
    scalars, others = _sorted_out(file, wanted)
    if not scalars and not others:
        return content
    if scalars:
        file = _with_scalars(file, scalars)
    for change in others:
        file = _with_change(file, change)
    return _stamped(file, moment).encode("utf-8", "surrogateescape")


def _sorted_out(file: OpenedFile, wanted: AnySequence[Change]) -> tuple[list[Change], list[Change]]:
    """Changes of one scalar to another, and all others. What changes nothing is in neither."""
    scalars: list[Change] = []
    others: list[Change] = []
    for change in wanted:
        place = find_place(file.plain, change.path)
        old = None if place.missing else find_node(file.plain[place.document], place.positions)
        if change.node is not None and isinstance(old, Leaf | Null) and isinstance(change.node, Leaf | Null):
            if old != change.node:
                scalars.append(change)
        elif change.node is None or not isinstance(old, Mapping) or without_comments(old) != change.node:
            others.append(change)
    return scalars, others


def _with_scalars(file: OpenedFile, changes: AnySequence[Change]) -> OpenedFile:
    expected = file.plain
    for change in changes:
        expected = apply(expected, change)
    sealed = _sealed(file, expected)
    splices: list[Splice] = []
    for change in changes:
        place = find_place(expected, change.path)
        leaf = find_node(sealed[place.document], place.positions)
        written = find_place(file.aligned, change.path)
        if not isinstance(leaf, Leaf | Null):
            raise cannot_splice()
        splices.append(
            replace_leaf(file.parsed.text, file.parsed.complete[written.document], written, leaf, file.file_type)
        )
    return _reread(file, apply_splices(file.parsed.text, splices), expected)


def _with_change(file: OpenedFile, change: Change) -> OpenedFile:
    expected = apply(file.plain, change)
    written = find_place(file.aligned, change.path)
    node = None
    if change.node is not None:
        place = find_place(expected, change.path)
        found = find_node(_sealed(file, expected)[place.document], place.positions)
        if not isinstance(found, type(change.node)):
            raise cannot_splice()
        node = found
    splice = write_change(file.parsed.text, file.parsed.complete[written.document], written, node, file.file_type)
    return _reread(file, apply_splices(file.parsed.text, [splice]), expected)


def _sealed(file: OpenedFile, plain: Documents) -> Documents:
    sealer = KeepingSealer(file)
    return encrypt_tree(plain, sealer, file.metadata.rule, mac_only_encrypted=file.metadata.mac_only_encrypted)[0]


def _reread(file: OpenedFile, text: str, expected: Documents) -> OpenedFile:
    """The file as it is after a change. Raises UsageError when it does not hold what it should."""
    try:
        parsed = stores.parse_encrypted(text.encode("utf-8", "surrogateescape"), file.file_type)
        plain, mac = decrypt_tree(
            parsed.documents,
            Cipher(file.data_key),
            file.metadata.rule,
            mac_only_encrypted=file.metadata.mac_only_encrypted,
        )
    except LlmcfgError:
        raise cannot_splice() from None
    if [without_comments(document) for document in plain] != [without_comments(document) for document in expected]:
        raise cannot_splice()
    return replace(file, parsed=parsed, plain=plain, mac=mac)


def _stamped(file: OpenedFile, moment: datetime) -> str:
    """The text with a new time and MAC."""
    lastmodified = write_time(moment)
    mac = seal_mac(file.mac, lastmodified, file.data_key)
    text = file.parsed.text
    splices: list[Splice] = []
    for document in file.parsed.complete:
        for name, value in (("lastmodified", lastmodified), ("mac", mac)):
            span = _metadata_span(document, name, text)
            written = value
            if file.file_type in (FileType.JSON, FileType.BINARY) or (
                file.file_type is FileType.YAML and (name == "lastmodified" or text[span.start] == '"')
            ):
                written = f'"{value}"'
            splices.append(Splice(span, written))
    return apply_splices(text, splices)


def _metadata_span(document: Mapping, name: str, text: str) -> Span:
    metadata = document.find("sops")
    item = metadata.value.find(name) if metadata and isinstance(metadata.value, Mapping) else None
    if item is None or not isinstance(item.value, Leaf) or item.value.span is None:
        raise malformed(f"it has no {name}")
    return trimmed(text, item.value.span)


def _written_anew(file: OpenedFile, documents: Documents, moment: datetime) -> bytes:
    sealed, mac = encrypt_tree(
        documents, KeepingSealer(file), file.metadata.rule, mac_only_encrypted=file.metadata.mac_only_encrypted
    )
    lastmodified = write_time(moment)
    metadata = replace(file.metadata, lastmodified=lastmodified, mac=seal_mac(mac, lastmodified, file.data_key))
    tree = file.parsed.metadata
    if not isinstance(tree, Mapping):
        raise malformed("it is not a mapping")
    return stores.write_encrypted(sealed, update_tree(tree, metadata), file.file_type)
