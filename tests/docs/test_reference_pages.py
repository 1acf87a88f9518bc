"""Limits, fields of files, digests of bundles and decisions: the pages have each of them, and nothing else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from llmcfg import limits
from llmcfg.model.rules import RULES
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import head_of, make_bundle, make_part, manifest_digests

from .pages import PROJECT, SPEC, links, pages, part, sections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LIMITS = {name.lower(): value for name, value in vars(limits).items() if name.isupper()}
MANIFEST, CONSUMER = (
    json.loads((PROJECT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("manifest", "consumer")
)
DECISIONS = PROJECT / "docs" / "adr"
SCALE = {"KiB": 1 << 10, "MiB": 1 << 20}


def test_every_limit_is_documented_with_its_value_and_exists() -> None:
    rows = [row for found in sections(SPEC / "limits.md") for row in found.rows()]
    assert {row[0].strip("`"): number(row[1]) for row in rows} == LIMITS


def test_limits_name_rules_that_exist() -> None:
    named = [
        code
        for found in sections(SPEC / "limits.md")
        for row in found.rows()
        for code in re.findall(r"`([a-z]+-[a-z-]+)`", row[-1])
    ]
    assert named
    assert set(named) <= set(RULES)


@pytest.mark.parametrize("page", [page for page in pages() if page.parent == SPEC], ids=lambda page: page.name)
def test_rules_that_a_page_names_exist(page: Path) -> None:
    families = "|".join(
        sorted({rule.split("-")[0] for rule in RULES} - {"template", "object", "layer", "document", "key"})
    )
    named = {code for found in sections(page) for code in found.code if re.fullmatch(rf"({families})-[a-z-]+", code)}
    assert named <= set(RULES)


@pytest.mark.parametrize(("schema", "heading"), [(MANIFEST, "Manifest"), (CONSUMER, "Consumers")])
def test_fields_of_a_file_are_the_documented_ones(schema: Mapping[str, Any], heading: str) -> None:
    found = part(SPEC / "repository.md", heading)
    real = {*fields(schema, schema)}
    assert real - {last(code) for one in found for code in one.code} == set()
    assert {last(cell) for one in found for cell in one.first_cells()} - real == set()


@pytest.mark.parametrize("file", ["manifest.json", "head.json"])
def test_fields_of_a_bundles_manifest_and_head_are_the_documented_ones(file: str) -> None:
    target = Target("prod", None, "app")
    bundle = make_bundle(target, {"files/a": make_part(b"a")}, {"key": "0" * 64}, ())
    written = {"manifest.json": bundle.manifest, "head.json": head_of("prod", manifest_digests({target: bundle}), None)}
    value = json.loads(written[file])
    found = part(SPEC / "bundle.md", f"`{file}`")
    assert {*keys(value)} - {last(code) for one in found for code in one.code} == set()
    assert {cell.partition(".")[0] for one in found for cell in one.first_cells()} == {*value}


def test_index_of_decisions_names_every_one_and_nothing_else() -> None:
    named = [link for link in links(DECISIONS / "README.md") if not link.startswith(("#", ".."))]
    assert named == sorted(file.name for file in DECISIONS.glob("*.md") if file.name != "README.md")


@pytest.mark.parametrize("page", sorted(DECISIONS.glob("0*.md")), ids=lambda page: page.name)
def test_decision_says_status_context_alternatives_and_what_it_costs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]}: ")
    assert re.search(r"^Status: \w+", text, re.MULTILINE)
    headings = [found.title for found in sections(page)]
    assert [title for title in headings if title in ("Context", "Options", "Decision", "Consequences")] == [
        "Context", "Options", "Decision", "Consequences",
    ]  # fmt: skip
    consequences = " ".join(found.text + found.title for found in part(page, "Consequences"))
    assert re.search(r"\b(Bad|Negative|Costs?)\b", consequences)


def number(cell: str) -> int:
    digits, _, unit = cell.partition(" ")
    return int(digits.replace(",", "")) * SCALE.get(unit, 1)


def last(field: str) -> str:
    """`keep` of `sinks[].directory.keep`."""
    return field.rpartition(".")[2].removesuffix("[]")


def fields(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    """The names of fields that a schema knows, at any depth."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from fields(inner, root)
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from fields(inner, root)


def keys(value: Any, around: str = "") -> Iterator[str]:
    """The names of fields of a written file; keys that are data, such as paths, are none."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if around not in ("parts", "secrets", "bundles"):
                yield key
            yield from keys(inner, key)
