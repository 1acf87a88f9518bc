"""A difference as text: for people, for pull requests, for programs, and as a patch of the rendered files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from llmcfg.model.difference import fields_of
from llmcfg_cli.views.diff_table import table
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.reach import summary
from llmcfg_cli.views.text import plural

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmcfg.model.impact import Difference

STYLES: Final = frozenset({"table", "patch"})
_WIDTH: Final = 160


def view_diff(
    difference: Difference,
    output: str,
    protected: Collection[str] = (),
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """`output` is table, json, md or patch. Reaches that hold a protected environment are marked; a table's lines are cut to `width`."""
    match output:
        case "json":
            return to_json("Diff", to_payload(difference, protected))
        case "md":
            from llmcfg_cli.views.diff_markdown import markdown

            return markdown(difference, protected)
        case "patch":
            return patch(difference)
        case _:
            return table(difference, protected, colour, width or _WIDTH)


def view_stat(difference: Difference) -> str:
    """Counts by environment, then in all; nothing for nothing."""
    if difference.is_empty:
        return ""
    targets = Counter(target.split("/")[0] for target in difference.affected)
    lines = [f"{environment}: {plural(count, 'bundle')}" for environment, count in sorted(targets.items())]
    return "\n".join([*lines, summary(difference)])


def to_payload(difference: Difference, protected: Collection[str] = ()) -> dict[str, Any]:
    """The difference as JSON-like values."""
    return {
        "values": [
            {**fields_of(value.change), "scopes": list(value.scopes), "targets": list(value.targets)}
            for value in difference.values
        ],
        "files": [
            {
                "consumer": file.consumer,
                "path": file.path,
                "kind": file.kind,
                "diff": file.diff,
                "targets": list(file.targets),
            }
            for file in difference.files
        ],
        "secrets": [
            {"name": secret.name, "kind": secret.kind, "targets": list(secret.targets)} for secret in difference.secrets
        ],
        "recipients": [
            {"recipient": it.recipient, "kind": it.kind, "targets": list(it.targets)} for it in difference.recipients
        ],
        "decisions": [fields_of(change) for change in difference.decisions],
        "targetsAdded": list(difference.targets_added),
        "targetsRemoved": list(difference.targets_removed),
        "affected": list(difference.affected),
        "protected": sorted({target.split("/")[0] for target in difference.affected} & set(protected)),
    }


def patch(difference: Difference) -> str:
    """Rendered files only, as `patch` and forges read them; paths name the consumer."""
    blocks = []
    for file in difference.files:
        head, body = file.diff.split("\n")[:2], file.diff.split("\n")[2:]
        names = [line.replace(f"/{file.path}", f"/{file.consumer}/{file.path}") for line in head]
        blocks.append("\n".join([*names, *body]))
    return "\n".join(blocks)
