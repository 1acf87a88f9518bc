"""docs/spec/sync.md has every field of the settings, every code of a failure and every event; faults.md has every failpoint."""

from __future__ import annotations

import json
import re
from collections import Counter

from llmcfg.errors import LlmcfgError
from llmcfg.model.failure import FailureKind, Step
from llmcfg.trust.signers import RULE as FORM

from .pages import PROJECT, SPEC, part, section
from .test_reference_pages import fields, last

PAGE = SPEC / "sync.md"
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "core").rglob("*.py"))}
SCHEMA = json.loads((PROJECT / "schemas/sync.schema.json").read_text(encoding="utf-8"))
NOT_OF_SYNC = {
    "stale-plan",
    "held",
    "partly-applied",
    "remote",
    "secret-context",
    "stale",
    "no-signing-key",
}


def test_fields_of_the_settings_are_the_documented_ones() -> None:
    found = part(PAGE, "Fields")
    real = {*fields(SCHEMA, SCHEMA)}
    assert real - {last(code) for one in found for code in one.code} == set()
    assert {last(cell) for one in found for cell in one.first_cells()} - real == set()


def codes() -> set[str]:
    """What an error or something held may be called, wherever it is said."""
    signing = PROJECT / "core/llmcfg/signing"  # has a page of its own
    said = "\n".join(text for path, text in SOURCES.items() if not path.is_relative_to(signing))
    found = {*re.findall(r'\bcode(?:: str)? ?= ?"([a-z-]+)"', said), *codes_of(LlmcfgError)}
    found |= set(re.findall(r'^\s+\w+Error, "([a-z-]+)",', said, re.MULTILINE))
    found |= set(re.findall(r'Held\(\s*ref,\s*"([a-z-]+)"', said))
    found |= set(re.findall(r'^SIG_[A-Z]+: Final = "([a-z-]+)"', said, re.MULTILINE)) | {FORM}
    found |= {f"hook-{stage}" for stage in ("validate", "signal", "probe")}
    return found


def codes_of(error: type[LlmcfgError]) -> set[str]:
    return {error.code}.union(*(codes_of(inner) for inner in error.__subclasses__()))


def test_every_code_of_a_failure_is_documented_and_exists() -> None:
    written = {*section(PAGE, "Failures").first_cells(), *section(PAGE, "What is accepted").first_cells()}
    assert written - {*FailureKind} <= codes() | {"builder-died", "pass-timeout", "drift"}
    assert codes() - NOT_OF_SYNC - {"courier-died"} <= written


def test_steps_and_kinds_are_documented_in_their_order() -> None:
    assert section(PAGE, "A pass").first_cells() == [str(step) for step in Step]
    assert section(PAGE, "Failures").first_cells()[:3] == [str(kind) for kind in FailureKind]


def test_every_event_is_documented_and_exists() -> None:
    texts = [text for path, text in SOURCES.items() if not path.is_relative_to(PROJECT / "core/llmcfg/agent")]
    said = {name for text in texts for name in re.findall(r'"event": "([a-z]+)"', text)}
    assert set(section(PAGE, "Events").first_cells()) == said


def test_every_failpoint_stands_at_one_place_and_is_documented() -> None:
    reached = Counter(name for text in SOURCES.values() for name in re.findall(r'\bfailpoint\("([a-z._]+)"\)', text))
    assert {name for name, count in reached.items() if count > 1} == set()
    documented = [
        name for name in section(SPEC / "faults.md", "Failpoints").first_cells() if "." in name and "=" not in name
    ]
    assert set(documented) == set(reached)
