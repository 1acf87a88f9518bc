"""docs/spec/deployed.md has every trailer, every field of a saved plan and every state, and no others."""

from __future__ import annotations

import json
from typing import get_args

from llmcfg.model.impact import Difference
from llmcfg.model.later import Later
from llmcfg.model.snapshot import Revision
from llmcfg.sync import deployed
from llmcfg.sync.plan import Plan
from llmcfg.sync.planfile import save_plan
from llmcfg.sync.status import State

from .pages import SPEC, sections

PAGE = SPEC / "deployed.md"
CODES = {code for found in sections(PAGE) for code in found.code}
ROWS = {code for found in sections(PAGE) for code in found.first_cells()}


def test_every_trailer_that_a_deployed_commit_can_have_is_documented() -> None:
    message = deployed.commit_message(
        "subject",
        source="a" * 40,
        actor="Ada",
        quarantined=["b" * 40],
        quarantined_roots=["c" * 64],
        rolled_back_from="d" * 40,
        during_freeze="audit",
    )
    trailers = {line.partition(":")[0] for line in message.splitlines()[2:]}
    assert trailers == {row for row in ROWS if row[0].isupper()}


def test_every_field_of_a_saved_plan_is_documented() -> None:
    later = Later.of(Difference((), (), (), (), (), ()))
    plan = Plan("prod", Revision("a" * 40, "main"), None, "b" * 64, {}, (), later, (), 0, False, False)
    assert set(json.loads(save_plan(plan))) <= CODES


def test_every_state_is_documented() -> None:
    assert set(get_args(State)) <= ROWS
