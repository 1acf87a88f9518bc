"""Makes the catalogue that llmcfg ships, from wheels of litellm: `python .ci/catalogue.py DAY WHEEL…`.

DAY is the one that the catalogue speaks of. The wheels are laid over one another in the order of their versions, so that what a later one
dropped is known with the version that had it last. `pip download --no-deps litellm==VERSION` fetches one. Nothing of a wheel is run.
`llmcfg catalogue update` refreshes the catalogue of a repository; this is for the one that comes with llmcfg.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from zipfile import ZipFile

from packaging.utils import parse_wheel_filename

from llmcfg.llm.catalogue.derive import head_of, laid_over, read_litellm
from llmcfg.llm.catalogue.model import CatalogueModel
from llmcfg.llm.catalogue.shipped import PRICES, SHIPPED
from llmcfg.llm.catalogue.text import write_catalogue


def catalogue_of(wheels: Iterable[Path], day: date) -> str:
    models: list[CatalogueModel] = []
    before, content = "", b""
    for wheel in sorted(wheels, key=lambda wheel: parse_wheel_filename(wheel.name)[1]):
        version = str(parse_wheel_filename(wheel.name)[1])
        content = ZipFile(wheel).read(f"litellm/{PRICES}")
        models = laid_over(read_litellm(content, wheel.name), models, before)
        before = version
    return write_catalogue(head_of(content, before, day), models)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", sys.argv[1]):
        sys.exit("usage: python .ci/catalogue.py YYYY-MM-DD WHEEL…")
    SHIPPED.write_text(catalogue_of(map(Path, sys.argv[2:]), date.fromisoformat(sys.argv[1])), encoding="utf-8")
