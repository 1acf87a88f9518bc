"""Drop files: secrets that somebody adds who cannot open the file they belong in.

A drop lies beside that file, is named after it and after the moment when it was made, and is encrypted to the same recipients:
`providers.drop-20260105T090000123456Z-1a2b3c4d.yaml` belongs in `providers.yaml`. It holds nothing but the new values, and wins over all
files of its layer, the newest drop over older ones, until somebody with a key folds it in.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from llmcfg.regex import regex

if TYPE_CHECKING:
    from datetime import datetime

_DROP: Final = regex(r"(?P<target>.+)\.drop-(?P<time>[0-9]{8}T[0-9]{12}Z)-[0-9a-f]{8}(?P<ending>\.ya?ml)")


def drop_name(file: str, moment: datetime) -> str:
    """A name that no drop has yet, for what belongs in `file`."""
    from secrets import token_hex

    stem, dot, ending = file.rpartition(".")
    return f"{stem}.drop-{moment.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{token_hex(4)}{dot}{ending}"


def drop_target(file: str) -> str | None:
    """The file that a drop belongs in; None for a file that is no drop."""
    match = _DROP.fullmatch(file)
    return f"{match['target']}{match['ending']}" if match else None


def laying_order(file: str) -> tuple[str, str]:
    """Sorts the secret files of one layer: later ones win. Drops come last, in the order of time."""
    match = _DROP.fullmatch(file)
    return (match["time"] if match else "", file)
