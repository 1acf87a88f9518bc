"""A catalogue made from LiteLLM's price file (MIT), laid over the one before it.

LiteLLM drops models some time after their last day, so what a fresh file lacks is kept from the catalogue before, with the version
that had it last: "retired" and "never heard of" stay apart.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from llmcfg.errors import UsageError
from llmcfg.llm.catalogue.model import CatalogueModel
from llmcfg.llm.catalogue.text import Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LICENCE: Final = Path(__file__).parent.with_name("LICENSE-litellm")
"""It goes with every catalogue: its text has to be in all copies of what is derived."""
_ABILITIES: Final = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_response_schema": "json_schema",
    "supports_reasoning": "reasoning",
    "supports_prompt_caching": "prompt_cache",
}
_NO_MODELS: Final = frozenset({"sample_spec", "fallback_generalizations"})


def read_litellm(content: bytes, name: str) -> dict[str, CatalogueModel]:
    """The models of LiteLLM's price file by id. Raises UsageError for a file of another form."""
    try:
        raw = json.loads(content)
        items = {key: value for key, value in raw.items() if key not in _NO_MODELS and '"' not in key}
        models = {key: _model(key, value) for key, value in items.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{name} is not LiteLLM's price file: {error}",
            hint="name model_prices_and_context_window_backup.json of a litellm package",
        ) from error
    if not any(model.provider for model in models.values()):
        raise UsageError(
            f"{name} names no models",
            hint="name model_prices_and_context_window_backup.json of a litellm package",
        )
    return models


def head_of(content: bytes, version: str, day: date) -> Head:
    return Head("litellm", version, hashlib.sha256(content).hexdigest(), day, _notice())


def _notice() -> str:
    return "Derived from the price file of LiteLLM.\n\n" + _LICENCE.read_text(encoding="utf-8")


def laid_over(
    fresh: Mapping[str, CatalogueModel], before: Iterable[CatalogueModel], version_before: str
) -> list[CatalogueModel]:
    """The fresh models, and those before that are not among them any more, sorted by id."""
    kept = (
        model if model.gone_after else replace(model, gone_after=version_before)
        for model in before
        if model.id not in fresh
    )
    return sorted([*fresh.values(), *kept], key=lambda model: model.id)


def _model(key: str, raw: Mapping[str, Any]) -> CatalogueModel:
    known = {word: raw[field] for field, word in _ABILITIES.items() if isinstance(raw.get(field), bool)}
    mode = str(raw.get("mode") or "")
    return CatalogueModel(
        id=key,
        provider=str(raw.get("litellm_provider") or ""),
        mode=mode,
        context=_count(raw.get("max_input_tokens") or raw.get("max_tokens")),
        output=_count(raw.get("max_output_tokens")) if mode in ("chat", "completion", "responses") else None,
        price_in=_per_million(raw.get("input_cost_per_token")),
        price_out=_per_million(raw.get("output_cost_per_token")),
        price_cache_read=_per_million(raw.get("cache_read_input_token_cost")),
        retires=_day(raw.get("deprecation_date")),
        supports=frozenset(word for word, there in known.items() if there),
        lacks=frozenset(word for word, there in known.items() if not there),
        takes_sampling=raw.get("supports_sampling_params") is not False,
        efforts=tuple(str(level) for level in raw.get("reasoning_effort_levels") or ()),
    )


def _count(value: object) -> int | None:
    """Some counts are written as text or as 1e6."""
    try:
        return int(float(str(value))) or None
    except ValueError:
        return None


def _per_million(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(repr(value)) * 1_000_000
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
