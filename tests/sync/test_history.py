"""History by effect: commits at which a value changed for somebody, whichever file did it."""

from __future__ import annotations

from itertools import islice

import pytest

from llmcfg import limits
from llmcfg.errors import NotFoundError
from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.target import Scope
from llmcfg.sync.history import commit_history, key_history
from llmcfg_cli.app import run
from support.written import MANIFEST, WrittenRepository


@pytest.fixture
def written(tmp_path):
    return WrittenRepository(tmp_path / "r", {"base/a.yaml": "x: 1\n"})


def changes(written, key="a.x", scope=("prod", None)):
    workspace = written.workspace()
    start = workspace.repository.resolve("HEAD")
    found = key_history(workspace.repository, workspace.configuration_at, start, Scope(*scope), parse_key_path(key))
    return [(change.facts.subject, change.before, change.after) for change in found]


def test_commits_that_change_the_value_are_listed_newest_first(written):
    written.commit({"base/a.yaml": "x: 2\n"}, "two")
    written.commit({"base/other.yaml": "x: 2\n"}, "another document")
    written.commit({"environments/prod/a.yaml": "x: 3\n"}, "three in prod")
    written.commit({"environments/dev/a.yaml": "x: 4\n"}, "four in dev")

    assert changes(written) == [("three in prod", 2, 3), ("two", 1, 2), ("change", ABSENT, 1)]
    assert changes(written, scope=("dev", None)) == [("four in dev", 2, 4), ("two", 1, 2), ("change", ABSENT, 1)]


def test_a_value_that_moves_to_another_layer_or_file_does_not_change(written):
    written.commit({"environments/prod/a.yaml": "x: 1\n"}, "said again")
    written.commit({"base/a.yaml": "other: 1\n"}, "only above")
    written.commit(
        {"base/a.yaml": None, "base/a.yml": "x: 1.0\nother: 1\n", "environments/prod/a.yaml": None}, "moved back"
    )
    written.commit({"base/b.yaml": "one: 1\n", "base/a.yml": "x: '{{config:b.one}}'\nother: 1\n"}, "as a reference")

    assert changes(written) == [("change", ABSENT, 1)]


def test_a_reference_changes_with_what_it_names(written):
    written.commit({"base/b.yaml": "one: 1\n", "base/a.yaml": "x: '{{config:b.one}}'\n"}, "as a reference")
    written.commit({"base/b.yaml": "one: 2\n"}, "the other end")

    assert changes(written)[0] == ("the other end", 1, 2)


def test_a_key_that_goes_and_comes_back_is_listed_both_times(written):
    written.commit({"base/a.yaml": "v: 1\n"}, "gone")
    written.commit({"base/a.yaml": "x: null\n"}, "back as null")

    assert changes(written)[:2] == [("back as null", ABSENT, None), ("gone", 1, ABSENT)]


@pytest.mark.parametrize("broken", ["base/a.yaml", "llmcfg.yaml"])
def test_commits_that_cannot_be_read_are_passed_over(written, broken):
    good = {"base/a.yaml": "x: 2\n", "llmcfg.yaml": MANIFEST}
    written.commit({broken: "x: [\n"}, "broken")
    written.commit({"base/c.yaml": "x: 1\n"}, "still broken")
    written.commit(good, "mended")

    assert changes(written) == [("mended", 1, 2), ("change", ABSENT, 1)]


def test_history_before_there_was_a_manifest_is_passed_over(tmp_path):
    written = WrittenRepository(tmp_path / "r")
    written.commit({"README.md": "hello\n"}, "first")
    written.commit({"llmcfg.yaml": MANIFEST, "base/a.yaml": "x: 1\n"}, "configuration")

    assert changes(written) == [("configuration", ABSENT, 1)]


def test_a_tenant_that_appears_begins_with_what_it_inherits(written):
    written.commit({"llmcfg.yaml": MANIFEST + "tenants: {acme: {}}\n"}, "acme")
    written.commit({"tenants/acme/a.yaml": "x: 5\n"}, "its own")

    assert changes(written, scope=("prod", "acme")) == [("its own", 1, 5), ("acme", ABSENT, 1)]


def test_an_environment_that_appears_begins_with_what_it_inherits(written):
    written.commit({"llmcfg.yaml": MANIFEST.replace("prod: {}", "prod: {}, edge: {inherits: prod}")}, "edge")

    assert changes(written, scope=("edge", None)) == [("edge", ABSENT, 1)]


