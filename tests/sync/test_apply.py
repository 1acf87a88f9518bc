"""Deploying: one plan whatever is done with it, applied once, exactly, and told in the ref that only grows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from llmcfg.errors import ConflictError, FindingsError, PartlyAppliedError, StalePlanError, UsageError
from llmcfg.sync.act import apply
from llmcfg.sync.plan import make_plan
from llmcfg.sync.planfile import check_saved, read_plan, save_plan
from support.memory_sink import MemorySink
from support.written import CONSUMER, MANIFEST


def test_a_first_apply_commits_and_delivers_the_same_files(deployer):
    commit = deployer.git("rev-parse", "HEAD")
    plan = deployer.plan()
    assert (plan.expected, plan.moves_ref, plan.bundles) == (None, True, 3)
    assert [delivery.state for delivery in plan.deliveries] == ["empty"]

    applied = deployer.apply()
    assert applied.commit == deployer.git("rev-parse", "deployed/prod")
    assert deployer.ref_files() == deployer.delivered() == dict(plan.files)
    assert deployer.deployed().source == commit
    assert json.loads(deployer.delivered()["head.json"])["revision"] == commit


def test_what_a_deployment_reaches_is_known_before_its_values_are_compared(deployer, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("llmcfg.sync.plan.compare", _refuse)
        plan = deployer.plan()
        assert len(plan.affected) == plan.bundles
        assert deployer.apply().commit
        deployer.commit({"base/limits.yaml": "rpm: 11\n"})
        assert len(deployer.plan().affected) == plan.bundles
        assert deployer.apply().commit
    assert plan.difference.affected == plan.affected


def _refuse(*_arguments: object, **_named: object) -> None:
    pytest.fail("values were compared, for nobody: there are no gates to ask, and nothing is shown")


def test_applying_again_does_nothing(deployer):
    deployer.apply()
    before = deployer.git("rev-parse", "deployed/prod")

    assert deployer.plan().is_empty
    assert deployer.apply().is_nothing
    assert deployer.git("rev-parse", "deployed/prod") == before


def test_planning_twice_gives_one_plan_and_changes_nothing(deployer):
    refs, first = deployer.git("for-each-ref"), deployer.plan()
    second = deployer.plan()

    assert save_plan(first) == save_plan(second)
    assert first.files == second.files
    assert deployer.git("for-each-ref") == refs
    assert not (deployer.written.path / "delivered").exists()


def test_environments_are_deployed_apart(deployer):
    deployer.apply("dev")

    assert deployer.status("prod").state == "never deployed"
    assert deployer.status("dev").state == "current"


def test_a_commit_that_changes_nothing_for_the_environment_is_not_deployed(deployer):
    first = deployer.git("rev-parse", "HEAD")
    deployer.apply()
    deployer.commit({"environments/dev/limits.yaml": "rpm: 1\n", "README.md": "hello\n"})

    assert deployer.apply().is_nothing
    assert deployer.deployed().source == first
    assert deployer.status().state == "current"


def test_another_engine_with_the_same_content_deploys_nothing(deployer):
    deployer.apply()
    tree = deployer.ref_files()
    head = json.loads(tree["head.json"]) | {"engine": "llmcfg/0.0.1"}
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod").replace(
        "Engine: llmcfg/", "Engine: llmcfg/0.0."
    )
    repository = deployer.workspace.repository
    repository.commit_files(
        "refs/heads/deployed/prod",
        {**tree, "head.json": json.dumps(head).encode()},
        expected=deployer.deployed().commit,
        message=message,
    )
    before = deployer.count()

    deployer.apply()
    assert deployer.count() == before
    assert json.loads(deployer.delivered()["head.json"])["engine"] == "llmcfg/0.0.1"
    assert deployer.status().state == "current"


def test_a_change_moves_only_what_it_reaches(deployer):
    deployer.apply()
    deployer.commit({"tenants/acme/limits.yaml": "rpm: 20\n"})
    plan = deployer.plan()

    assert plan.difference.affected == plan.affected == ("prod/acme/api",)
    before = deployer.ref_files()
    deployer.apply()
    changed = {path for path, content in deployer.ref_files().items() if before.get(path) != content}
    assert changed == {"head.json", "acme/api/config/limits.json", "acme/api/manifest.json"}


def test_a_tenant_and_a_consumer_that_go_take_their_bundles_with_them(deployer):
    deployer.commit({"consumers/bot.yaml": CONSUMER})
    deployer.apply()
    deployer.commit({"llmcfg.yaml": MANIFEST + "tenants: {acme: {}}\n", "consumers/bot.yaml": None})
    plan = deployer.plan()

    assert plan.difference.targets_removed == ("prod/_shared/bot", "prod/beta/api")
    assert plan.difference.affected == plan.affected
    deployer.apply()
    folders = {"/".join(path.split("/")[:2]) for path in deployer.delivered()} - {"head.json"}
    assert folders == {"_shared/api", "acme/api"}
    assert deployer.status().state == "current"


def test_an_environment_whose_last_bundle_goes_is_delivered_empty(deployer):
    deployer.apply()
    deployer.commit({"consumers/api.yaml": CONSUMER + "environments: [dev]\n"})
    deployer.apply()

    assert list(deployer.delivered()) == ["head.json"]
    assert json.loads(deployer.delivered()["head.json"])["bundles"] == {}
    assert deployer.status().state == "current"


def test_configuration_with_errors_is_not_deployed(deployer):
    deployer.apply()
    before = deployer.count()
    deployer.commit({"base/limits.yaml": "rpm: '{{config:no.such}}'\n"})

    with pytest.raises(FindingsError) as caught:
        deployer.apply()
    assert [finding.rule_id for finding in caught.value.findings] == ["reference-missing"]
    assert deployer.count() == before
    assert deployer.status().state == "blocked"


@pytest.mark.fault("C24")
def test_the_work_tree_is_not_deployed(deployer):
    workspace = deployer.workspace
    with pytest.raises(UsageError):
        make_plan(workspace.configuration(), workspace.repository, "prod", workspace.sink)


def test_one_change_among_three_hundred_bundles_writes_only_its_own_objects(make_deployer):
    tenants = "tenants: {" + ", ".join(f"t{number}: {{}}" for number in range(100)) + "}\n"
    consumers = {f"consumers/{name}.yaml": CONSUMER + 'tenants: "*"\n' for name in ("api", "bot", "chat")}
    deployer = make_deployer({"llmcfg.yaml": MANIFEST + tenants, **consumers})
    sink = MemorySink()
    deployer.apply(sink=sink)
    assert len(json.loads(sink.files["head.json"])["bundles"]) == 300
    deployer.commit({"tenants/t42/limits.yaml": "rpm: 99\n"})
    before = _objects(deployer)
    deployer.apply(sink=sink)

    new = sorted(_objects(deployer) - before)
    kinds = [line.split()[1] for line in deployer.git("cat-file", "--batch-check", stdin="\n".join(new)).splitlines()]
    # limits.json, which three consumers share, one manifest each, head.json; the root, t42, three bundles, the config they share
    assert (kinds.count("commit"), kinds.count("blob"), kinds.count("tree")) == (1, 5, 6)


def _objects(deployer):
    return set(deployer.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split())


# saved plans


def saved(deployer):
    return read_plan(save_plan(deployer.plan()))


def test_a_saved_plan_is_applied_exactly(deployer):
    deployer.apply()
    commit = deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    kept = saved(deployer)
    deployer.commit({"base/limits.yaml": "rpm: 30\n"})

    plan = deployer.plan(at=kept.revision)
    check_saved(kept, plan)
    apply(plan, deployer.workspace.repository, deployer.reader, actor="Ada")
    assert deployer.deployed().source == commit == kept.revision
    assert b'"rpm":20' in deployer.delivered()["_shared/api/config/limits.json"]


def test_a_saved_plan_holds_no_value(deployer):
    deployer.commit({"base/limits.yaml": "rpm: 987654\n"})
    assert b"987654" not in save_plan(deployer.plan())


@pytest.mark.parametrize("what", ["engine", "deployed state", "result"])
def test_a_saved_plan_that_no_longer_holds_is_refused(deployer, what):
    deployer.apply()
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    said = json.loads(save_plan(deployer.plan()))
    if what == "engine":
        said["engine"] = "llmcfg/0.0.1"
    if what == "deployed state":
        deployer.apply()
        deployer.rollback()
    if what == "result":
        said["root"] = "sha256:" + "0" * 64
    kept = read_plan(json.dumps(said).encode())

    with pytest.raises(StalePlanError) as caught:
        check_saved(kept, deployer.plan(at=kept.revision))
    assert f"its {what} was" in caught.value.message
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b"{}", b"hello", b'{"kind": "Plan"}', b'{"apiVersion": 1}']
)
def test_a_file_that_is_no_plan_says_so(content):
    with pytest.raises(UsageError) as caught:
        read_plan(content)
    assert "llmcfg plan" in caught.value.hint


def test_a_plan_of_another_kind_says_which(deployer):
    said = json.loads(save_plan(deployer.plan())) | {"kind": "Other"}
    with pytest.raises(UsageError, match="a Other of"):
        read_plan(json.dumps(said).encode())


# races and failures


def test_a_plan_that_lost_the_race_to_the_same_result_has_nothing_left_to_do(deployer):
    slow = deployer.plan()
    deployer.apply()
    applied = apply(slow, deployer.workspace.repository, deployer.reader, actor="Bob")

    assert applied.commit is None
    assert deployer.count() == 1
    assert deployer.status().state == "current"


def test_a_plan_that_lost_the_race_to_another_result_conflicts(deployer):
    deployer.apply()
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    slow = deployer.plan()
    newer = deployer.commit({"base/limits.yaml": "rpm: 30\n"})
    deployer.apply()

    with pytest.raises(ConflictError):
        apply(slow, deployer.workspace.repository, deployer.reader, actor="Bob")
    assert deployer.deployed().source == newer
    assert deployer.delivered() == deployer.ref_files()


@pytest.mark.fault("C15")
def test_a_slow_delivery_never_overwrites_a_newer_one(deployer):
    """The plan only mends a sink, so it does not move the ref and meets no compare-and-swap."""
    deployer.apply()
    (deployer.written.path / "delivered/prod/current/head.json").chmod(0o600)
    (deployer.written.path / "delivered/prod/current/head.json").write_text("edited")
    slow = deployer.plan()
    assert not slow.moves_ref
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    deployer.apply()

    with pytest.raises(ConflictError):
        apply(slow, deployer.workspace.repository, deployer.reader, actor="Bob")
    assert deployer.delivered() == deployer.ref_files()


_RACER = """
import sys
from pathlib import Path
from llmcfg.errors import ConflictError
from llmcfg.sync.act import apply
from llmcfg.sync.plan import make_plan
from llmcfg.wiring import Workspace

