"""Who reads a key, as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.reach import reach_text, scopes_text
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import Style, paint, plural, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.pipeline.readers import Readers, Taker


def view_readers(readers: Readers, output: str, *, colour: bool = False, width: int | None = None) -> str:
    """`output` is table or json."""
    if output == "json":
        return to_json("Impact", _payload(readers))
    tables = (
        (
            ("CONSUMER", "SELECTS", "READS", "SCOPES"),
            [(each.consumer, each.select, each.key, _scopes(each.targets)) for each in readers.consumers],
        ),
        (
            ("TAKEN BY", "AS", "AT", "SCOPES"),
            [(each.key, written(each), str(each.origin), scopes_text(each.scopes)) for each in readers.takers],
        ),
        (
            ("FILE THAT SEES IT", "OF", "TEMPLATE", "SCOPES"),
            [(each.path, each.consumer, each.template, _scopes(each.targets)) for each in readers.files],
        ),
        (("POLICY THAT LOOKS AT IT",), [(file,) for file in readers.policies]),
    )
    drawn = [table(headings, rows, colour=colour, width=width) for headings, rows in tables]
    return "\n\n".join(filter(None, (paint(headline(readers), Style.BOLD, colour), *drawn)))


def headline(readers: Readers) -> str:
    """`limits.rpm is read by 3 consumers, in 300 bundles: prod x 100 tenants x 3 consumers`."""
    key = visible(readers.key)
    if readers.is_empty:
        return f"nobody reads {key}: no consumer selects it, and no reference, pattern or policy names it"
    if not readers.consumers:
        return f"no consumer gets {key}; {_others(readers)}"
    count = len({each.consumer for each in readers.consumers})
    return f"{key} is read by {plural(count, 'consumer')}, {visible(reach_text(readers.targets))}"


def written(taker: Taker) -> str:
    """As the configuration says it."""
    return f"$extends: {taker.written}" if taker.kind == "extends" else f"{{{{config:{taker.written}}}}}"


def _scopes(targets: Sequence[str]) -> str:
    return scopes_text([target.rpartition("/")[0] for target in targets])


def _others(readers: Readers) -> str:
    """Who looks at a key that no consumer gets."""
    takers, policies = len(readers.takers), len(readers.policies)
    said = [
        f"{plural(takers, 'reference')} {'takes' if takers == 1 else 'take'} it" if takers else "",
        f"{plural(policies, 'file')} of policies {'looks' if policies == 1 else 'look'} at it" if policies else "",
    ]
    return ", and ".join(filter(None, said))


def _payload(readers: Readers) -> dict[str, Any]:
    return {
        "key": readers.key,
        "scopes": list(readers.scopes),
        "targets": list(readers.targets),
        "consumers": [
            {"consumer": each.consumer, "select": each.select, "key": each.key, "targets": list(each.targets)}
            for each in readers.consumers
        ],
        "takers": [_taker(each) for each in readers.takers],
        "files": [
            {"consumer": each.consumer, "path": each.path, "template": each.template, "targets": list(each.targets)}
            for each in readers.files
        ],
        "policies": list(readers.policies),
    }


def _taker(taker: Taker) -> dict[str, Any]:
    return {
        "kind": taker.kind,
        "key": taker.key,
        "names": taker.written,
        "file": taker.origin.file,
        "line": taker.origin.line,
        "column": taker.origin.column,
        "scopes": list(taker.scopes),
    }