def test_history_that_is_cut_off_does_not_invent_a_beginning(written, monkeypatch):
    monkeypatch.setattr(limits, "HISTORY_COMMITS", 2)
    written.commit({"base/a.yaml": "x: 2\n"}, "two")
    written.commit({"base/a.yaml": "x: 3\n"}, "three")

    assert changes(written) == [("three", 2, 3)]


def effects(written, environment=None):
    workspace = written.workspace()
    start = workspace.repository.resolve("HEAD")
    found = commit_history(workspace.repository, workspace.configuration_at, start, environment)
    return [(change.facts.subject, change.values) for change in islice(found, 20)]


def test_every_commit_is_listed_with_how_many_values_it_changed(written):
    written.commit({"base/a.yaml": "x: 2\nv: 2\n"}, "two values")
    written.commit({"README.md": "hello\n"}, "none")
    written.commit({"base/a.yaml": "x: [\n"}, "broken")
    written.commit({"environments/dev/b.yaml": "one: {two: 1, three: 2}\n", "base/a.yaml": "x: 2\nv: 2\n"}, "mended")
    written.commit({"environments/dev/b.yaml": "one: {two: 3, three: 4}\n"}, "dev")

    assert effects(written) == [
        ("dev", 2),
        ("mended", None),
        ("broken", None),
        ("none", 0),
        ("two values", 2),
        ("change", 1),
    ]
    assert effects(written, "prod")[0] == ("dev", 0)


@pytest.mark.parametrize("broken", ["base/a.yaml", "llmcfg.yaml"])
def test_a_beginning_that_cannot_be_read_is_not_told_as_unset(tmp_path, broken):
    written = WrittenRepository(tmp_path / "r", {"base/a.yaml": "x: 1\n"})
    written.commit({broken: "x: [\n"}, "broken")
    written.git("checkout", "-q", "--orphan", "other")
    written.commit({}, "still broken")
    written.commit({"llmcfg.yaml": MANIFEST, "base/a.yaml": "x: 2\n"}, "mended")
    workspace = written.workspace()
    start = workspace.repository.resolve("HEAD")
    found = key_history(workspace.repository, workspace.configuration_at, start, Scope("prod", None), ("a", "x"))
    assert [(change.facts.subject, change.is_known, change.after) for change in found] == [("mended", False, 2)]


def test_a_shallow_clone_shows_what_it_holds_and_says_where_it_ends(written, tmp_path, capsys):
    written.commit({"base/a.yaml": "x: 2\n"}, "two")
    written.commit({"base/a.yaml": "x: 3\n"}, "three")
    place = tmp_path / "shallow"
    written.git("clone", "-q", "--depth", "2", f"file://{written.path}", str(place))

    for arguments, told in (((), {"three": "1 value", "two": "-"}), (("a.x", "-e", "prod"), {"three": "2 -> 3"})):
        with pytest.raises(NotFoundError, match="shallow"):
            run(["history", *arguments, "-C", str(place)])
        _, *rows = capsys.readouterr().out.splitlines()
        assert {row.split()[4]: row.split(maxsplit=5)[5] for row in rows} == told
    assert run(["history", "-n", "1", "-C", str(place)]) == 0


def test_tenants_that_a_reference_sets_apart_count_each(written):
    tenants = "tenants: {acme: {variables: {tier: gold}}, other: {}}\nvariables: {tier: none}\n"
    written.commit({"llmcfg.yaml": MANIFEST + tenants, "base/a.yaml": "x: '{{var:tier}} 1'\n"}, "with a reference")
    written.commit({"base/a.yaml": "x: '{{var:tier}} 2'\n"}, "two")
    written.commit({"base/other.yaml": "x: 1\n"}, "so that the one before it is not the first that is looked at")

    assert effects(written)[1] == ("two", 2)


def test_a_tenant_that_comes_brings_all_that_it_inherits_and_then_counts_as_the_platform_does(written):
    with_tenant = MANIFEST + "tenants: {acme: {}}\n"
    written.commit({"llmcfg.yaml": with_tenant}, "acme comes")
    written.commit({"llmcfg.yaml": f"{with_tenant}# again\n", "base/a.yaml": "x: 2\n"}, "for both")
    written.commit({"llmcfg.yaml": with_tenant, "tenants/acme/a.yaml": "x: 3\n"}, "its own")
    written.commit({"llmcfg.yaml": f"{with_tenant}# again\n", "tenants/acme/a.yaml": None}, "no more")

    assert [count for _, count in effects(written)] == [1, 1, 1, 1, 1]
