"""Every type of provider has a page that is made from what is known about it, with records that have no finding."""

from __future__ import annotations

import re
from datetime import date

import pytest
from tests.docs.provider_pages import FOLDER, KNOWN, made, models_of, record_of

from llmcfg.llm.vendors import VENDORS
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate
from support.sealed import sealed
from support.written import WrittenSnapshot

MANIFEST = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: example\nenvironments: {dev: {}}\n"


def rules_found(files: dict[str, str | bytes]) -> set[str]:
    found = validate(WrittenSnapshot({"llmcfg.yaml": MANIFEST, **files}), Memo(), date(2026, 11, 25))
    return {finding.rule_id for finding in found}


@pytest.mark.parametrize("kind", KNOWN)
def test_the_record_of_the_page_is_sound(kind: str) -> None:
    secrets = "".join(f"{name}: x\n" for name in re.findall(r"secret:(\w+)", record_of(kind)))
    files: dict[str, str | bytes] = {
        f"base/providers/{kind.replace('_', '-')}.yaml": record_of(kind),
        "base/models/chat.yaml": models_of(kind),
        "base/budgets.yaml": "tenant: {amount: 10}\n",
        **({"base/secrets/keys.yaml": sealed(secrets)} if secrets else {}),
    }
    assert rules_found(files) == set()


@pytest.mark.parametrize("kind", KNOWN)
def test_what_the_page_says_is_needed_is_missed(kind: str) -> None:
    bare = f"type: {kind}\ntimeouts: {{request_seconds: 60}}\n"
    files: dict[str, str | bytes] = {f"base/providers/{kind}.yaml": bare, "base/budgets.yaml": "tenant: {amount: 10}\n"}
    assert rules_found(files) == {"LLM006"}


def test_every_type_has_a_page_and_pages_are_made_from_what_is_known() -> None:
    assert KNOWN.keys() == VENDORS.keys()
    written = {place: place.read_text(encoding="utf-8") for place in made() if place.is_file()}
    assert written == made(), "write them anew: python -m tests.docs.provider_pages"
    assert {*FOLDER.iterdir()} <= made().keys()
