"""Two branches that meet: what Git merges without a word, and what is then not what one of them meant."""

from __future__ import annotations

import json
import os
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.ci.mergecheck import check_merge
from llmcfg.errors import NotFoundError
from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from support.written import CONSUMER, MANIFEST, WrittenRepository

from .test_command import llmcfg

DAY = date(2026, 11, 25)
START = {
    "llmcfg.yaml": MANIFEST + "tenants: {acme: {}}\n",
    "base/limits.yaml": "rpm: 10\ntpm: 100\n\nother: 1\n\n\nlast: 1\n",
    "base/names.yaml": "team: search\nfull: '{{config:names.team}} team'\ntags: [a]\n",
    "environments/prod/names.yaml": "# of prod\n{}\n",
    "consumers/api.yaml": CONSUMER + 'tenants: "*"\nshared: true\n',
}


@pytest.fixture
def repository(tmp_path):
    return WrittenRepository(tmp_path / "made", START)


def branches(repository, ours, theirs):
    """`ours` and `theirs` on branches of these names; what a check of them says."""
    for name, files in (("ours", ours), ("theirs", theirs)):
        repository.git("checkout", "-q", "-b", name, "main")
        repository.commit(files)
    return check(repository)


def check(repository):
    workspace = repository.workspace()
    sides = workspace.resolve("ours"), workspace.resolve("theirs")
    return check_merge(workspace, *sides, as_of=DAY, environment={"PATH": os.environ["PATH"]})


def told(check):
    return {
        (meeting.how, format_key_path(meeting.path), meeting.where): tuple(meeting.values) for meeting in check.meetings
    }


def with_line(path, before, after):
    return {path: START[path].replace(before, after)}


ALL = ("dev", "dev/acme", "prod", "prod/acme")
PROD = ("prod", "prod/acme")


def test_changes_of_different_keys_are_clean(repository):
    found = branches(
        repository,
        with_line("base/limits.yaml", "rpm: 10", "rpm: 20"),
        with_line("base/limits.yaml", "last: 1", "last: 2"),
    )
    assert not found.is_conflict
    assert found.changed == (1, 1)
    assert found.findings == ()
    assert found.has_merge


def test_a_default_that_one_changes_and_the_other_overrides_is_told_for_the_scopes_of_the_override(repository):
    found = branches(
        repository, with_line("base/names.yaml", "search", "find"), {"environments/prod/names.yaml": "team: shop\n"}
    )
    assert told(found) == {
        ("both", "names.team", PROD): ("search", "find", "shop", "shop"),
        ("both", "names.full", PROD): ("search team", "find team", "shop team", "shop team"),
    }
    assert found.files == ()


def test_a_default_that_is_pinned_at_its_old_value_masks_the_change(repository):
    found = branches(
        repository, with_line("base/names.yaml", "search", "find"), {"environments/prod/names.yaml": "team: search\n"}
    )
    assert told(found)["masked", "names.team", PROD] == ("search", "find", "search", "search")


def test_a_key_that_one_removes_and_the_other_changes_elsewhere_is_told(repository):
    found = branches(
        repository, {"environments/prod/names.yaml": "tags: !delete\n"}, with_line("base/names.yaml", "[a]", "[b]")
    )
    assert told(found)["both", "names.tags", PROD] == (["a"], ABSENT, ["b"], ABSENT)


def test_lists_that_both_extend_come_to_what_neither_means(repository):
    found = branches(
        repository,
        with_line("base/names.yaml", "[a]", "[a, b]"),
        {"environments/prod/names.yaml": "tags: !append [c]\n"},
    )
    assert told(found)["both", "names.tags", PROD] == (["a"], ["a", "b"], ["a", "c"], ["a", "b", "c"])


def test_a_value_that_only_both_together_change_is_told(repository):
    """One branch takes it from another key, which holds the same; the other branch changes that key."""
    found = branches(
        repository,
        with_line("base/limits.yaml", "other: 1", "other: '{{config:limits.last}}'"),
        with_line("base/limits.yaml", "last: 1", "last: 2"),
    )
    assert told(found) == {("arises", "limits.other", ALL): (1, 1, 1, 2)}


def test_the_same_change_on_both_is_no_conflict(repository):
    change = with_line("base/names.yaml", "search", "find")
    assert not branches(repository, change, change).is_conflict


def test_lines_that_git_cannot_merge_but_keys_can_are_no_conflict(repository):
    found = branches(
        repository,
        with_line("base/limits.yaml", "rpm: 10", "rpm: 20"),
        with_line("base/limits.yaml", "tpm: 100", "tpm: 200"),
    )
    assert [(file.path, file.by_key) for file in found.files] == [("base/limits.yaml", True)]
    assert not found.is_conflict
    assert found.has_merge


