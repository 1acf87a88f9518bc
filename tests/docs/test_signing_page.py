"""docs/spec/signing.md has every rule by which a bundle is refused, and every field of the statement."""

from __future__ import annotations

import json
import re

from llmcfg.signing.heartbeat import Heartbeat
from llmcfg.signing.statement import encode_statement
from support.bundles import bundle
from support.signed import root_for, statement_about

from .pages import PROJECT, SPEC, section

PAGE = SPEC / "signing.md"
NOT_OF_BUNDLES = {"signing-key"}


def test_every_rule_is_documented_and_exists() -> None:
    sources = (PROJECT / "core/llmcfg/signing").glob("*.py")
    found = {code for path in sources for code in re.findall(r'code="([a-z-]+)"', path.read_text(encoding="utf-8"))}
    written = {*section(PAGE, "Verifying").first_cells()}

    assert {code for code in written if not code.startswith("sig-")} == found - NOT_OF_BUNDLES


def test_every_field_of_the_statement_is_documented_and_exists() -> None:
    said = json.loads(encode_statement(statement_about(bundle({}), root_for(3))))

    assert {*section(PAGE, "The statement").first_cells()} == {*said["predicate"]}


def test_every_field_of_a_heartbeat_is_documented_and_exists() -> None:
    assert {*section(PAGE, "Heartbeats").first_cells()} - {"keep", "stop"} == {*Heartbeat.__struct_fields__}
