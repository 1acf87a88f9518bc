"""Secrets without their values, as a table or JSON: where they are, who opens, changes and uses them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from llmcfg.secrets.creation.labels import short_label
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.custody.overview import Kept
    from llmcfg.custody.transfer import Incoming

_HEADINGS = ("NAME", "FILE", "CHANGED", "BY", "STATE", "USED BY", "RECIPIENTS")
_SHOWN = 3


def view_secrets(
    secrets: Sequence[Kept],
    output: str,
    labels: Mapping[str, str],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """`labels` are what recipients are called."""
    if output == "json":
        return to_json("SecretList", {"items": [_item(kept, labels) for kept in secrets]})
    return table(_HEADINGS, [_row(kept, labels) for kept in secrets], colour=colour, width=width)


def view_incoming(incoming: Sequence[Incoming], *, colour: bool = False, width: int | None = None) -> str:
    """What an import would do, without values."""
    words = {"new": "new", "changed": "changed", "same": "the same", "there": "there already"}
    rows = [(one.place.name, words[one.state], one.place.file) for one in incoming]
    return table(("NAME", "STATE", "FILE"), rows, colour=colour, width=width)


def _row(kept: Kept, labels: Mapping[str, str]) -> tuple[str, ...]:
    blame = kept.changed
    is_committed = blame is not None and blame.commit is not None
    return (
        kept.held.secret.name,
        kept.held.file,
        blame.when.date().isoformat() if blame and blame.when else "not committed",
        blame.author if blame and is_committed else "-",
        ", ".join(_states(kept)) or "-",
        _some(kept.consumers or [f"{name}.yaml" for name in kept.documents]) or "nothing",
        ", ".join(_recipients(kept, labels)) or "none",
    )


def _states(kept: Kept) -> Iterator[str]:
    """`due` with the day since when."""
    for state in kept.states:
        yield f"due since {min(due.since for due in kept.due)}" if state == "due" else state


def _item(kept: Kept, labels: Mapping[str, str]) -> dict[str, Any]:
    secret, blame = kept.held.secret, kept.changed
    return {
        "name": secret.name,
        "layer": kept.held.folder,
        "file": kept.held.file,
        "line": kept.line or None,
        "states": list(kept.states),
        "due": [
            {"since": due.since, "recipient": due.recipient or None, "reason": due.reason or None} for due in kept.due
        ],
        "changed": {
            "commit": blame.commit,
            "author": blame.author,
            "date": blame.when.isoformat() if blame.when else None,
        }
        if blame and blame.commit
        else None,
        "documents": list(kept.documents),
        "consumers": list(kept.consumers),
        "recipients": [
            {"recipient": name, "label": labels.get(name)} for name in kept.recipients if not kept.has_unnamed_keys
        ],
        "keys": len(kept.recipients),
    }


def _recipients(kept: Kept, labels: Mapping[str, str]) -> list[str]:
    if kept.has_unnamed_keys:
        return [f"{count} {kind}" for kind, count in Counter(kept.recipients).items()]
    return [short_label(name, labels) for name in kept.recipients]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
