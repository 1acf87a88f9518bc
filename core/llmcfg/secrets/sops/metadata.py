"""The `sops` key of a file: who can open it, which values are encrypted, and the MAC.

Reading is liberal (empty lists, nulls, unknown keys, fractions of seconds); writing is what sops 3.13 writes. Entries of key services
that are not ours (PGP, cloud KMS, Vault) are kept as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final

from llmcfg.errors import IntegrityError, UsageError
from llmcfg.regex import regex
from llmcfg.secrets.sops.model import Item, Leaf, Mapping, Null, Sequence, text_leaf, text_of
from llmcfg.secrets.sops.numbers import normal_time
from llmcfg.secrets.sops.rules import RULE_KINDS, Rule, parse_rule

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping
    from collections.abc import Sequence as AnySequence
    from datetime import datetime

    from llmcfg.secrets.sops.model import Comment, Node

# The lists that hold wrapped data keys, and what names the key in an entry.
KEY_LISTS: Final[dict[str, str]] = {
    "age": "recipient",
    "azure_kv": "vault_url",
    "gcp_kms": "resource_id",
    "hc_vault": "vault_address",
    "hckms": "key_id",
    "kms": "arn",
    "pgp": "fp",
}
_LABELS: Final = {
    "age": "age",
    "azure_kv": "Azure Key Vault",
    "gcp_kms": "GCP KMS",
    "hc_vault": "Vault Transit",
    "hckms": "HuaweiCloud KMS",
    "kms": "AWS KMS",
    "pgp": "PGP",
}
_SEMVER: Final = regex(r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_QUOTED_TIMES: Final = (3, 13)  # sops refuses unquoted times from this release on; before it, they were allowed


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One wrapped data key, or share of it. `source` is the entry as it was read: it is written back as it was."""

    service: str
    fields: AnyMapping[str, str]
    source: Mapping | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.fields.get(KEY_LISTS.get(self.service, ""), "")

    @property
    def label(self) -> str:
        """For people: `AWS KMS arn:aws:…`."""
        return f"{_LABELS.get(self.service, self.service)} {self.name}".strip()

    @property
    def wrapped(self) -> str:
        return self.fields.get("enc", "")


