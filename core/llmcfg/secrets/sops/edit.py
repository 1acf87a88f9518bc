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
from llmcfg.secrets.sops.metadata import malformed, write_time
from llmcfg.secrets.sops.model import Comment, FileType, Leaf, Mapping, Null
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
    from llmcfg.secrets.sops.change import Amendment, Place
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
    changed = apply_changes(file, amend(file.plain))
    return content if changed is file else stamp(changed, moment)


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
            changed = apply_changes(file, wanted)
        except UsageError:
            pass  # what cannot be changed in place is written anew
        else:
            return content if changed is file else stamp(changed, moment)
    return stamp(rewrite(file, documents), moment)


def apply_changes(file: OpenedFile, wanted: AnySequence[Change]) -> OpenedFile:
    """The file as it is after changes in its text, but with the MAC and time of before; the same object if nothing differs.

    Raises UsageError for a place that cannot be changed.
    """
    scalars, others = _sorted_out(file, wanted)
    if scalars:
        file = _with_scalars(file, scalars)
    return _with_others(file, others) if others else file


def rewrite(file: OpenedFile, documents: Documents) -> OpenedFile:
    """The file written anew for other documents, with the metadata of before. What a value keeps is its ciphertext alone."""
    tree = file.parsed.metadata
    if not isinstance(tree, Mapping):
        raise malformed("it is not a mapping")
    content = stores.write_encrypted(_sealed(file, documents), tree, file.file_type)
    return _reread(file, content.decode("utf-8", "surrogateescape"), documents)


def stamp(file: OpenedFile, moment: datetime) -> bytes:
    """The bytes of the file with a new time and MAC."""
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
    return apply_splices(text, splices).encode("utf-8", "surrogateescape")


def _sorted_out(file: OpenedFile, wanted: AnySequence[Change]) -> tuple[list[Change], list[Change]]:
    """Changes of one scalar to another, and all others. What changes nothing is in neither."""
    scalars: list[Change] = []
    others: list[Change] = []
    for change in wanted:
        place = find_place(file.plain, change.path, change.document)
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
        place = find_place(expected, change.path, change.document)
        leaf = find_node(sealed[place.document], place.positions)
        written = find_place(file.aligned, change.path, change.document)
        if not isinstance(leaf, Leaf | Null):
            raise cannot_splice()
        splices.append(
            replace_leaf(file.parsed.text, file.parsed.complete[written.document], written, leaf, file.file_type)
        )
    return _reread(file, apply_splices(file.parsed.text, splices), expected)


def _with_others(file: OpenedFile, changes: AnySequence[Change]) -> OpenedFile:
    """All at once, which is one reading; or, where they meet at one place, one after the other."""
    if len(changes) > 1:
        try:
            return _with_all(file, changes)
        except UsageError:
            pass
    for change in changes:
        file = _with_all(file, [change])
    return file


def _with_all(file: OpenedFile, changes: AnySequence[Change]) -> OpenedFile:
    expected = file.plain
    for change in changes:
        expected = apply(expected, change)
    sealed, aligned = _sealed(file, expected), file.aligned
    splices = [_structural(file, change, expected, sealed, aligned) for change in changes]
    return _reread(file, apply_splices(file.parsed.text, splices), expected)


def _structural(file: OpenedFile, change: Change, expected: Documents, sealed: Documents, aligned: Documents) -> Splice:
    """`expected` and `sealed` are the documents after all changes, `aligned` those before."""
    written = find_place(aligned, change.path, change.document)
    complete = file.parsed.complete[written.document]
    if change.node is None:
        return write_change(file.parsed.text, complete, written, None, file.file_type)
    place = find_place(expected, change.path, change.document)
    node = find_node(sealed[place.document], place.positions)
    if not isinstance(node, type(change.node)):
        raise cannot_splice()
    comments = _comments_before(sealed[place.document], place, len(change.comments)) if written.missing else ()
    return write_change(file.parsed.text, complete, written, node, file.file_type, comments)


def _comments_before(document: Mapping, place: Place, count: int) -> tuple[Comment, ...]:
    *above, position = place.positions
    parent = find_node(document, tuple(above))
    items = parent.items[position - count : position] if isinstance(parent, Mapping) else []
    return tuple(item for item in items if isinstance(item, Comment))


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


def _metadata_span(document: Mapping, name: str, text: str) -> Span:
    metadata = document.find("sops")
    item = metadata.value.find(name) if metadata and isinstance(metadata.value, Mapping) else None
    if item is None or not isinstance(item.value, Leaf) or item.value.span is None:
        raise malformed(f"it has no {name}")
    return trimmed(text, item.value.span)