@pytest.mark.parametrize(("rules", "is_clean"), [({"by": "name"}, True), ("replace", False)])
def test_lists_merge_by_their_schema_as_in_the_driver(tmp_path, rules, is_clean):
    schema = {"properties": {"models": {"type": "array", "x-llmcfg-merge": rules}}}
    start = "models:\n  - name: a\n    rpm: 1\n  - name: b\n    rpm: 1\n"
    repository = WrittenRepository(
        tmp_path / "made",
        {
            "llmcfg.yaml": MANIFEST + "schemas: [{documents: lists, schema: schemas/lists.json}]\n",
            "schemas/lists.json": json.dumps(schema),
            "base/lists.yaml": start,
        },
    )
    lists = [
        start.replace("a\n    rpm: 1", "a\n    rpm: 2"),
        start.replace("b\n    rpm: 1", "b\n    rpm: 3").replace("a\n", "a # old\n"),
    ]
    found = branches(repository, *({"base/lists.yaml": text} for text in lists))
    assert [(file.path, file.by_key) for file in found.files] == [("base/lists.yaml", is_clean)]


def test_one_key_that_both_change_is_in_conflict_by_its_name(repository):
    found = branches(
        repository,
        with_line("base/limits.yaml", "rpm: 10", "rpm: 20"),
        with_line("base/limits.yaml", "rpm: 10", "rpm: 30"),
    )
    assert [(file.path, file.keys) for file in found.files] == [("base/limits.yaml", (("rpm",),))]
    assert not found.has_merge
    assert told(found) == {("both", "limits.rpm", ALL): (10, 20, 30, ABSENT)}


def test_an_error_that_neither_branch_has_is_told(repository):
    found = branches(
        repository,
        with_line("base/limits.yaml", "last: 1", "last: '{{config:names.team}}'"),
        {"base/names.yaml": "full: a team\ntags: [a]\n"},
    )
    assert {finding.rule_id for finding in found.findings} == {"reference-missing"}
    assert found.has_errors


def test_files_that_were_moved_on_one_branch_are_merged_where_they_are_now(repository):
    long = "".join(f"k{number}: {number}\n" for number in range(20))
    repository.commit({"base/long.yaml": long})
    found = branches(
        repository,
        {"base/long.yaml": None, "base/moved/long.yaml": long},
        {"base/long.yaml": long.replace("k7: 7", "k7: 8")},
    )
    assert told(found) == {("moved", "moved.long.k7", ALL): (ABSENT, 7, ABSENT, 8)}
    assert not found.is_conflict


def test_a_value_that_one_moves_and_the_other_changes_where_it_was_is_lost_where_the_merge_does_not_follow(repository):
    found = branches(
        repository,
        {"base/names.yaml": "full: search team\ntags: [a]\n", "base/team.yaml": "team: search\n"},
        {"environments/prod/names.yaml": "team: shop\n"},
    )
    assert told(found)["both", "names.team", PROD] == ("search", ABSENT, "shop", "shop")
    assert found.is_conflict


# rendered files

RENDERED = {
    "templates/gateway.env.j2": "A={{ config.limits.rpm }}\n# of nobody\n\n\nB={{ config.limits.tpm }}\n",
    "templates/gateway.json.j2": '{"a": {{ config.limits.rpm }}, "b": {{ config.limits.tpm }}}',
    "consumers/gateway.yaml": CONSUMER
    + "outputs:\n  - {path: g.env, template: templates/gateway.env.j2}\n  - {path: g.json, template: templates/gateway.json.j2}\n",
}


def rendered(check):
    return {(each.how, format_key_path(each.path), each.where) for each in check.renderings}


def test_a_template_that_one_changes_and_what_it_showed_that_the_other_changes_meet_in_the_file(repository):
    repository.commit(RENDERED)
    other = RENDERED["templates/gateway.env.j2"].replace("A={{ config.limits.rpm }}", "A={{ config.limits.other }}")
    found = branches(
        repository, {"templates/gateway.env.j2": other}, with_line("base/limits.yaml", "rpm: 10", "rpm: 20")
    )
    files = ("dev/_shared/gateway/g.env", "prod/_shared/gateway/g.env")
    assert rendered(found) == {("masked", '"A=20"', files)}
    assert told(found) == {}
    assert found.is_conflict


