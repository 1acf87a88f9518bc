"""What is written for people and services: nothing from a repository can act in it, and what does not fit is said to be missing."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.ci.base import Base
from llmcfg.ci.origins import Origins
from llmcfg.ci.review import Review
from llmcfg.ci.risk import Risk
from llmcfg.ci.secretfiles import SecretFileChange
from llmcfg.ci.tally import EnvironmentTally
from llmcfg.llm.cost.bounds import Bound
from llmcfg.llm.cost.scope import Line
from llmcfg.model.change import ABSENT, Change
from llmcfg.model.findings import Finding, Origin
from llmcfg.model.impact import Difference, FileChange, RecipientChange, SecretChange, ValueChange
from llmcfg.model.later import Later
from llmcfg.model.proposal import GuardChange
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.costs import CostChange
from llmcfg_cli.views.ci import COMMENT_BYTES, review_files, step_outputs, step_summary, view_review
from llmcfg_cli.views.ci_markdown import Block, fit, review_blocks
from support.hostile import HOSTILE, check_page

DAY = date(2026, 11, 25)


def costing(amount: int, text: str) -> Line:
    return Line("model", text, Bound(Decimal(amount), text), Bound(None, text))


def written_with(text: str) -> Review:
    """A review in which `text` stands wherever something of a repository can."""
    target = (f"prod/_shared/{text}",)
    finding = Finding("yaml-ambiguous", text, Origin(text, 3, 1), text, text, 1, target, (Origin(text, 1),))
    return Review(
        base=Base(None, "nothing"),
        head=Revision("a" * 40, "HEAD"),
        difference=Difference(
            values=(
                ValueChange(Change((text, text), text, [text]), ("prod",), target),
                ValueChange(Change((text,), {text: 1}, None), (f"prod/{text}",), ()),
            ),
            files=(
                FileChange(text, text, "changed", f"--- a/{text}\n+++ b/{text}\n@@ -1 +1 @@\n-{text}\n+{text}", target),
            ),
            secrets=(SecretChange(text, "changed", target),),
            recipients=(RecipientChange(text, "added", target),),
            targets_added=target,
            affected=target,
            decisions=(Change(("environments", text), ABSENT, {text: text}), Change(("sinks", 0, text), text, None)),
        ),
        origins=(Origins(Origin(text, 1, 1), Origin(text, 2, 1)), Origins(None, Origin(text, 1, 1))),
        costs=(CostChange(f"prod/{text}", costing(1, text), costing(2, text)),),
        secret_files=(SecretFileChange(text, "changed", (text,), (text,), (text,)),),
        guards=(GuardChange(text, "removed"),),
        new=(finding,),
        old=(finding,),
        gone=1,
        environments=(EnvironmentTally(text, True, 1, 1, 1, 0, 1, 1, 1, 1, 1),),
        risk=Risk("high", (text,)),
        summed=Later.of("d" * 64),
        changed_files=frozenset([text]),
        unseen=(text,),
    )


def nowhere(origin, is_before):
    return ""


def linked(origin, is_before):
    return "https://forge.example/blob"


def files_of(review: Review, link, *, passes: bool):
    return review_files(review, review_blocks(review, link, passes=passes), passes=passes, root="")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
@pytest.mark.parametrize("link", [nowhere, linked])
def test_nothing_from_a_repository_acts_in_a_comment(text: str, link) -> None:
    page = fit(review_blocks(written_with(text), link, passes=False))
    check_page(page)
    rows = [line for line in page.split("\n") if line.startswith("| ~ ")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [5, 6, 6]  # decisions have no place


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_nothing_from_a_repository_is_a_command_for_the_runner(text: str) -> None:
    said = view_review(written_with(text), "github", passes=False, root="")
    first, *rest = said.split("\n")
    assert first.startswith("fail: ")
    assert all(line.startswith(("not seen: ", "::error file=")) for line in rest)
    assert not any("##[" in line for line in (first, *(line for line in rest if not line.startswith("::"))))
    assert "\x1b" not in said
    assert "\r" not in said


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_step_outputs_are_four_lines_whatever_names_say(text: str) -> None:
    lines = step_outputs(written_with(text)).split("\n")
    assert [line.partition("=")[0] for line in lines] == ["changed", "environments", "risk", "digest", ""]
    assert json.loads(lines[1].partition("=")[2]) == [text]
    assert lines[2] == "risk=high"


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_files_for_services_are_well_formed_and_short_enough(text: str) -> None:
    files = files_of(written_with(text), linked, passes=False)
    assert set(files) == {"diff.json", "diff.md", "comment.md", "findings.sarif", "junit.xml"}
    assert json.loads(files["diff.json"])["kind"] == "Review"
    assert len(files["comment.md"].encode()) <= COMMENT_BYTES
    ElementTree.fromstring(files["junit.xml"])
    results = json.loads(files["findings.sarif"])["runs"][0]["results"]
    assert len(results) == 2
    assert all("](" not in result["message"]["text"] for result in results)


def test_a_comment_that_is_too_long_is_cut_between_rows_and_says_so() -> None:
    one = written_with("x").difference.values[0]
    many = tuple(ValueChange(Change((f"key{number}",), 1, 2), one.scopes, one.targets) for number in range(3000))
    review = written_with("x")
    long = Review(**{name: getattr(review, name) for name in review.__slots__} | {
        "difference": Difference(values=many, affected=one.targets), "origins": [Origins()] * 3000})  # fmt: skip
    files = files_of(long, nowhere, passes=True)
    assert len(files["comment.md"].encode()) <= COMMENT_BYTES
    assert len(files["comment.md"].encode()) > COMMENT_BYTES - 1000
    assert "All of it is in `diff.md`" in files["comment.md"]
    assert all(line.endswith("|") for line in files["comment.md"].split("\n") if line.startswith("| ~"))
    assert "key2999" in files["diff.md"]
    summary = step_summary(review_blocks(long, nowhere, passes=True), taken=(1 << 20) - 5000)
    assert len(summary.encode()) < 5000
    assert step_summary(review_blocks(long, nowhere, passes=True), taken=1 << 20) == ""


@given(st.lists(st.tuples(st.text(alphabet="aé\n", min_size=1), st.booleans()), max_size=6), st.integers(200, 400))
def test_what_fits_is_whole_and_what_does_not_is_never_too_long(parts, limit: int) -> None:
    page = fit([Block(text, can_be_cut, 1) for text, can_be_cut in parts], limit)
    assert len(page.encode()) <= limit
    assert page == "\n\n".join(text for text, _ in parts) + "\n" or "does not fit" in page


def test_the_same_change_gives_the_same_bytes_on_other_commits() -> None:
    review = written_with("x")
    other = Review(**{name: getattr(review, name) for name in review.__slots__} | {
        "head": Revision("b" * 40, "other"), "base": Base("c" * 40, "elsewhere")})  # fmt: skip
    pages = [files_of(one, nowhere, passes=True)["comment.md"] for one in (review, other)]
    assert pages[0] == pages[1]
