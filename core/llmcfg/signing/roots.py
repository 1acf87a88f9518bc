"""The root of trust of a machine, from its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import IntegrityError, NotFoundError
from llmcfg.limits import TRUST_ROOT_BYTES
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.root import first_root

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.trust.root import Root


def read_root(path: Path) -> Root:
    """The version in a file, signed by its own keys. Raises NotFoundError, and IntegrityError for what is no such root."""
    try:
        return first_root(read_root_file(path))
    except SignatureError as error:
        raise IntegrityError(f"{path} is no root of trust: {error.reason}", code=error.code) from None


def read_root_file(path: Path) -> bytes:
    """Its bytes, whatever they are. Raises NotFoundError."""
    try:
        with path.open("rb") as file:
            return file.read(TRUST_ROOT_BYTES + 1)
    except OSError as error:
        raise NotFoundError(
            f"the root of trust {path} cannot be read: {error.strerror}", hint="name the file that llmcfg trust wrote"
        ) from None
