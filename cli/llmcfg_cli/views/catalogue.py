"""A model of the catalogue as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg_cli.views.document import to_json

if TYPE_CHECKING:
    from llmcfg.llm.catalogue.model import CatalogueModel
    from llmcfg.llm.catalogue.text import Head


def view_model(model: CatalogueModel, head: Head, output: str) -> str:
    if output == "json":
        return to_json(
            "CatalogueModel",
            {**_fields(model), "source": f"{head.source} {head.version}", "date": head.date.isoformat()},
        )
    rows = [
        (name.replace("_", " "), _text(value)) for name, value in _fields(model).items() if value not in (None, "", [])
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {text}" for name, text in rows]
    return "\n".join([*lines, f"{'source':<{width}}  {head.source} {head.version}, {head.date}"])


def _fields(model: CatalogueModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "provider": model.provider,
        "mode": model.mode,
        "context": model.context,
        "output": model.output,
        "input_per_million": model.price_in,
        "output_per_million": model.price_out,
        "cache_read_per_million": model.price_cache_read,
        "retires": model.retires.isoformat() if model.retires else None,
        "gone_after": model.gone_after,
        "supports": sorted(model.supports),
        "lacks": sorted(model.lacks),
        "takes_sampling": model.takes_sampling,
        "reasoning_efforts": [*model.efforts],
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
