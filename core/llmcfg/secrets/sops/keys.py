"""The data key of a file and the key services that wrap it.

Rules: a service gets entries of its own kind only. Of several groups, each gives a share of the data key (Shamir). A file that nobody
here can open is refused with the names of who could.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.limits import SOPS_RECIPIENTS_TRIED
from llmcfg.secrets.sops.cipher import DATA_KEY_BYTES
from llmcfg.secrets.sops.metadata import KeyEntry
from llmcfg.secrets.sops.shamir import combine, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.metadata import Metadata

_SHOWN = 12


class KeyService(Protocol):
    """One kind of key that data keys are wrapped with.

    `kind` is the name of its list in the metadata: `age`, `kms`, … `wrap` gives an entry for a recipient and raises UsageError for one that
    is none. `unwrap` gives the data key, or None when the keys at hand do not open the entry, and raises IntegrityError for a damaged one.
    """

    @property
    def kind(self) -> str: ...

    def wrap(self, data_key: bytes, recipient: str) -> KeyEntry: ...

    def unwrap(self, entry: KeyEntry) -> bytes | None: ...


class AgeKeys:
    """age recipients and identities."""

    kind = "age"

    def __init__(self, identities: Sequence[Identity] = ()) -> None:
        self._identities = tuple(identities)
        self._recipients = frozenset(identity.recipient.text for identity in self._identities)

    def fits(self, entry: KeyEntry) -> bool:
        """Whether an identity says that the entry is for it: such entries are worth trying first."""
        return entry.name in self._recipients

    def wrap(self, data_key: bytes, recipient: str) -> KeyEntry:
        from llmcfg.secrets.age import encrypt_to, parse_recipient

        parsed = parse_recipient(recipient)
        return KeyEntry(self.kind, {"enc": encrypt_to([parsed], data_key).decode(), "recipient": parsed.text})

    def unwrap(self, entry: KeyEntry) -> bytes | None:
        from llmcfg.secrets.age import decrypt

        fitting = [identity for identity in self._identities if identity.recipient.text == entry.name]
        wrapped = armored(entry)
        for identities in filter(None, (fitting, self._identities)):
            try:
                return decrypt(wrapped, identities)
            except NotAuthorisedError:
                continue
        return None


def new_data_key() -> bytes:
    return os.urandom(DATA_KEY_BYTES)


def find_data_key(metadata: Metadata, services: Sequence[KeyService]) -> bytes:
    """The data key. Raises NotAuthorisedError when too few groups open, IntegrityError when an entry that should open is damaged."""
    parts: list[bytes] = []
    damage: IntegrityError | None = None
    for group in metadata.groups:
        try:
            part = _open_group(group, services)
        except IntegrityError as error:
            part, damage = None, error
        if part is not None:
            parts.append(part)
        if len(parts) == metadata.needed:
            return combine(parts) if metadata.is_shared else parts[0]
    if damage is not None:
        raise damage
    raise _not_authorised(metadata, len(parts))


def wrap_data_key(
    data_key: bytes, groups: Sequence[Sequence[str]], threshold: int, service: KeyService
) -> tuple[tuple[KeyEntry, ...], ...]:
    """Entries for the recipients of each group: of one group the whole data key, of several a share each."""
    wanted = [tuple(dict.fromkeys(group)) for group in groups if group]
    if not wanted:
        raise UsageError(
            "nothing can be encrypted to nobody", hint="name at least one recipient, or write it in .sops.yaml"
        )
    parts = [data_key] if len(wanted) == 1 else split(data_key, len(wanted), threshold or len(wanted))
    return tuple(
        tuple(service.wrap(part, recipient) for recipient in group) for part, group in zip(parts, wanted, strict=True)
    )


def _open_group(group: Sequence[KeyEntry], services: Sequence[KeyService]) -> bytes | None:
    by_kind = {service.kind: service for service in services}
    known = [entry for entry in group if entry.service in by_kind][:SOPS_RECIPIENTS_TRIED]
    fitting = [entry for entry in known if _fits(by_kind[entry.service], entry)]
    damage: IntegrityError | None = None
    for entry in (*fitting, *(entry for entry in known if entry not in fitting)):
        try:
            part = by_kind[entry.service].unwrap(entry)
        except IntegrityError as error:
            damage = error
            continue
        if part is not None:
            return part
    if damage is not None:
        raise damage
    return None


def _fits(service: KeyService, entry: KeyEntry) -> bool:
    return isinstance(service, AgeKeys) and service.fits(entry)


def armored(entry: KeyEntry) -> bytes:
    """The age file of an entry, as it can be read: indentation is not part of it."""
    lines = (line.strip() for line in entry.wrapped.strip().splitlines())
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _not_authorised(metadata: Metadata, opened: int) -> NotAuthorisedError:
    names = [entry.label for entry in metadata.entries]
    shown = ", ".join(short_name(name) for name in names[:_SHOWN]) + (
        f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else ""
    )
    has_others = any(entry.service != "age" for entry in metadata.entries)
    hint = "ask who can open it to add your recipient; llmcfg key list shows yours"
    if has_others and not metadata.recipients:
        hint = "llmcfg opens files with age keys only: let sops add an age recipient to this one"
    if metadata.is_shared:
        what = (
            f"this file needs {metadata.needed} of {len(metadata.groups)} groups of keys, and {opened} could be opened"
        )
    else:
        what = "none of the keys at hand opens this file"
    return NotAuthorisedError(f"{what}; it is encrypted to {shown or 'nobody'}", hint=hint)


def short_name(name: str) -> str:
    """For people: post-quantum recipients and RSA keys are long."""
    return name if len(name) <= 80 else f"{name[:44]}…{name[-8:]}"
