"""What the cache of a repository holds, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import plural, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.cache.account import Redone
    from llmcfg.cache.care import CacheFile

_SHOWN: Final = 20


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


def view_redone(steps: Sequence[Redone], known: int) -> str:
    """What was done again and why; `known` is how much was not."""
    made = sum(len(step.about) for step in steps)
    lines = [f"cache: {plural(known, 'result')} known, {made:,} made anew"]
    for step, why, about in steps:
        rest = len(about) - _SHOWN
        lines.append(f"  {step}: {why}")
        lines += [f"    {visible(each)}" for each in about[:_SHOWN]]
        lines += [f"    and {rest:,} more"] if rest > 0 else []
    return "\n".join(lines)


def _count(number: int | None) -> str:
    return "damaged" if number is None else f"{number:,}"
