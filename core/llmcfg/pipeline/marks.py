"""What the bytes of a file show at a glance, looked for once for each content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.pipeline.known import is_sound, learn_sound, name_of

if TYPE_CHECKING:
    from llmcfg.model.findings import Problem
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.pipeline.configuration import Configuration

ALLOWANCE: Final = b"llmcfg: allow "


class Marks(NamedTuple):
    """Whether it may be a SOPS file, and whether comments in it may let findings pass."""

    sealed: bool
    allowance: bool


_NONE: Final = Marks(sealed=False, allowance=False)


def plaintext_in(configuration: Configuration, entry: BlobEntry) -> tuple[Problem, ...]:
    """What in a file has the shape of a secret."""
    memo = configuration.memo
    known = memo.plaintext.get(entry.oid)
    if known is None:
        if is_sound(memo.disk, name_of("plaintext", entry.oid), "look for plaintext", entry.path):
            return memo.plaintext.setdefault(entry.oid, ())
        from llmcfg.secrets.plaintext import find_plaintext

        known = _note_plaintext(
            configuration, entry, find_plaintext(configuration.snapshot.read(entry.oid), by_name=False)
        )
    return known


def may_be_kept(configuration: Configuration, entry: BlobEntry) -> bool:
    """Whether the values of a file may lie in a cache: nothing in it looks like a secret, by its shape or by its name."""
    from llmcfg.secrets.plaintext import find_plaintext

    found = find_plaintext(configuration.snapshot.read(entry.oid), by_name=True)
    if not found:
        _note_plaintext(configuration, entry, ())
    return not found


def _note_plaintext(configuration: Configuration, entry: BlobEntry, found: tuple[Problem, ...]) -> tuple[Problem, ...]:
    memo = configuration.memo
    memo.plaintext[entry.oid] = found
    if not found:
        learn_sound(memo.disk, name_of("plaintext", entry.oid))
    return found


def marks_of(configuration: Configuration, entry: BlobEntry) -> Marks:
    memo = configuration.memo
    known = memo.marks.get(entry.oid)
    if known is None:
        name = name_of("marks", entry.oid)
        if is_sound(memo.disk, name, "look through", entry.path):
            return memo.marks.setdefault(entry.oid, _NONE)
        from llmcfg.secrets.inspection import looks_sealed

        content = configuration.snapshot.read(entry.oid)
        known = memo.marks[entry.oid] = Marks(looks_sealed(content), ALLOWANCE in content)
        if known == _NONE:
            learn_sound(memo.disk, name)
    return known
