"""Schemas, the sample's copies of them and the page about prompts say the same as the table of fields."""

from __future__ import annotations

import re
from pathlib import Path

from tests.prompts.update import written

from llmcfg.prompts.fields import INDEX, VARIABLE, VERSION

PAGE = Path(__file__).resolve().parents[2] / "docs/spec/prompts.md"


def test_schemas_are_those_that_the_table_makes():
    for place, text in written().items():
        assert place.read_text(encoding="utf-8") == text, f"{place}: python -m tests.prompts.update"


def test_the_page_has_every_field():
    rows = re.findall(r"^\| `([a-z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [*INDEX, *VERSION, *VARIABLE]
