"""docs/spec/templates.md and what there is say the same."""

from __future__ import annotations

import re
from pathlib import Path

from llmcfg.model.rules import RULES
from llmcfg.pipeline.templates.filters import FILTERS
from llmcfg.pipeline.templates.sandbox import ALLOWED_FILTERS

TEXT = (Path(__file__).parents[2] / "docs/spec/templates.md").read_text(encoding="utf-8")


def test_every_filter_is_documented():
    section = TEXT[TEXT.index("## Filters") : TEXT.index("## Other templates")]
    words = set(re.findall(r"[a-z0-9_]+", section))
    assert words >= ALLOWED_FILTERS | FILTERS.keys()


def test_every_rule_about_templates_is_documented():
    rules = {name for name in RULES if name.startswith("template-")}
    assert set(re.findall(r"^\| `(template-[a-z]+)`", TEXT, re.MULTILINE)) == rules
