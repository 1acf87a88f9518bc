"""What a key could read, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table

if TYPE_CHECKING:
    from llmcfg.custody.revocation import Look, Readable
    from llmcfg.model.snapshot import CommitFacts


def view_readable(look: Look, output: str, *, colour: bool = False) -> str:
    if output == "json":
        return to_json(
            "ReadableSecrets",
            {"commits": look.commits, "isWhole": look.is_whole, "items": [_payload(one) for one in look.found]},
        )
    rows = [
        (one.file, one.name, _commit(one.first), _commit(one.last) + (" by rule" if one.by_rule else ""))
        for one in look.found
    ]
    return table(("FILE", "SECRET", "FIRST", "LAST"), rows, colour=colour)


def _commit(facts: CommitFacts) -> str:
    return f"{facts.commit[:10]} {facts.when:%Y-%m-%d}"


def _payload(one: Readable) -> dict[str, Any]:
    return {
        "file": one.file,
        "secret": one.name,
        "first": {"commit": one.first.commit, "when": one.first.when.isoformat()},
        "last": {"commit": one.last.commit, "when": one.last.when.isoformat()},
        "byRule": one.by_rule,
    }