@dataclass(frozen=True, slots=True)
class Metadata:
    """`groups` is one group of entries for an ordinary file; of several, `threshold` (or all) are needed."""

    groups: tuple[tuple[KeyEntry, ...], ...]
    lastmodified: str
    mac: str = field(repr=False)
    version: str
    rule: Rule = field(default_factory=Rule)
    mac_only_encrypted: bool = False
    threshold: int = 0

    @property
    def is_shared(self) -> bool:
        return len(self.groups) > 1

    @property
    def needed(self) -> int:
        """How many groups have to give their share."""
        return min(self.threshold or len(self.groups), len(self.groups)) if self.is_shared else 1

    @property
    def entries(self) -> tuple[KeyEntry, ...]:
        return tuple(entry for group in self.groups for entry in group)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The age recipients, in order."""
        return tuple(entry.name for entry in self.entries if entry.service == "age")


def parse_metadata(node: Node) -> Metadata:
    """From the value of the `sops` key. Raises IntegrityError for what no sops would write."""
    if not isinstance(node, Mapping):
        raise malformed("it is not a mapping")
    version = _text(node, "version")
    if not version:
        raise malformed("it has no version", "version")
    if _SEMVER.fullmatch(version) is None:
        raise malformed("its version is not of the form 3.9.0", "version")
    top = tuple(entry for service in _services(node) for entry in _entries(node, service))
    nested = _nodes(node, "key_groups")
    groups = tuple(
        tuple(entry for service in _services(group) for entry in _entries(group, service))
        for group in nested
        if isinstance(group, Mapping)
    )
    try:
        rule = parse_rule({kind: _text(node, kind) for kind in RULE_KINDS})
    except UsageError as error:
        raise malformed(error.message) from None
    return Metadata(
        groups=groups or (top,),
        lastmodified=_lastmodified(node, version),
        mac=_text(node, "mac"),
        version=version,
        rule=rule,
        mac_only_encrypted=_text(node, "mac_only_encrypted") in ("true", "True"),
        threshold=_number(node, "shamir_threshold"),
    )


def metadata_tree(metadata: Metadata) -> Mapping:
    """What stands under `sops` in a new file: keys in alphabetical order."""
    fields: dict[str, Node] = {
        "lastmodified": text_leaf(metadata.lastmodified),
        "mac": text_leaf(metadata.mac),
        "version": text_leaf(metadata.version),
    }
    if metadata.is_shared:
        fields["key_groups"] = Sequence([_group_tree(group, nested=True) for group in metadata.groups])
        if metadata.threshold:
            fields["shamir_threshold"] = Leaf("int", b"%d" % metadata.threshold)
    else:
        fields |= {item.key: item.value for item in _group_tree(metadata.groups[0]).entries()}
    if metadata.rule.kind:
        fields[metadata.rule.kind] = text_leaf(metadata.rule.text)
    if metadata.mac_only_encrypted:
        fields["mac_only_encrypted"] = Leaf("bool", b"True")
    return Mapping([Item(key, fields[key]) for key in sorted(fields)])


def update_tree(old: Mapping, metadata: Metadata) -> Mapping:
    """The same as `metadata_tree` in the order of an existing file, with the keys in it that are not known here."""
    new = {item.key: item for item in metadata_tree(metadata).entries()}
    ours = {*KEY_LISTS, "key_groups", "shamir_threshold", *RULE_KINDS, "mac_only_encrypted"}
    kept = [new.pop(item.key, item) for item in old.entries() if item.key in new or item.key not in ours]
    for key in sorted(new):
        at = next((place for place, item in enumerate(kept) if item.key > key), len(kept))
        kept.insert(at, new[key])
    return Mapping(list(kept))


def write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def mac_additional_data(lastmodified: str) -> bytes:
    """What binds the MAC to the time of the last change: without fractions of a second."""
    return re.sub(r"\.[0-9]+", "", lastmodified).encode()


class DamagedMetadataError(IntegrityError):
    """`key` is the one in the metadata that is wrong; empty for the whole."""

    def __init__(self, message: str, *, hint: str, key: str) -> None:
        super().__init__(message, hint=hint)
        self.key = key


def malformed(what: str, key: str = "") -> DamagedMetadataError:
    return DamagedMetadataError(
        f"the sops metadata of this file is damaged: {what}", hint="restore the file from Git", key=key
    )


def _group_tree(group: AnySequence[KeyEntry], *, nested: bool = False) -> Mapping:
    lists: dict[str, list[Mapping]] = {}
    for entry in group:
        items: list[Item | Comment] = [Item(key, text_leaf(value)) for key, value in sorted(entry.fields.items())]
        lists.setdefault(entry.service, []).append(entry.source or Mapping(items))
    if nested:
        lists.setdefault("hc_vault", [])  # sops writes it in every group
    return Mapping([Item(service, Sequence(list(lists[service]))) for service in sorted(lists)])


def _services(node: Mapping) -> list[str]:
    return [item.key for item in node.entries() if item.key in KEY_LISTS]


def _entries(node: Mapping, service: str) -> list[KeyEntry]:
    entries: list[KeyEntry] = []
    for value in _nodes(node, service):
        if not isinstance(value, Mapping):
            raise malformed(f"an entry of {service} is not a mapping", service)
        fields = {item.key: text_of(item.value) for item in value.entries() if isinstance(item.value, Leaf)}
        entries.append(KeyEntry(service, fields, value))
    return entries


def _nodes(node: Mapping, key: str) -> list[Node]:
    item = node.find(key)
    if item is None or isinstance(item.value, Null) or (isinstance(item.value, Leaf) and not item.value.reveal()):
        return []
    if not isinstance(item.value, Sequence):
        raise malformed(f"{key} is not a list", key)
    return list(item.value.nodes())


def _text(node: Mapping, key: str) -> str:
    item = node.find(key)
    if item is None or isinstance(item.value, Null):
        return ""
    if not isinstance(item.value, Leaf):
        raise malformed(f"{key} is not a text", key)
    return text_of(item.value)


def _number(node: Mapping, key: str) -> int:
    text = _text(node, key)
    if text and not (text.isascii() and text.isdigit()):
        raise malformed(f"{key} is not a number", key)
    return int(text or 0)


def _lastmodified(node: Mapping, version: str) -> str:
    item = node.find("lastmodified")
    text = _text(node, "lastmodified")
    release = tuple(int(part) for part in version.removeprefix("v").split(".")[:2])
    if item is not None and isinstance(item.value, Leaf) and item.value.kind == "time" and release >= _QUOTED_TIMES:
        raise malformed("lastmodified is a time and not a string: it needs quotes", "lastmodified")
    try:
        return normal_time(text)
    except ValueError:
        raise malformed("lastmodified is not a time such as 2026-01-31T12:00:00Z", "lastmodified") from None
