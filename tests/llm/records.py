"""Records written in a test as one text: a document begins with a line `# name`."""

from __future__ import annotations

import re
from datetime import date

from llmcfg.documents.loader import load_document
from llmcfg.llm.catalogue.shipped import shipped_catalogue
from llmcfg.llm.platform import Platform, Setting
from llmcfg.llm.records.platform import read_records
from llmcfg.llm.rules.ground import Ground
from llmcfg.model.value import Value

GROUND = Ground(date(2026, 11, 25), shipped_catalogue())


def documents(text: str) -> dict[str, Value]:
    parts = re.split(r"^# (\S+)\n", text, flags=re.MULTILINE)
    found: dict[str, Value] = {}
    for name, content in zip(parts[1::2], parts[2::2], strict=True):
        document, problems = load_document(content.encode())
        assert document is not None, problems
        found[name] = document.value
    return found


def platform(text: str, setting: Setting | None = None) -> Platform:
    return read_records(documents(text), setting or Setting(environment="prod"))