workspace = Workspace(Path(sys.argv[1]))
plan = make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)
print("ready", flush=True)
sys.stdin.readline()
try:
    print(apply(plan, workspace.repository, lambda file, content: {}, actor=sys.argv[2]).commit or "nothing left")
except ConflictError:
    print("conflict")
"""


@pytest.mark.fault("R17")
def test_of_two_processes_that_race_one_commits(deployer):
    deployer.apply()
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(deployer.written.path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name in ("one", "two")
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=racer.stdin.write, args=("go\n",)) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = [racer.communicate()[0].strip() for racer in racers]

    assert deployer.count() == 2
    assert deployer.git("rev-parse", "deployed/prod") in answers
    assert {len(answer) == 40 for answer in answers} == {True, False}
    assert deployer.status().state == "current"


def test_a_sink_that_cannot_be_written_is_told_and_mended_by_the_next_apply(deployer):
    (deployer.written.path / "delivered").write_text("in the way")
    with pytest.raises(PartlyAppliedError) as caught:
        deployer.apply()
    assert caught.value.exit_code == 9
    assert deployer.count() == 1

    (deployer.written.path / "delivered").unlink()
    assert deployer.status().state == "drifted"
    applied = deployer.apply()
    assert applied.commit is None
    assert len(applied.delivered) == 1
    assert deployer.delivered() == deployer.ref_files()


def test_one_broken_sink_does_not_keep_the_others_from_theirs(make_deployer):
    own = (
        CONSUMER
        + 'tenants: "*"\nsinks: [{directory: {path: "broken/{environment}"}}, {directory: {path: "out/{environment}"}}]\n'
    )
    deployer = make_deployer({"consumers/own.yaml": own})
    (deployer.written.path / "broken").write_text("in the way")

    with pytest.raises(PartlyAppliedError, match="broken/prod"):
        deployer.apply()
    assert (deployer.written.path / "out/prod/current/acme/own/manifest.json").is_file()
    assert deployer.delivered()["_shared/api/manifest.json"]


# who applied


@pytest.mark.parametrize(
    "actor",
    [
        "Eve <e@x>\nQuarantined: " + "0" * 40,
        "Eve\r\nSource-Commit: " + "0" * 40,
        "Eve\u2028Engine: other\x85Rolled-Back-From: x\x0bQuarantined: y",
        "Eve\n\nApplied-By: somebody else",
        "Eve: with a colon",
        "",
        "   ",
        "\x00\x1b[31m",
        "x" * 5000,
        "\ud800",
    ],
)
def test_no_identity_forges_a_trailer(deployer, actor):
    plan = deployer.plan()
    apply(plan, deployer.workspace.repository, deployer.reader, actor=actor)
    deployed = deployer.deployed()

    assert deployed.source == plan.revision.commit
    assert deployed.quarantined == frozenset()
    assert deployed.rolled_back_from is None
    assert deployed.by
    assert len(deployed.by) <= 200
    trailers = [
        line.partition(":")[0]
        for line in deployer.git("log", "-1", "--format=%(trailers:only,unfold)", "deployed/prod").splitlines()
    ]
    assert sorted(trailers) == ["Applied-By", "Engine", "Source-Commit"]
    assert deployer.status().state == "current"
