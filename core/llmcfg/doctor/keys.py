"""Checks of secret files against keys: which of them open with the keys at hand, and which with one key alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.doctor.verdicts import ok, warn
from llmcfg.errors import LlmcfgError
from llmcfg.pipeline.sealed import inspected_file
from llmcfg.secrets.age import decrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmcfg.model.check import Check
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.age import Identity

_SHOWN = 3


def check_keys(configuration: Configuration, identities: Callable[[], Sequence[Identity]]) -> Iterator[Check]:
    """Nothing where there is no secret file that can be read. No value is decrypted, but for binary files, which do not name their keys."""
    layers = configuration.layout.layers.values()
    files = [entry for layer in layers for entry in layer.secret_files if configuration.secret_file(entry).is_readable]
    if not files:
        return
    yield _openable(configuration, files, identities())
    single = [entry.path for entry in files if _recipients(configuration, entry) == 1]
    if single:
        yield warn("escrow", f"{_of(single, files)} with one key only: {_some(single)}",
                   "add the recipient of a key that is kept elsewhere to .sops.yaml, then llmcfg secret recipients sync")  # fmt: skip
    else:
        yield ok("escrow", "every secret file opens with more than one key")


def _openable(configuration: Configuration, files: list[BlobEntry], identities: Sequence[Identity]) -> Check:
    if not identities:
        return ok("keys", f"no key at hand, so none of {len(files)} secret files opens here; most work needs none")
    closed = [entry.path for entry in files if not _opens(configuration, entry, identities)]
    if not closed:
        return ok("keys", f"the keys at hand open every secret file ({len(files)})")
    opening = [entry.path for entry in files if entry.path not in set(closed)]
    if not opening:
        return warn("keys", f"the keys at hand open none of {len(files)} secret files",
                    "ask somebody who can open them to add your recipient to .sops.yaml: llmcfg key show-public")  # fmt: skip
    return ok("keys", f"the keys at hand open {len(opening)} of {len(files)} secret files, and not {_some(closed)}")


def _opens(configuration: Configuration, entry: BlobEntry, identities: Sequence[Identity]) -> bool:
    inspected = inspected_file(configuration, entry)
    if inspected.metadata is not None:
        named = {one.name for one in inspected.metadata.entries if one.service == "age"}
        return any(identity.recipient.text in named for identity in identities)
    try:
        decrypt(configuration.snapshot.read(entry.oid), identities)
    except LlmcfgError:
        return False
    return True


def _recipients(configuration: Configuration, entry: BlobEntry) -> int:
    inspected = inspected_file(configuration, entry)
    if inspected.header is not None:
        return sum(not stanza.is_grease for stanza in inspected.header.stanzas)
    return len(inspected.metadata.entries) if inspected.metadata else 0


def _of(some: list[str], files: list[BlobEntry]) -> str:
    return (
        f"{len(some)} of {len(files)} secret files opens"
        if len(some) == 1
        else f"{len(some)} of {len(files)} secret files open"
    )


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:_SHOWN]) + (", …" if len(paths) > _SHOWN else "")
