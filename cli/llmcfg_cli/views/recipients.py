"""What becomes of the recipients of secret files, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.secrets.sops.keys import short_name
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.text import Style, paint, plural, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.custody.recipients import FilePlan, SyncPlan


def view_sync(plan: SyncPlan, output: str, *, colour: bool = False) -> str:
    """A plan as `table` or `json`; no text for a table without anything to say."""
    if output == "json":
        return to_json("RecipientsPlan", {"files": plan.total, "items": [_payload(one) for one in plan.files]})
    shown = [line for one in plan.of("differs", "refused") for line in _lines(one, colour)]
    unknown = [one.file for one in plan.of("unknown")]
    if unknown:
        shown.append(f"{plural(len(unknown), 'age file')} not looked into, since they do not say who can open them:")
        shown += [f"  {visible(file)}" for file in unknown]
        shown.append("  name such a file to encrypt it anew for the recipients of its rule")
    return "\n".join(shown)


def _lines(one: FilePlan, colour: bool) -> Iterator[str]:
    yield paint(visible(one.file), Style.BOLD, colour)
    yield from (paint(f"  + {visible(short_name(name))}", Style.GREEN, colour) for name in one.change.added)
    yield from (paint(f"  - {visible(short_name(name))}", Style.RED, colour) for name in one.change.removed)
    if one.change.regroups:
        yield "  other key groups, or another number of them that is needed"
    if one.change.replaces_data_key and one.state == "differs":
        yield "  the data key is replaced"
    if one.why:
        yield f"  {'cannot be brought in step: ' if one.state == 'refused' else ''}{visible(one.why)}"


def _payload(one: FilePlan) -> dict[str, Any]:
    return {
        "file": one.file,
        "state": one.state,
        "added": [*one.change.added],
        "removed": [*one.change.removed],
        "regroups": one.change.regroups,
        "replacesDataKey": one.state == "differs" and one.change.replaces_data_key,
        "why": one.why,
    }
