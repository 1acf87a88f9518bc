"""What a secret file holds, in lines that anyone may see: names, types, and a fingerprint of each ciphertext; and who can open it.

Rules: no key is needed and no plaintext is shown, except of values that the rule of the file leaves in the clear. Two versions differ in
the line of a value exactly when it was written anew. The MAC and the time of the last change are left out, since they always differ.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import LlmcfgError
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.age.passphrase import is_age_file
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.cipher import is_token
from llmcfg.secrets.sops.files import read_metadata
from llmcfg.secrets.sops.model import Comment, FileType, Item, Mapping, Null, Sequence, file_type_of, text_of
from llmcfg.secrets.sops.veil import mark_selected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.metadata import Metadata
    from llmcfg.secrets.sops.model import Documents, Node
    from llmcfg.secrets.sops.rules import Rule

NOT_ENCRYPTED: Final = "NOT ENCRYPTED"
_TYPE: Final = re.compile(rb",type:([a-z]+)\]\Z")
_SHOWN: Final = 12  # hexadecimal digits of a fingerprint


class Line(NamedTuple):
    """`name` is a key path, or what is known of the whole file; `text` what may be seen of it."""

    name: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name


def outline(content: bytes, file: str) -> tuple[Line, ...]:
    """The lines of a file of that name, in its order; of what is no secret file, a line that says so."""
    if is_age_file(content):
        return (Line("content", f"age file {_fingerprint(content)}"),)
    file_type = file_type_of(file)
    try:
        parsed = stores.find_encrypted(content, file_type)
        if parsed is None:
            return tuple(_plain_lines(content, file_type))
        metadata = read_metadata(parsed, file_type)
        lines = _lines(parsed.documents, metadata.rule)
        if file_type is FileType.BINARY:
            lines = (Line("content", line.text) for line in lines)
        return (*lines, *_metadata_lines(metadata))
    except LlmcfgError:
        return (Line("this is not a sound SOPS file", f"{len(content)} bytes"),)


def _plain_lines(content: bytes, file_type: FileType) -> Iterator[Line]:
    """The names in a file that should be encrypted. Of one that cannot be read, nothing."""
    if file_type is FileType.BINARY:
        yield Line("content", NOT_ENCRYPTED)
        return
    for line in _lines(stores.parse_plain(content, file_type), None):
        yield Line(line.name, NOT_ENCRYPTED if line.text else "")


def _lines(documents: Documents, rule: Rule | None) -> Iterator[Line]:
    """`rule` None: all of it should be encrypted and is not."""
    seen = documents if rule is None else mark_selected(documents, rule)
    for number, (document, marked) in enumerate(zip(documents, seen, strict=True)):
        if number:
            yield Line("---")
        yield from _nodes(document, marked, ())


def _nodes(node: Node | Comment, marked: Node | Comment, path: Path) -> Iterator[Line]:
    if isinstance(node, Mapping) and isinstance(marked, Mapping) and node.items:
        for item, other in zip(node.items, marked.items, strict=True):
            if isinstance(item, Item) and isinstance(other, Item):
                yield from _nodes(item.value, other.value, (*path, item.key))
            elif isinstance(item, Comment) and isinstance(other, Comment):
                yield from _nodes(item, other, path)
    elif isinstance(node, Sequence) and isinstance(marked, Sequence) and node.items:
        for number, (element, seen) in enumerate(zip(node.items, marked.items, strict=True)):
            yield from _nodes(element, seen, (*path, number))
    elif isinstance(node, Comment):
        yield Line(f"# {_text(node.text, isinstance(marked, Comment) and marked.text != node.text)}")
    else:
        yield Line(format_key_path(path), _value(node, is_selected=node != marked))


def _value(node: Node, *, is_selected: bool) -> str:
    match node:
        case Null():
            return "null"
        case Mapping():
            return "{}"
        case Sequence():
            return "[]"
        case _:
            return _text(node.reveal(), is_selected, text_of(node))


def _text(written: bytes, is_selected: bool, clear: str | None = None) -> str:
    if not written:
        return "empty"
    if is_token(written):
        found = _TYPE.search(written)
        return f"encrypted {found[1].decode() if found else 'value'} {_fingerprint(written)}"
    if is_selected:
        return NOT_ENCRYPTED
    return json.dumps(clear if clear is not None else written.decode("utf-8", "replace"), ensure_ascii=False)


def _metadata_lines(metadata: Metadata) -> Iterator[Line]:
    for number, group in enumerate(metadata.groups, start=1):
        of = f" of group {number}" if metadata.is_shared else ""
        yield from (Line(f"recipient{of} {label}") for label in sorted(entry.label for entry in group))
    if metadata.is_shared:
        yield Line("groups needed", f"{metadata.needed} of {len(metadata.groups)}")
    if metadata.rule.kind:
        yield Line("rule", f"{metadata.rule.kind} {metadata.rule.text}")
    if metadata.mac_only_encrypted:
        yield Line("rule", "mac_only_encrypted")


def _fingerprint(ciphertext: bytes) -> str:
    return hashlib.sha256(ciphertext).hexdigest()[:_SHOWN]