def test_changes_of_different_keys_and_lines_of_a_rendered_file_are_clean(repository):
    repository.commit(RENDERED)
    found = branches(
        repository,
        with_line("base/limits.yaml", "rpm: 10\ntpm", "rpm: 20\ntpm"),
        {"templates/gateway.env.j2": RENDERED["templates/gateway.env.j2"].replace("B=", "BURST=")},
    )
    assert rendered(found) == set()
    assert not found.is_conflict


def test_what_a_value_tells_is_not_said_of_files_again(repository):
    repository.commit(RENDERED)
    found = branches(
        repository,
        with_line("base/limits.yaml", "rpm: 10", "rpm: 20"),
        {"environments/prod/limits.yaml": "rpm: 30\n"},
    )
    assert told(found) == {("both", "limits.rpm", PROD): (10, 20, 30, 30)}
    assert rendered(found) == set()


# what ends on one branch


def test_a_tenant_that_one_ends_is_not_met_by_what_the_other_changes_for_all(repository):
    found = branches(repository, {"llmcfg.yaml": MANIFEST}, with_line("base/limits.yaml", "last: 1", "last: 2"))
    assert told(found) == {}
    assert not found.is_conflict


def test_a_tenant_that_one_ends_is_met_by_what_the_other_changes_for_it(repository):
    found = branches(repository, {"llmcfg.yaml": MANIFEST}, {"tenants/acme/limits.yaml": "last: 2\n"})
    assert told(found) == {("both", "limits.last", ("dev/acme", "prod/acme")): (1, ABSENT, 2, ABSENT)}


def test_a_tenant_that_one_ends_and_the_other_decides_about_is_told(repository):
    tenants = MANIFEST + "tenants:\n  acme:\n    region: eu\n\n\n\n    quota:\n      keys: 10\n"
    repository.commit({"llmcfg.yaml": tenants})
    found = branches(repository, {"llmcfg.yaml": MANIFEST}, {"llmcfg.yaml": tenants.replace("keys: 10", "keys: 20")})
    assert [file.path for file in found.files] == ["llmcfg.yaml"]
    assert {key: values[2] for key, values in decided(found).items()} == {
        ("both", "tenants.acme"): {"region": "eu", "quota": {"keys": 20}}
    }


def test_an_environment_that_one_ends_and_the_other_inherits_from_is_an_error_of_the_merge_alone(repository):
    spread = MANIFEST.replace("{dev: {}, prod: {}}", "\n  dev: {}\n\n\n\n\n  prod: {}\n")
    repository.commit({"llmcfg.yaml": spread, "environments/prod/names.yaml": None})
    found = branches(
        repository,
        {"llmcfg.yaml": spread.replace("  prod: {}\n", "")},
        {"llmcfg.yaml": spread.replace("dev: {}", "dev: {inherits: prod}")},
    )
    assert [finding.rule_id for finding in found.findings] == ["manifest-inherits"]
    assert not found.has_merge
    assert not any(meeting.how == "masked" for meeting in found.meetings)


# decisions, and what judges changes


def decided(check):
    return {(meeting.how, format_key_path(meeting.path)): tuple(meeting.values) for meeting in check.decisions}


SINKS = MANIFEST + "sinks:\n  - directory: {path: a, keep: 1}\n\n\n\n  - directory: {path: b, keep: 1}\n"


def test_a_decision_that_both_make_otherwise_is_told(repository):
    repository.commit({"llmcfg.yaml": SINKS})
    longer = SINKS.replace("sinks:\n", "sinks:\n  - directory: {path: c}\n")
    found = branches(repository, {"llmcfg.yaml": longer}, {"llmcfg.yaml": SINKS.replace("b, keep: 1", "b, keep: 2")})
    ((how, path), values) = next(iter(decided(found).items()))
    assert (how, path, [len(side) for side in values]) == ("both", "sinks", [2, 3, 2, 3])
    assert found.is_conflict
    assert found.files == ()


def test_decisions_about_different_things_are_clean(repository):
    repository.commit({"llmcfg.yaml": SINKS})
    found = branches(
        repository,
        {"llmcfg.yaml": SINKS.replace("a, keep: 1", "a, keep: 2")},
        {"llmcfg.yaml": SINKS.replace("b, keep: 1", "b, keep: 2")},
    )
    assert decided(found) == {}
    assert not found.is_conflict


