"""Setting, removing, rotating and retiring secrets: each verb changes one file of one layer, whole or not at all.

Whoever cannot open a file may still add to it: `put` then writes a drop file, which the next key holder folds in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.custody.files import check_sealed, naming
from llmcfg.custody.newfiles import find_names_only, new_drop, new_file
from llmcfg.custody.places import BINARY, refuse_waiting
from llmcfg.documents.editor import delete_value
from llmcfg.errors import NotAuthorisedError, UnknownKeyError, UsageError
from llmcfg.model.keypath import format_key_path, parse_key_path
from llmcfg.secrets.amend import removing, retiring, rotating, setting
from llmcfg.secrets.names import VALUE, read_secret_file, renewed_names
from llmcfg.secrets.sops.edit import amend_file
from llmcfg.secrets.sops.model import FileType, Leaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as AnyMapping

    from llmcfg.custody.files import Custody
    from llmcfg.custody.places import Held
    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.change import Amendment

Outcome: TypeAlias = Literal["changed", "same", "made", "dropped", "removed"]


class Written(NamedTuple):
    """What became of `file`: it was changed, was the same already, was made, holds a drop, or is gone with its last secret."""

    file: str
    outcome: Outcome


def put(custody: Custody, folder: str, file: str, leaves: AnyMapping[Path, Leaf]) -> Written:
    """Set values in a file of the layer `folder`, which is made by the rules of `.sops.yaml` if it is not there.

    Raises NotFoundError and UsageError as `Custody.rule` does, and ConflictError for what a key holder should fold in first.
    """
    return put_all(custody, folder, {file: leaves})[0]


def put_all(custody: Custody, folder: str, files: AnyMapping[str, AnyMapping[Path, Leaf]]) -> list[Written]:
    """The same for several files of one layer: all of them are written, or none is."""
    with custody.writing():
        prepared = [_prepared(custody, folder, file, leaves) for file, leaves in files.items()]
        writes = {written.file: content for written, content in prepared if written.outcome != "same"}
        renewed = [
            secret for file, (written, content) in zip(files, prepared, strict=True)
            for secret in _renewed(custody, file, written, content)
        ]  # fmt: skip
        custody.write({**writes, **custody.settled(renewed)})
        return [written for written, _ in prepared]


def put_binary(custody: Custody, file: str, content: bytes) -> Written:
    """Write a `.age` file by the rules of `.sops.yaml`. Needs no key, whether or not the file is there."""
    from llmcfg.secrets.age import encrypt_to, parse_recipient

    if not content:
        raise UsageError("no value was given", hint="to take a value away: llmcfg secret unset NAME")
    with custody.writing():
        rule = custody.rule(file)
        if len(rule.groups) > 1:
            raise UsageError(f"{file} cannot be shared between key groups", hint="keep it in a .yaml file")
        outcome: Outcome = "changed" if custody.has(file) else "made"
        sealed = encrypt_to([parse_recipient(text) for text in rule.recipients], content, armor=False)
        custody.write({file: sealed, **custody.settled(_all_names(file, sealed))})
        return Written(file, outcome)


def unset(custody: Custody, held: Held) -> Written:
    """Take a secret out of its file, and the file away with its last secret."""
    with custody.writing():
        content = custody.read(held.file)
        gone = custody.settled([(held.file, held.secret.name)])
        if len(read_secret_file(held.file, content).secrets) == 1:
            custody.write(gone, [held.file])
            return Written(held.file, "removed")
        path = parse_key_path(held.secret.name)
        if find_names_only(held.file, content) is not None:
            custody.write({held.file: delete_value(content, path), **gone})
            return Written(held.file, "changed")
        return _amend(custody, held.file, removing(path), settled=gone)


def rotate(custody: Custody, held: Held, leaf: Leaf) -> Written:
    """Give a secret a new value and keep the old one as its previous one. Raises ConflictError while it has one."""
    path = _path_of_rotated(held)
    with custody.writing():
        settled = custody.settled([(held.file, held.secret.name)])
        return _amend(custody, held.file, rotating(path, leaf), [(*path, VALUE)], settled)


def retire(custody: Custody, held: Held) -> Written:
    """Drop the previous value of a secret. Raises UnknownKeyError when it has none."""
    if held.secret.previous is None:
        raise UnknownKeyError(f"{held.secret.name} has no previous value", hint="nothing is left to retire")
    with custody.writing():
        return _amend(custody, held.file, retiring(_path_of_rotated(held)))


def _path_of_rotated(held: Held) -> Path:
    if held.file.endswith(BINARY):
        raise UsageError(
            f"{held.file} is one value and keeps no previous one", hint="set it, or keep it in a .yaml file"
        )
    return parse_key_path(held.secret.name)


def _prepared(custody: Custody, folder: str, file: str, leaves: AnyMapping[Path, Leaf]) -> tuple[Written, bytes]:
    if not custody.has(file):
        return Written(file, "made"), new_file(custody, file, leaves)
    content = custody.read(file)
    named = find_names_only(file, content)
    if named is not None:
        return Written(file, "made"), new_file(custody, file, leaves, named)
    try:
        with naming(file):
            changed = amend_file(content, FileType.YAML, custody.identities(), setting(leaves), custody.now())
    except NotAuthorisedError as error:
        drop, sealed = new_drop(custody, file, content, leaves, error)
        return Written(drop, "dropped"), sealed
    refuse_waiting(custody.configuration, folder, _names(file, content, leaves))
    return _checked(file, content, changed, leaves)


def _names(file: str, content: bytes, paths: Iterable[Path]) -> Iterator[str]:
    """The names of the secrets that lie at paths, or will."""
    known = {secret.path: name for name, secret in read_secret_file(file, content).secrets.items()}
    return (known.get(path, format_key_path(path)) for path in paths)


def _renewed(custody: Custody, file: str, written: Written, content: bytes) -> list[tuple[str, str]]:
    """The secrets of a file that get another value by what is written, into it or into a drop beside it."""
    before = custody.read(file) if written.file == file and custody.has(file) else None
    return [(file, name) for name in renewed_names(file, before, content)]


def _all_names(file: str, content: bytes) -> list[tuple[str, str]]:
    return [(file, name) for name in read_secret_file(file, content).secrets]


def _amend(
    custody: Custody,
    file: str,
    amendment: Amendment,
    sealed: Iterable[Path] = (),
    settled: AnyMapping[str, bytes] | None = None,
) -> Written:
    content = custody.read(file)
    with naming(file):
        changed = amend_file(content, FileType.YAML, custody.identities(), amendment, custody.now())
    written, changed = _checked(file, content, changed, sealed)
    if written.outcome != "same":
        custody.write({file: changed, **(settled or {})})
    return written


def _checked(file: str, content: bytes, changed: bytes, sealed: Iterable[Path]) -> tuple[Written, bytes]:
    check_sealed(file, changed, sealed)
    return Written(file, "same" if changed == content else "changed"), changed
