"""Findings as text, JSON, SARIF, GitHub annotations and JUnit XML."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.model.findings import Finding, Origin
from llmcfg_cli.app import run
from llmcfg_cli.views.findings import VIEWS, reach_text, source_excerpt, summary, view_findings
from support.written import WrittenRepository

DUPLICATE = Finding(
    rule_id="yaml-duplicate",
    message="the key 'model' stands twice",
    origin=Origin("base/routing.yaml", 12, 3),
    hint="remove one of the two",
    source_line="  model: gpt-4  # 50%",
    length=5,
    reach=("prod", "prod/acme"),
    related=(Origin("base/routing.yaml", 4, 3),),
)
UNUSED = Finding(rule_id="layout-unknown", message="nothing reads it", origin=Origin("base/notes.txt"))
DATA = st.text(st.characters(exclude_categories=[]), max_size=20)


def test_a_finding_shows_its_place_line_and_what_to_do() -> None:
    assert view_findings([DUPLICATE], "table").splitlines() == [
        "error[yaml-duplicate]: the key 'model' stands twice",
        "  --> base/routing.yaml:12:3",
        "   |",
        "12 |   model: gpt-4  # 50%",
        "   |   ^^^^^",
        "   = why: YAML readers differ on which of the two wins.",
        "   = help: remove one of the two",
        "   = see: base/routing.yaml:4:3",
        "   = in: prod, prod/acme",
    ]


def test_a_finding_about_a_whole_file_has_no_line() -> None:
    assert view_findings([UNUSED], "table").splitlines()[:2] == [
        "warning[layout-unknown]: nothing reads it",
        " --> base/notes.txt",
    ]
    assert "|" not in view_findings([UNUSED], "table")


def test_a_finding_without_a_column_shows_its_line_and_no_mark() -> None:
    lines = view_findings([DUPLICATE._replace(origin=Origin("templates/a.j2", 7))], "table").splitlines()
    assert lines[1:4] == [" --> templates/a.j2:7", "  |", "7 |   model: gpt-4  # 50%"]
    assert "^" not in "".join(lines)


def test_why_a_rule_is_one_is_said_with_its_first_finding_only() -> None:
    text = view_findings([DUPLICATE, UNUSED, DUPLICATE._replace(origin=Origin("base/z.yaml", 1, 1))], "table")
    assert [line.strip()[:12] for line in text.splitlines() if "why:" in line] == ["= why: YAML ", "= why: It li"]
    assert text.index("why: YAML") < text.index("layout-unknown")


def test_findings_are_shown_in_the_order_given_with_an_empty_line_between() -> None:
    text = view_findings([UNUSED, DUPLICATE], "table")
    assert text.index("layout-unknown") < text.index("\n\n") < text.index("yaml-duplicate")


def test_colour_changes_no_text() -> None:
    import re

    coloured = view_findings([DUPLICATE, UNUSED], "table", colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == view_findings([DUPLICATE, UNUSED], "table")


def test_a_long_reach_is_counted() -> None:
    assert reach_text([f"t{number}" for number in range(18)]) == "t0, t1, t2, t3, t4, t5 (+12 more)"
    assert reach_text(["prod"]) == "prod"


@pytest.mark.parametrize("file", ["secrets/a.yaml", "tenants/acme/secrets/team/a.yaml"])
def test_a_line_of_a_secret_file_is_not_shown_for_how_it_is_written(file: str) -> None:
    clear = DUPLICATE._replace(rule_id="yaml-syntax", origin=Origin(file, 1, 14), source_line="key: hunter2: two")
    assert source_excerpt(clear) == ("********", 0, 0)
    assert "hunter2" not in view_findings([clear], "table")
    assert source_excerpt(clear._replace(rule_id="secret-recipients")) is not None


@pytest.mark.parametrize("output", VIEWS)
@pytest.mark.parametrize("rule", ["secret-plaintext", "secret-expected"])
def test_what_may_be_a_secret_is_not_repeated(output: str, rule: str) -> None:
    line = "  api_key: sk-canary-1234"
    finding = DUPLICATE._replace(rule_id=rule, origin=Origin("base/a.yaml", 3, 12), source_line=line, length=1)
    assert "canary" not in view_findings([finding], output)
    excerpt = source_excerpt(finding)
    assert excerpt is not None and excerpt.text == "  api_key: ********"


@pytest.mark.parametrize("output", VIEWS)
def test_a_secret_on_the_line_of_another_finding_is_not_repeated(output: str) -> None:
    line = "  a: {model: x, model: y, api_key: sk-proj-" + "aB3d" * 12 + "}"
    assert "aB3daB3d" not in view_findings([DUPLICATE._replace(source_line=line)], output)
    excerpt = source_excerpt(DUPLICATE._replace(source_line=line))
    assert excerpt == ("  a: {model: x, model: y, api_key: ********}", 0, 0)


@given(st.text(max_size=400), st.integers(1, 300), st.integers(1, 300))
def test_the_mark_stands_under_the_marked_text(line: str, column: int, length: int) -> None:
    finding = DUPLICATE._replace(source_line=line, origin=Origin("a.yaml", 1, column), length=length)
    excerpt = source_excerpt(finding)
    assert (excerpt is None) == (line == "")
    if excerpt is not None:
        assert "\n" not in excerpt.text
        assert len(excerpt.text) < 1000
        assert excerpt.start >= 0 and excerpt.length >= 1


def test_a_long_line_is_cut_around_the_mark() -> None:
    line = "x" * 500 + "BAD" + "y" * 500
    excerpt = source_excerpt(DUPLICATE._replace(source_line=line, origin=Origin("a.yaml", 1, 501), length=3))
    assert excerpt is not None
    assert excerpt.text[excerpt.start : excerpt.start + excerpt.length] == "BAD"
    assert len(excerpt.text) <= 102 and excerpt.text[0] == excerpt.text[-1] == "…"


def test_json_has_every_field_and_a_summary() -> None:
    document = json.loads(view_findings([DUPLICATE, UNUSED], "json"))
    assert document["kind"] == "Findings"
    assert document["summary"] == {"errors": 1, "warnings": 1, "notes": 0}
    assert document["items"][0] == {
        "rule": "yaml-duplicate",
        "severity": "error",
        "message": "the key 'model' stands twice",
        "file": "base/routing.yaml",
        "line": 12,
        "column": 3,
        "length": 5,
        "hint": "remove one of the two",
        "reach": ["prod", "prod/acme"],
        "related": [{"file": "base/routing.yaml", "line": 4, "column": 3}],
    }


def test_github_annotations_escape_what_would_end_them() -> None:
    finding = DUPLICATE._replace(message="50%\nof: a,b", origin=Origin("base/a:b,c.yaml", 12, 3), related=())
    assert view_findings([finding], "github") == (
        "::error file=base/a%3Ab%2Cc.yaml,line=12,col=3,endColumn=8,title=yaml-duplicate%3A duplicate key"
        "::50%25%0Aof: a,b%0Ahelp: remove one of the two%0Ain: prod, prod/acme"
    )
    assert view_findings([UNUSED], "github").startswith("::warning file=base/notes.txt,title=")


@given(DATA, DATA, DATA)
def test_an_annotation_is_one_command_whatever_the_data(message: str, file: str, hint: str) -> None:
    finding = DUPLICATE._replace(message=message, origin=Origin(file, 1, 1), hint=hint)
    assert len(view_findings([finding], "github").splitlines()) == 1


def test_sarif_has_rules_regions_and_one_result_a_finding() -> None:
    run = json.loads(view_findings([DUPLICATE, UNUSED], "sarif"))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["layout-unknown", "yaml-duplicate"]
    assert all(rule["help"]["text"] and rule["defaultConfiguration"]["level"] for rule in rules)
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["yaml-duplicate", "layout-unknown"]
    first, second = run["results"]
    location = first["locations"][0]["physicalLocation"]
    assert location["region"] == {"startLine": 12, "startColumn": 3, "endColumn": 8}
    assert location["artifactLocation"] == {"uri": "base/routing.yaml", "uriBaseId": "%SRCROOT%"}
    assert "region" not in second["locations"][0]["physicalLocation"]


def fingerprints(*findings: Finding) -> list[str]:
    results = json.loads(view_findings(findings, "sarif"))["runs"][0]["results"]
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]


def test_sarif_fingerprints_stay_when_lines_move_and_tell_equal_lines_apart() -> None:
    moved = DUPLICATE._replace(origin=Origin("base/routing.yaml", 90, 5), source_line="    model: gpt-4  # 50%")
    assert fingerprints(DUPLICATE) == fingerprints(moved)
    assert len(set(fingerprints(DUPLICATE, moved, UNUSED))) == 3
    elsewhere = DUPLICATE._replace(origin=Origin("base/other.yaml", 12, 3))
    assert fingerprints(elsewhere) != fingerprints(DUPLICATE)


def test_sarif_without_findings_is_a_run_without_results() -> None:
    run = json.loads(view_findings([], "sarif"))["runs"][0]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


@pytest.mark.parametrize(
    ("output", "written"), [("sarif", "conf/base/routing.yaml"), ("github", "file=conf/base/routing.yaml")]
)
def test_services_get_paths_from_the_git_root(output: str, written: str) -> None:
    assert written in view_findings([DUPLICATE], output, root="conf/")
    assert "conf/" not in view_findings([DUPLICATE], "table", root="conf/")


def test_junit_counts_errors_as_failures() -> None:
    suite = ElementTree.fromstring(view_findings([DUPLICATE, UNUSED], "junit").encode())
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failed, passed = suite.iter("testcase")
    failure = failed.find("failure")
    assert failure is not None and failure.get("message") == DUPLICATE.message
    assert failure.text is not None and "12 |   model: gpt-4" in failure.text
    assert passed.find("failure") is None and passed.find("system-out") is not None


def test_junit_without_findings_is_one_passing_test() -> None:
    suite = ElementTree.fromstring(view_findings([], "junit").encode())
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


@given(DATA, DATA)
def test_sarif_is_json_whatever_the_data(message: str, file: str) -> None:
    finding = DUPLICATE._replace(message=message, origin=Origin(file, 1, 1), source_line=message, hint=message)
    (result,) = json.loads(view_findings([finding], "sarif"))["runs"][0]["results"]
    assert message.replace("](", "] (") in result["message"]["text"]  # no link


@given(DATA, DATA)
def test_junit_is_well_formed_whatever_the_data(message: str, file: str) -> None:
    finding = DUPLICATE._replace(message=message, origin=Origin(file, 1, 1), source_line=message, hint=message)
    ElementTree.fromstring(view_findings([finding], "junit").encode())


def test_the_summary_counts_by_severity() -> None:
    assert summary([DUPLICATE, DUPLICATE, UNUSED], 12) == "2 errors, 1 warning in 12 files"
    assert summary([], 1) == "no findings in 1 file"


def test_a_link_that_is_named_has_the_finding_about_it(tmp_path, capsys) -> None:
    made = WrittenRepository(tmp_path / "made", {"base/limits.yaml": "rpm: 1\n"})
    (made.path / "base/link.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (tmp_path / "elsewhere.yaml").write_text("a: 1\n")
    for path, code in (("base/link.yaml", 4), ("base", 4), ("base/limits.yaml", 0)):
        assert run(["validate", path, "-C", str(made.path)]) == code
        assert ("tree-mode" in capsys.readouterr().out) is bool(code)
