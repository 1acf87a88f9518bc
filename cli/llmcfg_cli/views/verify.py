"""What was deployed beside what its commits give, as text and JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from llmcfg.sync.reproduction import Outcome
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.sync.reproduction import Reproduction

_SHOWN: Final = 3
_WORDS: Final = {
    Outcome.SAME: "the same",
    Outcome.DIFFERS: "not the same",
    Outcome.DAMAGED: "damaged",
    Outcome.UNBUILT: "not to be built any more",
    Outcome.MISSING: "of a commit that is not here",
    Outcome.OTHER_ENGINE: "of another engine, which this one cannot repeat",
}


def view_reproductions(found: Sequence[Reproduction], output: str, *, colour: bool = False) -> str:
    """`output` is table or json."""
    if output == "json":
        return to_json("Verification", {"items": [_payload(each) for each in found]})
    rows = [
        (
            each.state.environment,
            each.state.commit[:10],
            f"{each.state.when:%Y-%m-%d %H:%M}",
            each.state.source[:10],
            each.engine,
            each.outcome,
            _what(each),
        )
        for each in found
    ]
    return table(("ENV", "DEPLOYED", "WHEN", "SOURCE", "ENGINE", "RESULT", ""), rows, colour=colour)


def headline(found: Sequence[Reproduction]) -> str:
    """`3 states built again: 2 the same, 1 damaged`."""
    if not found:
        return "no such state was deployed"
    counts = Counter(each.outcome for each in found)
    said = [f"{counts[outcome]} {words}" for outcome, words in _WORDS.items() if counts[outcome]]
    return f"{plural(len(found), 'state')} built again: {', '.join(said)}"


def _what(each: Reproduction) -> str:
    """Why it is so, and the bundles that differ."""
    more = ", …" if len(each.differing) > _SHOWN else ""
    bundles = f"{plural(len(each.differing), 'bundle')}: {', '.join(each.differing[:_SHOWN])}{more}"
    return "; ".join(filter(None, (each.why, bundles if each.differing else "")))


def _payload(each: Reproduction) -> dict[str, Any]:
    return {
        "environment": each.state.environment,
        "commit": each.state.commit,
        "when": each.state.when.isoformat(),
        "source": each.state.source,
        "root": f"sha256:{each.state.root}",
        "engine": each.engine,
        "result": str(each.outcome),
        "differing": list(each.differing),
        "why": each.why,
    }
