"""Whole files: decrypting as `sops -d` does, encrypting as `sops -e` does. Bytes in, bytes out; nothing is read or written here."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from llmcfg.errors import IntegrityError
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.cipher import Cipher
from llmcfg.secrets.sops.keys import AgeKeys, find_data_key, new_data_key, wrap_data_key
from llmcfg.secrets.sops.metadata import Metadata, mac_additional_data, metadata_tree, parse_metadata, write_time
from llmcfg.secrets.sops.model import FileType, Leaf, Mapping, Sequence, text_leaf
from llmcfg.secrets.sops.rules import EVERYTHING, Rule
from llmcfg.secrets.sops.walk import decrypt_tree, encrypt_tree

if TYPE_CHECKING:
    from collections.abc import Sequence as AnySequence
    from datetime import datetime

    from llmcfg.model.value import Path
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.keys import KeyService
    from llmcfg.secrets.sops.model import Documents, Node

_VERSION: Final = "3.9.0"
_VERSION_WITH_TIMES: Final = "3.10.0"
_VERSION_WITH_POST_QUANTUM: Final = "3.12.0"


@dataclass(frozen=True, slots=True)
class Decrypted:
    """`plain` is what `sops -d` prints; `documents` the same as trees; `sealed` the trees as they stand in the file."""

    plain: bytes = field(repr=False)
    documents: Documents = field(repr=False)
    sealed: Documents = field(repr=False)
    metadata: Metadata
    data_key: bytes = field(repr=False)


def decrypt_file(
    content: bytes,
    input_type: FileType,
    identities: AnySequence[Identity],
    *,
    output_type: FileType | None = None,
    services: AnySequence[KeyService] = (),
    ignore_mac: bool = False,
    extract: Path | None = None,
) -> Decrypted:
    """`extract` is the path of the one value that `plain` is to hold; NotFoundError if it is not there.

    Raises NotAuthorisedError without a key that fits, IntegrityError for a file that was tampered with, UsageError for no SOPS file."""
    parsed = stores.parse_encrypted(content, input_type)
    metadata = read_metadata(parsed, input_type)
    data_key = find_data_key(metadata, (AgeKeys(identities), *services))
    documents, mac = decrypt_tree(
        parsed.documents, Cipher(data_key), metadata.rule, mac_only_encrypted=metadata.mac_only_encrypted
    )
    if not ignore_mac:
        check_mac(metadata, mac, data_key)
    plain = _write_plain(documents, output_type or input_type, extract)
    return Decrypted(plain, documents, parsed.documents, metadata, data_key)


def _write_plain(documents: Documents, file_type: FileType, extract: Path | None) -> bytes:
    if not extract:
        return stores.write(documents, file_type)
    from llmcfg.secrets.sops.extract import write_extracted

    return write_extracted(documents, extract, file_type)


def encrypt_file(
    content: bytes,
    input_type: FileType,
    recipients: AnySequence[str] | AnySequence[AnySequence[str]],
    moment: datetime,
    *,
    rule: Rule | None = None,
    threshold: int = 0,
    mac_only_encrypted: bool = False,
    output_type: FileType | None = None,
) -> bytes:
    """A new SOPS file for age recipients: one list, or one for each key group. `moment` becomes `lastmodified`.

    Raises UsageError for content that SOPS cannot hold and for recipients that are none.
    """
    documents = stores.parse_plain(content, input_type)
    groups = key_groups(recipients)
    data_key = new_data_key()
    chosen = EVERYTHING if input_type is FileType.BINARY else rule or Rule()
    mac_only_encrypted = mac_only_encrypted and input_type is not FileType.BINARY
    sealed, mac = encrypt_tree(documents, Cipher(data_key), chosen, mac_only_encrypted=mac_only_encrypted)
    lastmodified = write_time(moment)
    metadata = Metadata(
        groups=wrap_data_key(data_key, groups, threshold, AgeKeys()),
        lastmodified=lastmodified,
        mac=seal_mac(mac, lastmodified, data_key),
        version=version_for(documents, groups),
        rule=chosen,
        mac_only_encrypted=mac_only_encrypted,
        threshold=threshold,
    )
    return stores.write_encrypted(sealed, metadata_tree(metadata), output_type or input_type)


def read_metadata(parsed: stores.Parsed, file_type: FileType) -> Metadata:
    """The metadata of a file; a binary file has no rule, whatever it says."""
    from dataclasses import replace

    metadata = parse_metadata(parsed.metadata)
    return replace(metadata, rule=EVERYTHING) if file_type is FileType.BINARY else metadata


def check_mac(metadata: Metadata, mac: str, data_key: bytes) -> None:
    """Raises IntegrityError when the MAC of the file is not that of its values."""
    try:
        stored = Cipher(data_key).open(
            metadata.mac.encode("utf-8", "surrogateescape"), mac_additional_data(metadata.lastmodified)
        )
    except IntegrityError:
        raise _mac_mismatch("its MAC does not open: mac or lastmodified was changed") from None
    if not hmac.compare_digest(stored.reveal(), mac.encode()):
        what = "a value was changed without the key" if stored.reveal() else "it has no MAC"
        raise _mac_mismatch(what)


def seal_mac(mac: str, lastmodified: str, data_key: bytes) -> str:
    return Cipher(data_key).seal(text_leaf(mac), mac_additional_data(lastmodified)).decode()


def key_groups(recipients: AnySequence[str] | AnySequence[AnySequence[str]]) -> list[tuple[str, ...]]:
    """One group of a plain list, or the groups that are given."""
    plain = tuple(one for one in recipients if isinstance(one, str))
    return [plain] if plain else [tuple(group) for group in recipients if not isinstance(group, str)]


def version_for(documents: Documents, groups: AnySequence[AnySequence[str]]) -> str:
    """The lowest release of sops that can read what a file uses."""
    if any(recipient.startswith("age1pq1") for group in groups for recipient in group):
        return _VERSION_WITH_POST_QUANTUM
    return _VERSION_WITH_TIMES if any(map(_has_times, documents)) else _VERSION


def _has_times(node: Node) -> bool:
    if isinstance(node, Leaf):
        return node.kind == "time"
    if isinstance(node, Mapping):
        return any(_has_times(item.value) for item in node.entries())
    return isinstance(node, Sequence) and any(_has_times(item) for item in node.nodes())


def _mac_mismatch(what: str) -> IntegrityError:
    return IntegrityError(
        f"this file was tampered with: {what}", hint="restore it from Git, and look at who changed it"
    )
