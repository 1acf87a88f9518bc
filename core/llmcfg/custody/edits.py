"""What somebody edits, and how what came of it is saved: a whole secret file, a new one, or the value of one secret."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from llmcfg.custody.changes import put, put_binary
from llmcfg.custody.places import BINARY
from llmcfg.custody.reveal import Wanted, open_values
from llmcfg.disk import hold_lock, make_folders, write_all
from llmcfg.errors import ConflictError, NotFoundError, UsageError
from llmcfg.limits import SOPS_FILE_BYTES
from llmcfg.secrets.amend import leaf_of
from llmcfg.secrets.names import renewed_names
from llmcfg.secrets.plain import plain_bytes
from llmcfg.secrets.rotations import FILE as ROTATIONS
from llmcfg.secrets.rotations import without
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.change import changes_between
from llmcfg.secrets.sops.edit import amend_file, replace_content
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.model import FileType, Leaf, file_type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from llmcfg.custody.files import Custody
    from llmcfg.custody.places import Held
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.creation import CreationRule


class Edit(Protocol):
    """`plain` is what to edit, under the file name `name`.

    `save` takes what came of it, and tells whether anything was written. It raises UsageError for what is broken, and ConflictError where
    somebody else's change stands in the way; then it may be called again.
    """

    @property
    def name(self) -> str: ...

    @property
    def plain(self) -> bytes: ...

    def save(self, edited: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A SOPS file of any kind, in a repository or not; `root` is the configuration's folder if it is in one. Made by `open_for_edit`."""

    place: Path
    file_type: FileType
    before: bytes = field(repr=False)
    plain: bytes = field(repr=False)
    identities: Sequence[Identity] = field(repr=False)
    lock: Path | None
    now: Callable[[], datetime]
    root: Path | None = None

    @property
    def name(self) -> str:
        return f"{self.place.name}.txt" if self.file_type is FileType.BINARY else self.place.name

    def save(self, edited: bytes) -> bool:
        with hold_lock(self.lock) if self.lock else nullcontext():
            content = _read(self.place)
            changed = self._changed(content, edited)
            if changed != content:
                write_all({self.place: changed, **self._settled(content, changed)})
            return changed != content

    def _settled(self, before: bytes, after: bytes) -> dict[Path, bytes]:
        """The file of marks for rotation without those of what has a new value now."""
        marks = self.root / ROTATIONS if self.root else None
        if self.root is None or marks is None or not marks.is_file() or marks.is_symlink():
            return {}
        file = self.place.resolve().relative_to(self.root.resolve()).as_posix()
        content = known = marks.read_bytes()
        for name in renewed_names(file, before, after):
            content = without(content, file, name)
        return {marks: content} if content != known else {}

    def _changed(self, content: bytes, edited: bytes) -> bytes:
        """Where somebody else changed the file meanwhile, both changes count."""
        if content == self.before:
            return replace_content(content, self.file_type, self.identities, edited, self.now())
        old = decrypt_file(self.before, self.file_type, self.identities).documents
        changes = changes_between(old, stores.parse_plain(edited, self.file_type))
        if changes is None:
            raise ConflictError(
                f"{self.place} was changed meanwhile, and you changed more in it than values",
                hint="change values only, and order and comments later",
            )
        return amend_file(content, self.file_type, self.identities, lambda _documents: changes, self.now())


@dataclass(frozen=True, slots=True)
class NewFileEdit:
    """A file that is not there yet, for those whom `rule` names. Nothing is made of an empty text."""

    place: Path
    file_type: FileType
    rule: CreationRule
    lock: Path | None
    now: Callable[[], datetime]
    plain: bytes = b""

    @property
    def name(self) -> str:
        return self.place.name

    def save(self, edited: bytes) -> bool:
        if not edited.strip():
            return False
        content = encrypt_file(
            edited,
            self.file_type,
            self.rule.groups,
            self.now(),
            rule=self.rule.rule,
            threshold=self.rule.threshold,
            mac_only_encrypted=self.rule.mac_only_encrypted,
        )
        with hold_lock(self.lock) if self.lock else nullcontext():
            if os.path.lexists(self.place):
                raise ConflictError(f"{self.place} was made meanwhile", hint="edit that file")
            make_folders(self.place.parent)
            write_all({self.place: content})
        return True


@dataclass(frozen=True, slots=True)
class ValueEdit:
    """The current value of one secret, as a text. Made by `open_value`."""

    custody: Custody
    held: Held
    leaf: Leaf

    @property
    def name(self) -> str:
        return "value.txt"

    @property
    def plain(self) -> bytes:
        return plain_bytes(self.leaf)

    def save(self, edited: bytes) -> bool:
        """The newline that editors put at the end counts only if there was one before."""
        if not self.plain.endswith(b"\n"):
            edited = edited.removesuffix(b"\n")
        if edited == self.plain:
            return False
        if open_values(self.custody, [Wanted(self.held)]) != {self.held.secret.name: self.leaf}:
            raise ConflictError(
                f"{self.held.secret.name} was changed meanwhile", hint="begin again, and look at it first"
            )
        if self.held.file.endswith(BINARY):
            return put_binary(self.custody, self.held.file, edited).outcome != "same"
        kind = self.leaf.kind if self.leaf.kind in ("int", "float", "bool") else "str"
        leaves = {self.held.secret.path: leaf_of(edited, kind)}
        return put(self.custody, self.held.folder, self.held.file, leaves).outcome != "same"


def open_for_edit(
    place: Path,
    identities: Callable[[], Sequence[Identity]],
    lock: Path | None,
    now: Callable[[], datetime],
    root: Path | None = None,
) -> FileEdit:
    """A file that is there; `root` is the folder of the configuration that it is part of.

    Raises as `decrypt_file`, and UsageError for one that can only be read.
    """
    file_type = editable_type(place)
    before = _read(place)
    plain = decrypt_file(before, file_type, identities()).plain
    return FileEdit(place, file_type, before, plain, identities(), lock, now, root)


def open_value(custody: Custody, held: Held) -> ValueEdit:
    """Raises as `reveal.open_values`, and UsageError for a value that is no text."""
    leaf = open_values(custody, [Wanted(held)])[held.secret.name]
    try:
        leaf.reveal().decode()
    except UnicodeDecodeError:
        raise UsageError(f"{held.secret.name} is no text", hint="set it from a file: --from-file") from None
    return ValueEdit(custody, held, leaf)


def editable_type(place: Path) -> FileType:
    """What a file is taken for. Raises UsageError for one that cannot be edited as a file."""
    file_type = file_type_of(place.name)
    if file_type is FileType.INI:
        raise UsageError(f"{place}: INI files are read and not written", hint="keep it as YAML, JSON or dotenv")
    if place.name.endswith(BINARY):
        raise UsageError(
            f"{place} is one value as a whole", hint=f"edit it by its name: llmcfg secret edit {place.stem}"
        )
    return file_type


def _read(place: Path) -> bytes:
    try:
        with place.open("rb") as stream:
            content = stream.read(SOPS_FILE_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(f"{place} is not there", hint="see what became of it: git status") from None
    if len(content) > SOPS_FILE_BYTES:
        raise UsageError(f"{place} has more than {SOPS_FILE_BYTES >> 20} MiB", hint="it is no secret file")
    return content