LIMITS = "apiVersion: llmcfg.dev/v1\nkind: ChangeLimits\nsteps:\n  - {keys: [a], by: 1}\n\n\n\n  - {keys: [b], by: 1}\n"


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (LIMITS.replace("[a], by: 1", "[a], by: 2"), {}),
        (
            LIMITS.replace("steps:\n", "steps:\n  - {keys: [c], by: 1}\n"),
            {("both", "steps", ("policies/limits.yaml",))},
        ),
    ],
)
def test_rules_that_judge_changes_are_compared_key_by_key(repository, ours, expected):
    repository.commit({"policies/limits.yaml": LIMITS})
    theirs = {"policies/limits.yaml": LIMITS.replace("[b], by: 1", "[b], by: 2")}
    found = branches(repository, {"policies/limits.yaml": ours}, theirs)
    assert {(each.how, format_key_path(each.path), each.where) for each in found.guards} == set(expected)
    assert found.is_conflict == bool(expected)


def test_a_policy_that_both_write_is_told_whole(repository):
    policy = "package a\n\ndeny contains 1 if false\n\n\n\n\ndeny contains 2 if false\n"
    repository.commit({"policies/a.rego": policy})
    found = branches(
        repository, {"policies/a.rego": policy.replace(" 1 ", " 3 ")}, {"policies/a.rego": policy.replace(" 2 ", " 4 ")}
    )
    assert [(each.how, each.path, each.where) for each in found.guards] == [("both", (), ("policies/a.rego",))]
    assert found.files == ()


def test_nothing_is_left_behind_in_the_repository(repository):
    branches(
        repository,
        with_line("base/limits.yaml", "rpm: 10", "rpm: 20"),
        with_line("base/limits.yaml", "last: 1", "last: 2"),
    )
    before = sorted(repository.path.rglob("*"))
    check(repository)
    assert sorted(repository.path.rglob("*")) == before


def test_branches_without_a_common_commit_are_refused(repository):
    repository.git("checkout", "-q", "--orphan", "theirs")
    repository.commit({"base/limits.yaml": "a: 1\n"})
    repository.git("branch", "ours", "main")
    with pytest.raises(NotFoundError, match="no common commit"):
        check(repository)


def test_a_configuration_in_a_folder_of_its_repository_is_checked_by_itself(tmp_path):
    repository = WrittenRepository(tmp_path / "made")
    repository.commit({**{f"config/{path}": text for path, text in START.items()}, "base/limits.yaml": "rpm: 1\n"})
    for name, text in (("ours", "rpm: 20"), ("theirs", "last: 2")):
        repository.git("checkout", "-q", "-b", name, "main")
        place = "config/base/limits.yaml"
        repository.commit({place: START["base/limits.yaml"].replace("rpm: 10" if name == "ours" else "last: 1", text)})
    repository.commit({"base/limits.yaml": "rpm: 2\n"})
    done = llmcfg(repository.path, "merge-check", "-C", "config", "ours", "theirs")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("clean: ours changes 1 value, theirs 1,")


def test_a_clone_that_was_cut_off_says_so(repository, tmp_path):
    branches(repository, with_line("base/limits.yaml", "rpm: 10", "rpm: 20"), {"base/names.yaml": "team: x\n"})
    repository.git("clone", "-q", "--depth=1", "--no-single-branch", f"file://{repository.path}", str(tmp_path / "cut"))
    done = llmcfg(tmp_path / "cut", "merge-check", "origin/ours", "origin/theirs")
    assert done.returncode == 7
    assert "no common commit in this clone" in done.stderr
    assert "fetch-depth: 0" in done.stderr


def test_windows_line_ends_of_one_side_are_no_change(repository):
    repository.git("checkout", "-q", "-b", "ours", "main")
    (repository.path / "base/limits.yaml").write_bytes(START["base/limits.yaml"].replace("\n", "\r\n").encode())
    repository.commit()
    repository.git("checkout", "-q", "-b", "theirs", "main")
    repository.commit(with_line("base/limits.yaml", "rpm: 10", "rpm: 20"))
    found = check(repository)
    assert found.changed == (0, 1)
    assert [(file.path, file.by_key) for file in found.files] == [("base/limits.yaml", True)]
    assert not found.is_conflict


# the command


@pytest.fixture
def meeting(repository):
    branches(
        repository,
        with_line("base/names.yaml", "search", '"|x|`\\u202e::error::"'),
        {"environments/prod/names.yaml": "team: shop\n"},
    )
    return repository


@pytest.mark.parametrize("output", ["table", "md", "github"])
def test_the_verdict_comes_first_and_text_of_a_branch_does_nothing(meeting, output):
    done = llmcfg(meeting.path, "merge-check", "ours", "theirs", "-o", output)
    assert done.returncode == 6
    first, *rest = done.stdout.splitlines()
    assert "conflict" in first
    assert "\u202e" not in done.stdout
    assert all(line.startswith("::error title=two branches meet::") for line in rest if line.startswith("::"))
    if output == "md":
        assert "\\|x\\|" in done.stdout


