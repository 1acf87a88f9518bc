"""Secret files in the work tree: read as they lie now, and written under a lock, so that two writers do not undo one another.

Rules: symbolic links are never followed or written through. A file that Git does not see is never replaced. No value is written that
the file's rule leaves in the clear, and nothing that the strict loader could not read.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from llmcfg.disk import hold_lock, make_folders, write_all
from llmcfg.documents.loader import load_document
from llmcfg.documents.paths import has_path, value_at
from llmcfg.errors import ConflictError, LlmcfgError, NotFoundError, StorageError, UsageError
from llmcfg.limits import DOCUMENT_BYTES, SOPS_FILE_BYTES
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.creation import CONFIG, CreationRules, parse_creation_rules
from llmcfg.secrets.rotations import FILE as ROTATIONS
from llmcfg.secrets.rotations import without
from llmcfg.secrets.sops.cipher import is_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from llmcfg.model.value import Path as KeyPath
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.creation import CreationRule

_RULE: Final = "{path_regex: '%s', age: [PUBLIC KEYS]}"


@dataclass(frozen=True, slots=True)
class Custody:
    """The secret files below `root` and who works on them. `identities` is asked for keys when a file is to be opened."""

    configuration: Configuration
    root: Path
    lock: Path
    identities: Callable[[], Sequence[Identity]] = field(repr=False)
    now: Callable[[], datetime]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Read, change and write inside of it. Raises PendingError while another process writes secrets here."""
        with hold_lock(self.lock):
            yield

    def has(self, file: str) -> bool:
        """Whether the configuration has this file."""
        return file in self.configuration.snapshot.entries

    def read(self, file: str) -> bytes:
        """The content now. Raises NotFoundError, and StorageError for what is no regular file."""
        try:
            descriptor = os.open(self._place(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                return stream.read(SOPS_FILE_BYTES + 1)
        except FileNotFoundError:
            raise NotFoundError(f"{file} is no longer there", hint="run the command again") from None
        except OSError as error:
            raise StorageError(f"cannot read {file}: {error.strerror}", hint="it has to be a regular file") from error

    def rule(self, file: str) -> CreationRule:
        """Who can open a file that is made. Raises NotFoundError with the rule to add, UsageError for one that cannot be used."""
        config = self.configuration.snapshot.entries.get(CONFIG)
        rules = parse_creation_rules(self.configuration.snapshot.read(config.oid)) if config else CreationRules(())
        if rules.find(file) is None:
            rule = _RULE % f"^{file.rpartition('/')[0]}/"
            add = f"add it to creation_rules: - {rule}" if rules.rules else f"write into it: creation_rules: [{rule}]"
            raise NotFoundError(f"no rule of {CONFIG} says who can open {file}", hint=add)
        return rules.rule_for(file)

    def settled(self, secrets: Iterable[tuple[str, str]]) -> dict[str, bytes]:
        """`rotations.yaml` without its entries for these secrets, by file and name, which get new values; nothing where it has none."""
        if not self.has(ROTATIONS):
            return {}
        before = after = self.read(ROTATIONS)
        for file, name in secrets:
            after = without(after, file, name)
        return {ROTATIONS: after} if after != before else {}

    def write(self, files: Mapping[str, bytes], removals: Iterable[str] = ()) -> None:
        """Write all of it or nothing. New files have to be new on the disk too."""
        for file in files:
            place = self._place(file)
            if not self.has(file) and os.path.lexists(place):
                raise ConflictError(
                    f"{file} is there, and the configuration does not see it",
                    hint="Git ignores it, or it is no regular file: move it away",
                )
            make_folders(place.parent)
        write_all({self._place(file): content for file, content in files.items()}, map(self._place, removals))

    def _place(self, file: str) -> Path:
        place = self.root / file
        here = place.parent
        while here != self.root:
            if here.is_symlink():
                raise UsageError(f"{here.relative_to(self.root)} is a symbolic link", hint="put a folder in its place")
            here = here.parent
        return place


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Errors about a file that does not know its name get it."""
    try:
        yield
    except LlmcfgError as error:
        error.message = f"{file}: {error.message}"
        error.args = (error.message,)
        raise


def check_sealed(file: str, content: bytes, paths: Iterable[KeyPath]) -> None:
    """Raises UsageError when a value that is to be secret would not be, or when the file could not be read again."""
    if len(content) > DOCUMENT_BYTES:
        raise UsageError(
            f"{file} would have more than {DOCUMENT_BYTES >> 20} MiB",
            hint="keep large secrets in files of their own: --file NAME.age",
        )
    document, problems = load_document(content, secrets=True)
    if document is None:
        raise UsageError(f"{file} would not be readable: {problems[0].message}", hint="choose another name or file")
    for path in paths:
        value = value_at(document.value, path) if has_path(document.value, path) else ""
        if not (isinstance(value, str) and is_token(value.encode("utf-8", "surrogateescape"))):
            raise UsageError(
                f"the rule of {file} leaves {format_key_path(path)} in the clear, so nothing was written",
                hint="choose another name, or another file with --file; what is encrypted stands under sops: in the file",
            )
