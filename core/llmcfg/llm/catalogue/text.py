"""The catalogue as a file: JSON with a head and one model a line, sorted by id, so that a diff shows what changed of which model.

A line is parsed when its model is asked for: a catalogue of thousands costs a few milliseconds to open.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.llm.catalogue.model import CatalogueModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KIND: Final = "Catalogue"
_OPENING: Final = '"models": ['
_LINE: Final = '{"id": "'


class Head(NamedTuple):
    """Where a catalogue comes from: `source` and its `version`, the SHA-256 of the file read, and the day that it speaks of."""

    source: str
    version: str
    sha256: str
    date: date
    notice: str


class CatalogueText(NamedTuple):
    """`lines` are the models by id, as written."""

    head: Head
    lines: Mapping[str, str]


def open_catalogue(text: str, name: str) -> CatalogueText:
    """Raises UsageError for a file of another form."""
    try:
        head, separator, rest = text.partition(_OPENING)
        if not separator:
            raise ValueError(f"it has no {_OPENING}")
        lines = {_id(line): line for line in rest.splitlines() if line.startswith(_LINE)}
        return CatalogueText(_read_head(json.loads(head.rstrip().rstrip(",") + "}")), lines)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{name} is not a catalogue: {error}", hint="write it anew: llmcfg catalogue update --from litellm"
        ) from error


def read_model(line: str) -> CatalogueModel:
    return _from_mapping(json.loads(line.rstrip(",")))


def write_catalogue(head: Head, models: Iterable[CatalogueModel]) -> str:
    written = {
        "apiVersion": "llmcfg.dev/v1",
        "kind": KIND,
        "source": head.source,
        "version": head.version,
        "sha256": head.sha256,
        "date": head.date.isoformat(),
        "notice": head.notice,
    }
    fields = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in written.items())
    lines = ",\n".join(json.dumps(_as_mapping(model)) for model in sorted(models, key=lambda model: model.id))
    return f"{{{fields},\n{_OPENING}\n{lines}\n]}}\n"


def _id(line: str) -> str:
    return line[len(_LINE) : line.index('"', len(_LINE))]


def _read_head(head: Mapping[str, Any]) -> Head:
    if head["kind"] != KIND:
        raise ValueError(f"its kind is {head['kind']}")
    return Head(head["source"], head["version"], head["sha256"], date.fromisoformat(head["date"]), head["notice"])


def _as_mapping(model: CatalogueModel) -> dict[str, Any]:
    """What is known, in the order that people look for it."""
    fields = {
        "id": model.id,
        "provider": model.provider,
        "mode": model.mode,
        "context": model.context,
        "output": model.output,
        "in": model.price_in,
        "out": model.price_out,
        "cache_read": model.price_cache_read,
        "retires": model.retires.isoformat() if model.retires else None,
        "supports": sorted(model.supports),
        "lacks": sorted(model.lacks),
        "sampling": None if model.takes_sampling else False,
        "efforts": [*model.efforts],
        "gone_after": model.gone_after,
    }
    return {key: value for key, value in fields.items() if value not in (None, "", [])}


def _from_mapping(item: Mapping[str, Any]) -> CatalogueModel:
    return CatalogueModel(
        id=item["id"],
        provider=item.get("provider", ""),
        mode=item.get("mode", ""),
        context=item.get("context"),
        output=item.get("output"),
        price_in=item.get("in"),
        price_out=item.get("out"),
        price_cache_read=item.get("cache_read"),
        retires=date.fromisoformat(item["retires"]) if "retires" in item else None,
        supports=frozenset(item.get("supports", ())),
        lacks=frozenset(item.get("lacks", ())),
        takes_sampling=item.get("sampling", True),
        efforts=tuple(item.get("efforts", ())),
        gone_after=item.get("gone_after", ""),
    )
