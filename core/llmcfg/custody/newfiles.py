"""Secret files that are not there yet: encrypted by the rules of `.sops.yaml`, and drops for files that cannot be opened."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llmcfg.custody.files import check_sealed
from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.secrets.drops import drop_name
from llmcfg.secrets.names import read_secret_file
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.change import Change, apply
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import Comment, FileType, Item, Leaf, Mapping, Null

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping

    from llmcfg.custody.files import Custody
    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.model import Documents, Node


def new_file(custody: Custody, file: str, leaves: AnyMapping[Path, Leaf], documents: Documents | None = None) -> bytes:
    """The values, laid over `documents`, for those whom the rule names. Raises as `Custody.rule` and `check_sealed`."""
    rule = custody.rule(file)
    documents = documents or [Mapping([])]
    for path, leaf in leaves.items():
        documents = apply(documents, Change(path, leaf))
    content = encrypt_file(
        stores.write(documents, FileType.YAML),
        FileType.YAML,
        rule.groups,
        custody.now(),
        rule=rule.rule,
        threshold=rule.threshold,
        mac_only_encrypted=rule.mac_only_encrypted,
    )
    check_sealed(file, content, leaves)
    return content


def new_drop(
    custody: Custody, file: str, content: bytes, leaves: AnyMapping[Path, Leaf], why: NotAuthorisedError
) -> tuple[str, bytes]:
    """A drop beside `file`, which could not be opened. Raises NotAuthorisedError where it would hide or tell too much."""
    for secret in read_secret_file(file, content).secrets.values():
        if secret.path in leaves and secret.previous:
            raise NotAuthorisedError(
                f"{why.message}; and a drop file would hide the previous value of {secret.name}",
                hint="ask who can open the file to set it, or to retire the previous value",
            ) from None
    drop = drop_name(file, custody.now())
    if custody.rule(drop).keys != custody.rule(file).keys:
        raise NotAuthorisedError(
            f"{why.message}; and a drop file beside it would be open to others",
            hint=f"let one rule of .sops.yaml be for all of {PurePosixPath(file).parent}, or ask who can open the file",
        ) from None
    return drop, new_file(custody, drop, leaves)


def find_names_only(file: str, content: bytes) -> Documents | None:
    """The documents of a file that names secrets without values, and so is not encrypted. None for one that is, or is broken.

    Raises UsageError for a file with values in the clear.
    """
    try:
        documents = stores.parse_plain(content, FileType.YAML)
    except UsageError:
        return None
    if any(map(_has_values, documents)):
        raise UsageError(f"{file} is not encrypted", hint=f"encrypt it: llmcfg secret encrypt --in-place {file}")
    return documents


def _has_values(node: Node | Item | Comment) -> bool:
    match node:
        case Item():
            return _has_values(node.value)
        case Leaf():
            return bool(node.reveal())
        case Comment() | Null():
            return False
        case _:
            return any(map(_has_values, node.items))
