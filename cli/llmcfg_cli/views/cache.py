"""What the cache of a repository holds, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.cache.care import CacheFile


def view_cache(files: Sequence[CacheFile], output: Literal["table", "json"]) -> str:
    if output == "json":
        return to_json("Cache", {"files": [{**file._asdict(), "file": str(file.file)} for file in files]})
    rows = [
        (
            "this" if file.is_current else "another",
            f"{file.size:,}",
            _count(file.facts),
            _count(file.documents),
            str(file.file),
        )
        for file in files
    ]
    return table(("ENGINE", "BYTES", "FACTS", "DOCUMENTS", "FILE"), rows)


def _count(number: int | None) -> str:
    return "damaged" if number is None else f"{number:,}"
