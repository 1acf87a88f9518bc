"""What is sealed in a bundle: how its files are called, and what each was made from (docs/spec/bundle.md, "Sealed files").

Nothing here opens anything, so it needs no key and no cryptography.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from llmcfg.canonical import digest_of
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SECRETS: Final = "secrets.age"
SEALED_FOLDER: Final = "sealed/"
_OUTPUT: Final = regex(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")  # as in consumer.schema.json


SealedValue: TypeAlias = "str | int | float | bool | bytes"


class SealedFile(NamedTuple):
    """A file that only the recipients of a bundle open, and the sequence of the head that first named it."""

    content: bytes
    sequence: int


def is_sealed(path: str) -> bool:
    return path == SECRETS or path.startswith(SEALED_FOLDER)


def sealed_path(output: str) -> str:
    """Where an opened output lies, sealed whole."""
    return f"{SEALED_FOLDER}{output}.age"


def output_of(path: str) -> str:
    """The output that a sealed path is of."""
    return path.removeprefix(SEALED_FOLDER).removesuffix(".age")


def source_of(path: str, parts: Mapping[str, str], secrets: Mapping[str, str], recipients: Collection[str]) -> str:
    """The digest of what a sealed file is made from: the lock, the recipients and, for an opened output, the file with references.

    `parts` are the SHA-256 of a bundle's parts, of which that of the output is needed. A sealed file is as good as new for as long as
    this stays.
    """
    made_from: dict[str, Any] = {"recipients": sorted(recipients), "secrets": dict(secrets)}
    if path != SECRETS:
        made_from["file"] = parts[f"files/{output_of(path)}"]
    return f"sha256:{digest_of(made_from)}"


def find_misplaced(seals: Collection[str], parts: Collection[str]) -> str | None:
    """One of the paths that a bundle with these parts cannot seal: neither its secrets nor one of its outputs."""
    for path in seals:
        output = output_of(path)
        is_output = sealed_path(output) == path and f"files/{output}" in parts
        if path != SECRETS and not (is_output and _OUTPUT.fullmatch(output)):
            return path
    return None
