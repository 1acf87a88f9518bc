"""Values with an end are warned of ahead and fail after, at the line that sets them; a build does not ask what day it is."""

from __future__ import annotations

import json
from datetime import date

import pytest

from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate
from support.looked_at import said
from support.written import MANIFEST, WrittenSnapshot

SCHEMA = {
    "x-llmcfg-owner": "platform",
    "properties": {
        "rpm": {"type": "integer", "x-llmcfg-expires": "2026-10-31", "x-llmcfg-owner": "payments"},
        "routes": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/route"},
        },
        "models": {"type": "array", "items": {"x-llmcfg-review-by": "2026-06-30"}},
    },
    "additionalProperties": True,
    "$defs": {"route": {"properties": {"canary": {"x-llmcfg-expires": "2026-12-31"}}, "additionalProperties": True}},
}
BOUND = MANIFEST + "schemas: [{documents: limits, schema: schemas/limits.json}]\n"


def found(text: str, day: str, **overlays: str) -> list[str]:
    files = {
        "llmcfg.yaml": BOUND,
        "schemas/limits.json": json.dumps(SCHEMA),
        "base/limits.yaml": text,
        **{f"environments/{name}/limits.yaml": overlay for name, overlay in overlays.items()},
    }
    findings = validate(WrittenSnapshot(files), Memo(), date.fromisoformat(day))
    assert all(finding.hint for finding in findings)
    return [
        f"{each.severity} {each.rule_id} {each.origin} {each.message} in {', '.join(each.reach)}" for each in findings
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-09-30", []),
        ("2026-10-01", ["warning value-expires base/limits.yaml:1:1 limits.rpm expires on 2026-10-31 (owner: payments) in dev, prod"]),
        ("2026-10-31", ["warning value-expires base/limits.yaml:1:1 limits.rpm expires on 2026-10-31 (owner: payments) in dev, prod"]),
        ("2026-11-01", ["error value-expired base/limits.yaml:1:1 limits.rpm expired on 2026-10-31 (owner: payments) in dev, prod"]),
    ],
)  # fmt: skip
def test_value_is_warned_of_ahead_and_fails_after_its_day(day: str, expected: list[str]):
    assert found("rpm: 10\n", day) == expected


def test_value_is_found_where_it_is_set_and_with_the_nearest_owner():
    assert found("routes: {chat: {model: a}}\n", "2027-01-01", prod="routes: {chat: {canary: b}}\n") == [
        "error value-expired environments/prod/limits.yaml:1:17 limits.routes.chat.canary expired on 2026-12-31 (owner: platform) in prod"
    ]


def test_each_item_that_is_due_for_a_review_is_a_warning():
    assert found("models: [a, b]\n", "2026-07-01") == [
        "warning value-review base/limits.yaml:1:10 limits.models[0] was to be reviewed by 2026-06-30 (owner: platform) in dev, prod",
        "warning value-review base/limits.yaml:1:13 limits.models[1] was to be reviewed by 2026-06-30 (owner: platform) in dev, prod",
    ]


@pytest.mark.parametrize(
    ("day", "says"), [("2026-05-30", None), ("2026-05-31", "is"), ("2026-06-30", "is"), ("2026-07-01", "was")]
)
def test_a_review_is_asked_for_ahead_and_after_its_day(day: str, says: str | None):
    where = "warning value-review base/limits.yaml:1:10 limits.models[0]"
    expected = [f"{where} {says} to be reviewed by 2026-06-30 (owner: platform) in dev, prod"] if says else []
    assert found("models: [a]\n", day) == expected


def test_value_that_is_gone_has_no_end():
    assert found("other: 1\n", "2030-01-01") == []


def test_build_does_not_ask_what_day_it_is():
    files = {"llmcfg.yaml": BOUND, "schemas/limits.json": json.dumps(SCHEMA), "base/limits.yaml": "rpm: 10\n"}
    assert said(files) == []


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("x-llmcfg-expires", "2026-02-30"),
        ("x-llmcfg-expires", "20261231"),
        ("x-llmcfg-review-by", 2026),
        ("x-llmcfg-owner", ""),
    ],
)
def test_keyword_that_means_nothing_is_an_error_of_the_schema(keyword: str, value: object):
    schema = json.dumps({"properties": {"rpm": {keyword: value}}})
    files = {"llmcfg.yaml": BOUND, "schemas/limits.json": schema, "base/limits.yaml": "rpm: 10\n"}
    assert [each.split()[0] for each in said(files)] == ["schema-invalid"]