def test_json_says_it_for_programs(meeting):
    done = llmcfg(meeting.path, "merge-check", "ours", "theirs", "-o", "json")
    answer = json.loads(done.stdout)
    assert answer["kind"] == "MergeCheck"
    assert answer["verdict"] == "conflict"
    assert {(value["key"], value["how"]) for value in answer["values"]} == {
        ("names.team", "both"),
        ("names.full", "both"),
    }


@pytest.mark.parametrize("output", ["table", "md", "github", "json"])
def test_decisions_and_rules_are_told_in_every_form(repository, output):
    repository.commit({"llmcfg.yaml": SINKS, "policies/a.rego": "package a\n\n\n\n\n\n# b\n"})
    longer = SINKS.replace("sinks:\n", "sinks:\n  - directory: {path: c}\n")
    ours = {"llmcfg.yaml": longer, "policies/a.rego": "package c\n\n\n\n\n\n# b\n"}
    theirs = {"llmcfg.yaml": SINKS.replace("b, keep: 1", "b, keep: 2"), "policies/a.rego": "package a\n\n\n\n\n\n# d\n"}
    branches(repository, ours, theirs)
    done = llmcfg(repository.path, "merge-check", "ours", "theirs", "-o", output)
    assert done.returncode == 6
    assert "1 decision depends on both, 1 rule depends on both" in done.stdout
    if output == "json":
        answer = json.loads(done.stdout)
        assert [value["key"] for value in answer["decisions"]] == ["sinks"]
        assert [(value["file"], value["how"]) for value in answer["guards"]] == [("policies/a.rego", "both")]
    else:
        assert "what is decided" in done.stdout
        assert "policies/a.rego" in done.stdout


@pytest.mark.parametrize("output", ["table", "md", "github", "json"])
def test_rendered_files_are_told_in_every_form(repository, output):
    repository.commit(RENDERED)
    other = RENDERED["templates/gateway.env.j2"].replace("A={{ config.limits.rpm }}", "A={{ config.limits.other }}")
    branches(repository, {"templates/gateway.env.j2": other}, with_line("base/limits.yaml", "rpm: 10", "rpm: 20"))
    done = llmcfg(repository.path, "merge-check", "ours", "theirs", "-o", output)
    assert done.returncode == 6
    assert "2 rendered files depend on both" in done.stdout
    if output == "json":
        (only,) = json.loads(done.stdout)["renderings"]
        assert (only["key"], only["files"][0]) == ('"A=20"', "dev/_shared/gateway/g.env")
    else:
        assert "dev/_shared/gateway/g.env and 1 more" in done.stdout


def test_clean_branches_end_with_0(repository):
    branches(
        repository,
        with_line("base/limits.yaml", "rpm: 10", "rpm: 20"),
        with_line("base/limits.yaml", "last: 1", "last: 2"),
    )
    done = llmcfg(repository.path, "merge-check", "ours", "theirs")
    assert done.returncode == 0
    assert done.stdout == "clean: ours changes 1 value, theirs 1, and the merge is what both mean\n"


# law

CHOICES = st.dictionaries(
    st.sampled_from(["base", "environments/dev", "environments/prod", "tenants/acme"]),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=2),
    max_size=2,
)


def files(layers):
    return {
        f"{layer}/x.yaml": "\n\n".join(f"{key}: {value}\n" for key, value in values.items()) or "{}\n"
        for layer, values in layers.items()
    }


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_clean_check_means_that_the_merge_has_every_change_of_both_and_no_other(tmp_path_factory, data):
    repository = WrittenRepository(
        tmp_path_factory.mktemp("law"), {**START, "base/x.yaml": "a: 0\n\n\nb: 0\n\n\nc: 0\n"}
    )

    found = branches(repository, files(data.draw(CHOICES)), files(data.draw(CHOICES)))
    if found.is_conflict or not found.has_merge:
        return
    repository.git("checkout", "-q", "ours")
    if repository.git("merge", "-q", "-m", "merge", "theirs", check=False) or repository.git("status", "--porcelain"):
        return
    workspace = repository.workspace()
    base, ours, theirs, merged = (effective(workspace, name) for name in ("main", "ours", "theirs", "HEAD"))
    for place in {*base, *ours, *theirs, *merged}:
        before = base.get(place)
        expected = {side.get(place) for side in (ours, theirs)} - {before} or {before}
        assert {merged.get(place)} == expected


def effective(workspace, name):
    configuration = workspace.configuration(name)
    found = {}
    for scope in configuration.scopes:
        for document, resolved in configuration.effective(scope).documents.items():
            if document == "x":
                found |= {(str(scope), key): value for key, value in resolved.value.items()}
    return found
