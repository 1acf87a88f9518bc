"""The catalogue that comes with llmcfg, and the pin that a repository may hold instead. Read when first asked for."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from llmcfg.errors import NotFoundError
from llmcfg.llm.catalogue.catalogue import Catalogue

SHIPPED: Final = Path(__file__).with_name("models.json")
PRICES: Final = "model_prices_and_context_window_backup.json"
"""What litellm calls its price file, in the folder of its package."""


@lru_cache(maxsize=1)
def shipped_catalogue() -> Catalogue:
    return Catalogue(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name)


def installed_litellm() -> tuple[Path, str]:
    """The price file of the litellm package beside llmcfg, and its version. It is not imported: that takes seconds.

    Raises NotFoundError.
    """
    from importlib.metadata import PackageNotFoundError, version

    spec = find_spec("litellm")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        file = Path(folder) / PRICES
        if file.is_file():
            try:
                return file, version("litellm")
            except PackageNotFoundError:
                return file, "unknown"
    raise NotFoundError(
        "litellm is not installed beside llmcfg",
        hint="pip install --no-deps litellm, or name its price file: llmcfg catalogue update --from FILE",
    )
