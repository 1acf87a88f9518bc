"""docs/spec/agent.md has every message that passes at the socket, by its number, and every event."""

from __future__ import annotations

import re

from llmcfg.client import agentwire

from .pages import PROJECT, SPEC, section

PAGE = SPEC / "agent.md"


def test_every_message_is_documented_with_its_number_and_elements() -> None:
    written = [(row[0], row[1], len(row[2].split(", ")) if row[2] else 0) for row in section(PAGE, "Messages").rows()]

    def known(names: str) -> list[tuple[str, str, int]]:
        kinds = [getattr(agentwire, name) for name in names.split(" | ")]
        return [(str(kind.__struct_config__.tag), kind.__name__, len(kind.__struct_fields__)) for kind in kinds]

    assert written == [*known(agentwire.Request), *known(agentwire.Answer)]


def test_every_event_is_documented_and_exists() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "core/llmcfg/agent").rglob("*.py"))
    said = {*re.findall(r'"event": "([a-z]+)"', sources), *re.findall(r'_tell\("([a-z]+)"', sources)}
    assert {name for cell in section(PAGE, "Events").first_cells() for name in cell.split(", ")} == said
