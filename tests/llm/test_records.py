"""Records: their readers look for the fields of the tables and no others, and the shipped schemas and the page say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from tests.docs.records_page import PAGE, PROJECT, made

from llmcfg.llm.platform import Setting
from llmcfg.llm.records.fields import BUDGETS, GUARDRAILS, PROVIDER, RECORDS, Field, Record
from llmcfg.llm.records.folders import FOLDERS
from llmcfg.llm.records.platform import read_records
from llmcfg.llm.records.schemas import schema_files
from llmcfg.llm.vendors import VENDORS
from llmcfg.pipeline.recordschemas import DOCUMENTS, record_schema
from llmcfg.pipeline.schema.check import check
from support.looked_at import said

FREE_FORM = {
    "provider": {"models", "model", "default_model", "fallback", "fallbacks", "fallback_models"},
    "model": {"rpm", "tpm", "max_parallel", "requests_per_minute", "tokens_per_minute", "max_parallel_requests", "concurrency"},
}  # fmt: skip
"""What free-form documents may hold in other places: models inside of providers, and rates beside other settings."""
HERE = {"provider": "providers/here", "model": "models/here", "route": "routes/here", "mcp-server": "mcp/here"}


class Watched(dict[str, Any]):
    """A mapping that remembers which keys were asked for."""

    def __init__(self, content: dict[str, Any], where: str, asked: set[str]) -> None:
        super().__init__(content)
        self.where, self.asked = where, asked

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(self.where + key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.asked.add(f"{self.where}{key}")
        return super().__contains__(key)


def example(fields: Iterable[Field], where: str, asked: set[str]) -> Watched:
    """A mapping with every field, to whatever depth."""
    return Watched({field.name: _value(field, where, asked) for field in fields if field.kind != "free"}, where, asked)


def _value(field: Field, where: str, asked: set[str]) -> Any:
    inner = f"{where}{field.name}."
    match field.kind:
        case "record":
            return example(field.fields, inner, asked)
        case "named":
            return {"some": example(field.fields, inner, asked)}
        case "list":
            return [example(field.fields, inner, asked)]
        case "texts":
            return ["a"]
        case "number" | "count":
            return 3
        case "flag":
            return True
        case _:
            return "a"


def paths(fields: Iterable[Field], where: str = "", *, judged: bool = False) -> Iterator[str]:
    for field in fields:
        if judged and not field.is_judged:
            continue
        yield where + field.name
        yield from () if judged else (where + spelling for spelling in field.spellings)
        yield from paths(field.fields, f"{where}{field.name}.", judged=judged)


def asked_for(record: Record) -> set[str]:
    asked: set[str] = set()
    document = HERE.get(record.name, record.name)
    whole = {document: example(record.fields, "", asked)}
    read_records(whole, Setting())
    if record is GUARDRAILS:
        read_records({document: Watched({"kind": "pii"}, "", asked)}, Setting())
    if record is BUDGETS:
        read_records({document: Watched({"amount": 3}, "", asked)}, Setting())
    return asked


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_reader_asks_for_the_fields_of_its_table_and_no_others(record: Record) -> None:
    asked = asked_for(record)
    known = {*paths(record.fields), *FREE_FORM.get(record.name, ())}
    assert {path for path in asked if path not in known} == set()
    assert {path for path in paths(record.fields, judged=True) if path not in asked} == set()


def test_the_schemas_and_the_page_are_made_from_the_tables() -> None:
    shipped = {name: (PROJECT / "schemas" / name).read_text(encoding="utf-8") for name in schema_files()}
    assert shipped == schema_files(), "write them anew: python -m tests.docs.records_page"
    assert PAGE.read_text(encoding="utf-8") == made(), "write it anew: python -m tests.docs.records_page"


def test_documents_are_named_in_one_way() -> None:
    assert {record.name: record.documents for record in RECORDS} == DOCUMENTS
    assert {names.partition("/")[0] for record in RECORDS for names in record.documents} <= FOLDERS
    [kind] = [field for field in PROVIDER.fields if field.name == "type"]
    assert set(kind.choices) == set(VENDORS)


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ("providers/a", {"type": "openai", "api_key": None, "timeouts": {"request_seconds": 1.5}, "more": [1]}),
        ("models/a", {"chat": {"provider": "a", "upstream_model": "b", "rate": {"rpm": 3}}, "more": 3}),
        ("models/a", {"provider": "a", "params": {"temperature": 0.5}, "aliases": "b"}),
        ("routes/a", {"targets": ["chat", {"model": "b", "weight": 0}], "retry": {"statuses": [429]}}),
        ("budgets", {"period": "30d", "services": {"a": {"amount": 3.5}, "b": None}}),
        ("guardrails", {"rules": [{"name": "a", "kind": "pii"}], "always_on": ["a"]}),
        ("mcp/a", {"command": "x", "args": ["y"], "env": {"A": "b"}}),
    ],
)
def test_a_record_fits_its_schema_with_other_fields_beside(document: str, value: dict[str, Any]) -> None:
    schema = record_schema(document)
    assert schema is not None
    assert check(schema, value) == ()


@pytest.mark.parametrize(
    ("document", "text", "place"),
    [
        ("providers/a", "type: opnai\n", "1:1"),
        ("providers/a", "limits: {rpm: many}\n", "1:10"),
        ("models/a", "chat: {provider: a, limits: {context: -1}}\n", "1:30"),
        ("models/a", "provider: a\nretires: 2027\n", "2:1"),
        ("routes/a", "targets: chat\n", "1:1"),
        ("budgets", "services: {bot: {amount: much}}\n", "1:18"),
        ("mcp/a", "command: [npx]\n", "1:1"),
    ],
)
def test_a_value_of_another_kind_is_a_finding_at_its_place(document: str, text: str, place: str) -> None:
    assert said({f"base/{document}.yaml": text}) == [f"schema-violation base/{document}.yaml:{place}"]


def test_free_form_providers_and_documents_with_a_schema_of_the_repository_are_left_to_those() -> None:
    assert said({"base/llm_providers/a.yaml": "type: opnai\nlimits: {rpm: many}\n"}) == []
    manifest = (
        "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: example\nenvironments: {dev: {}}\n"
        "schemas: [{documents: providers/*, schema: schemas/own.json}]\n"
    )
    own = {"llmcfg.yaml": manifest, "schemas/own.json": '{"properties": {"type": {"const": "opnai"}}}'}
    assert said({**own, "base/providers/a.yaml": "type: opnai\n"}) == []
