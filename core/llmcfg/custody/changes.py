"""Setting, removing, rotating and retiring secrets: each verb changes one file of one layer, whole or not at all.

Whoever cannot open a file may still add to it: `put` then writes a drop file, which the next key holder folds in.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.custody.files import check_sealed
from llmcfg.custody.places import BINARY
from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.model.keypath import parse_key_path
from llmcfg.secrets.amend import removing, retiring, rotating, setting
from llmcfg.secrets.drops import drop_name
from llmcfg.secrets.names import read_secret_file
from llmcfg.secrets.sops.change import Change, apply
from llmcfg.secrets.sops.edit import amend_file
from llmcfg.secrets.sops.model import FileType, Leaf, Mapping

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping

    from llmcfg.custody.files import Custody
    from llmcfg.custody.places import Held
    from llmcfg.model.value import Path
    from llmcfg.secrets.creation import CreationRule
    from llmcfg.secrets.sops.change import Amendment

Outcome: TypeAlias = Literal["changed", "same", "made", "dropped", "removed"]


class Written(NamedTuple):
    """What became of `file`: it was changed, was the same already, was made, holds a drop, or is gone with its last secret."""

    file: str
    outcome: Outcome


def put(custody: Custody, file: str, leaves: AnyMapping[Path, Leaf]) -> Written:
    """Set values in a file of a layer, which is made by the rules of `.sops.yaml` if it is not there.

    Raises NotFoundError and UsageError as `Custody.rule` does.
    """
    with custody.writing():
        if not custody.has(file):
            custody.write({file: _new_file(custody, file, leaves, custody.rule(file))})
            return Written(file, "made")
        content = custody.read(file)
        try:
            changed = amend_file(content, FileType.YAML, custody.identities(), setting(leaves), custody.now())
        except NotAuthorisedError as error:
            return _drop(custody, file, leaves, error)
        return _written(custody, file, content, changed, leaves)


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
        custody.write({file: encrypt_to([parse_recipient(text) for text in rule.recipients], content, armor=False)})
        return Written(file, outcome)


def unset(custody: Custody, held: Held) -> Written:
    """Take a secret out of its file, and the file away with its last secret."""
    with custody.writing():
        content = custody.read(held.file)
        if len(read_secret_file(held.file, content).secrets) == 1:
            custody.write({}, [held.file])
            return Written(held.file, "removed")
        return _amended(custody, held.file, content, removing(parse_key_path(held.secret.name)))


def rotate(custody: Custody, held: Held, leaf: Leaf) -> Written:
    """Give a secret a new value and keep the old one as its previous one. Raises ConflictError while it has one."""
    path = _path_of_rotated(held)
    with custody.writing():
        return _amended(custody, held.file, custody.read(held.file), rotating(path, leaf), [(*path, "value")])


def retire(custody: Custody, held: Held) -> Written:
    """Drop the previous value of a secret. Raises UnknownKeyError when it has none."""
    with custody.writing():
        return _amended(custody, held.file, custody.read(held.file), retiring(_path_of_rotated(held)))


def _path_of_rotated(held: Held) -> Path:
    if held.file.endswith(BINARY):
        raise UsageError(
            f"{held.file} is one value and keeps no previous one", hint="set it, or keep it in a .yaml file"
        )
    return parse_key_path(held.secret.name)


def _amended(
    custody: Custody,
    file: str,
    content: bytes,
    amendment: Amendment,
    paths: AnyMapping[Path, Leaf] | list[Path] | None = None,
) -> Written:
    changed = amend_file(content, FileType.YAML, custody.identities(), amendment, custody.now())
    return _written(custody, file, content, changed, paths or [])


def _written(
    custody: Custody, file: str, content: bytes, changed: bytes, paths: AnyMapping[Path, Leaf] | list[Path]
) -> Written:
    if changed == content:
        return Written(file, "same")
    check_sealed(file, changed, paths)
    custody.write({file: changed})
    return Written(file, "changed")


def _drop(custody: Custody, file: str, leaves: AnyMapping[Path, Leaf], error: NotAuthorisedError) -> Written:
    """A new file for those who can open `file`, by the rule that both share. Raises `error` again where there is no such rule."""
    drop = drop_name(file, custody.now())
    rule = custody.rule(file)
    if custody.rule(drop).keys != rule.keys:
        raise NotAuthorisedError(
            f"{error.message}; and a drop file beside it would be open to others",
            hint=f"let one rule of .sops.yaml be for all of {PurePosixPath(file).parent}, or ask who can open the file",
        ) from None
    custody.write({drop: _new_file(custody, drop, leaves, rule)})
    return Written(drop, "dropped")


def _new_file(custody: Custody, file: str, leaves: AnyMapping[Path, Leaf], rule: CreationRule) -> bytes:
    from llmcfg.secrets.sops import stores
    from llmcfg.secrets.sops.files import encrypt_file

    documents = [Mapping([])]
    for path, leaf in leaves.items():
        documents = apply(documents, Change(path, leaf))
    plain = stores.write(documents, FileType.YAML)
    content = encrypt_file(
        plain,
        FileType.YAML,
        rule.groups,
        custody.now(),
        rule=rule.rule,
        threshold=rule.threshold,
        mac_only_encrypted=rule.mac_only_encrypted,
    )
    check_sealed(file, content, leaves)
    return content
