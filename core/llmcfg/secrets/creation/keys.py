"""The keys that `.sops.yaml` names, as entries that wrap nothing yet: the same names as in the metadata of files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from llmcfg.secrets.sops.metadata import KEY_LISTS, KeyEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Naming(NamedTuple):
    """How keys of one service stand in a key group: as texts, or as mappings whose `field` names them."""

    key: Callable[[str], KeyEntry]
    field: str = ""


def age_key(text: str) -> KeyEntry:
    """The key that a recipient is. Raises UsageError for what is none; one that needs a plugin is kept as it is."""
    from llmcfg.secrets.age.recipients import needed_plugin, parse_recipient

    return _named("age", text.strip() if needed_plugin(text) else parse_recipient(text).text)


def each_once(keys: Iterable[KeyEntry]) -> tuple[KeyEntry, ...]:
    first: dict[tuple[str, str], KeyEntry] = {}
    for key in keys:
        first.setdefault((key.service, key.name), key)
    return tuple(first.values())


def _named(service: str, name: str) -> KeyEntry:
    return KeyEntry(service, {KEY_LISTS[service]: name})


def _aws(text: str) -> KeyEntry:
    """A role may follow the key: `arn:aws:kms:…+arn:aws:iam:…`."""
    return _named("kms", text.partition("+")[0])


def _pgp(text: str) -> KeyEntry:
    return _named("pgp", text.replace(" ", ""))


def _server(service: str, text: str) -> KeyEntry:
    url = urlsplit(text)
    return _named(service, f"{url.scheme}://{url.netloc}" if url.netloc else text)


_GCP: Final = partial(_named, "gcp_kms")
_HUAWEI: Final = partial(_named, "hckms")
_AZURE: Final = partial(_server, "azure_kv")
_VAULT: Final = partial(_server, "hc_vault")

RULE_KEYS: Final[dict[str, Callable[[str], KeyEntry]]] = {
    "pgp": _pgp,
    "kms": _aws,
    "gcp_kms": _GCP,
    "hckms": _HUAWEI,
    "azure_keyvault": _AZURE,
    "hc_vault_transit_uri": _VAULT,
}
GROUP_KEYS: Final = {
    "pgp": Naming(_pgp),
    "kms": Naming(_aws, "arn"),
    "gcp_kms": Naming(_GCP, "resource_id"),
    "hckms": Naming(_HUAWEI, "key_id"),
    "azure_keyvault": Naming(_AZURE, "vaultUrl"),
    "hc_vault": Naming(_VAULT),
}
