"""What the policies refuse is not deployed, by hand or by sync; what is deployed stays, and a change that is allowed goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from llmcfg.ci.base import Base
from llmcfg.ci.review import review
from llmcfg.errors import FindingsError
from llmcfg.model.failure import FailureKind
from llmcfg.sync.act import apply
from llmcfg.sync.plan import make_plan, refuse_gated
from support.reconciling import attempt
from support.signedcommits import sign_head
from support.written import CONSUMER, MANIFEST, WrittenRepository
from trust.roots import make_root, signed
from trust.signing import ecdsa, ed25519

ADA, BEN = ed25519(1), ecdsa()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
STEP = """
package steps

deny contains result if {
	some key in input.change.keys
	key.after > key.before * 2
	result := {"message": sprintf("%s more than doubles, says %s", [key.key, input.change.author]), "key": key.path}
}
"""
FILES = {"base/limits.yaml": "rpm: 10\n", "consumers/api.yaml": CONSUMER, "policies/steps.rego": STEP}


@pytest.fixture
def written(tmp_path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "repository", FILES)


def plan(written: WrittenRepository):
    workspace = written.workspace()
    made = make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)
    return workspace.repository, replace(made, deliveries=())


def deploy(written: WrittenRepository) -> str | None:
    repository, made = plan(written)
    return apply(made, repository, reader=None, actor="ada").commit


def test_first_deployment_changes_nothing_that_runs(written):
    assert deploy(written)


def test_change_that_a_policy_refuses_is_planned_and_not_applied(written):
    runs = deploy(written)
    written.commit({"base/limits.yaml": "rpm: 50\n"})
    repository, made = plan(written)
    assert [f"{finding.rule_id} {finding.origin} {finding.message}" for finding in made.gates] == [
        "policy/steps.deny base/limits.yaml:1:1 limits.rpm more than doubles, says ada@example.org"
    ]
    with pytest.raises(FindingsError) as refused:
        apply(made, repository, reader=None, actor="ada")
    assert refused.value.findings == made.gates
    assert repository.read_ref("refs/heads/deployed/prod") == runs


def test_change_goes_on_in_steps_that_are_allowed(written):
    deploy(written)
    for rpm in (20, 40, 50):
        written.commit({"base/limits.yaml": f"rpm: {rpm}\n"})
        assert deploy(written)


@pytest.mark.fault("A20")
def test_broken_policy_deploys_nothing_and_what_runs_stays(written):
    runs = deploy(written)
    written.commit({"base/limits.yaml": "rpm: 11\n", "policies/steps.rego": "package steps\n\ndeny contains\n"})
    with pytest.raises(FindingsError):
        plan(written)
    assert written.git("rev-parse", "deployed/prod") == runs
    written.commit({"policies/steps.rego": STEP})
    assert deploy(written) != runs


# what is decided beside bundles

DECIDED = """
package decided

deny contains result if {
	some decision in input.change.decisions
	decision.path[0] in ["sinks", "environments"]
	not endswith(input.change.author, "@platform.example.org")
	result := {"message": sprintf("%s decides %s", [input.change.author, decision.key]), "decision": decision.path}
}

deny contains sprintf("%s changes %s", [input.change.author, guard.file]) if {
	some guard in input.change.guards
	not endswith(input.change.author, "@platform.example.org")
}
"""
SINK = 'sinks:\n  - directory: {path: "delivered/{environment}"}\n  - directory: {path: "elsewhere/{environment}"}\n'


def commit_as(written: WrittenRepository, email: str, files: dict[str, str | None]) -> str:
    written.git("config", "user.email", email)
    return written.commit(files)


@pytest.fixture
def decided(tmp_path) -> WrittenRepository:
    made = WrittenRepository(tmp_path / "decided", {**FILES, "policies/steps.rego": DECIDED})
    deploy(made)
    return made


def said(written: WrittenRepository) -> list[str]:
    return [f"{each.rule_id} {each.origin} {each.message}" for each in plan(written)[1].gates]


def test_new_sink_is_refused_though_no_bundle_changes(decided):
    commit_as(decided, "eve@example.org", {"llmcfg.yaml": MANIFEST + SINK})
    assert said(decided) == ["policy/decided.deny llmcfg.yaml:5:1 eve@example.org decides sinks"]
    _, made = plan(decided)
    assert not made.moves_ref
    with pytest.raises(FindingsError):
        refuse_gated(made)


def test_sync_delivers_to_no_sink_that_is_refused_and_mends_those_of_what_is_deployed(decided):
    commit_as(decided, "eve@example.org", {"llmcfg.yaml": MANIFEST + SINK})
    refused = attempt(decided, "prod", NOW)
    assert refused.failure is not None
    assert refused.failure.kind is FailureKind.STALLED
    assert [sink.is_written for sink in refused.sinks] == [True]
    assert not (decided.path / "elsewhere").exists()
    commit_as(decided, "ada@platform.example.org", {"llmcfg.yaml": MANIFEST})
    commit_as(decided, "ada@platform.example.org", {"llmcfg.yaml": MANIFEST + SINK})
    assert attempt(decided, "prod", NOW).failure is None
    assert (decided.path / "elsewhere/prod/current").exists()


def test_who_decided_is_asked_and_not_who_came_after(decided):
    commit_as(decided, "ada@platform.example.org", {"llmcfg.yaml": MANIFEST + SINK, "schemas/a.json": "{}\n"})
    commit_as(decided, "eve@example.org", {"base/limits.yaml": "rpm: 15\n"})
    assert said(decided) == []
    commit_as(decided, "eve@example.org", {"schemas/a.json": "true\n"})
    assert said(decided) == ["policy/decided.deny policies/steps.rego:3:1 eve@example.org changes schemas/a.json"]


def test_what_was_undone_counts_for_nobody(decided):
    commit_as(decided, "eve@example.org", {"llmcfg.yaml": MANIFEST + SINK})
    commit_as(decided, "bob@example.org", {"llmcfg.yaml": MANIFEST})
    assert said(decided) == []


def test_commit_after_a_manifest_that_cannot_be_read_decided_everything(decided):
    commit_as(decided, "eve@example.org", {"llmcfg.yaml": "environments: []\n"})
    commit_as(decided, "eve@example.org", {"llmcfg.yaml": MANIFEST + SINK})
    commit_as(decided, "ada@platform.example.org", {"llmcfg.yaml": MANIFEST + SINK + "tenants: {acme: {}}\n"})
    assert [line.rpartition("org ")[2] for line in said(decided)] == ["decides sinks"]


def test_decisions_about_another_environment_hold_nobody_up(decided):
    lifted = MANIFEST.replace("dev: {}", "dev: {protected: true}")
    commit_as(decided, "eve@example.org", {"llmcfg.yaml": lifted, "base/limits.yaml": "rpm: 15\n"})
    assert said(decided) == []


def test_commit_that_is_deployed_and_not_here_refuses_what_nobody_can_judge(decided, tmp_path):
    for rpm in (12, 13):
        decided.commit({"base/limits.yaml": f"rpm: {rpm}\n"})
    decided.git(
        "clone", "-q", "--depth", "1", "--no-single-branch", f"file://{decided.path}", str(tmp_path / "shallow")
    )
    shallow = WrittenRepository(tmp_path / "shallow")
    shallow.git("branch", "-q", "deployed/prod", "origin/deployed/prod")
    (found,) = said(shallow)
    assert found.startswith("policy-failed llmcfg.yaml:1:1 prod runs commit ")
    shallow.git("fetch", "-q", "--unshallow")
    assert said(shallow) == []


# who signed

SIGNED = """
package signed

deny contains sprintf("%s is not signed by ada", [key.key]) if {
	some key in input.change.keys
	not input.change.signer == "ada"
}

deny contains sprintf("%v decides %s", [input.change.signer, decision.key]) if {
	some decision in input.change.decisions
	not input.change.signer == "ada"
}
"""


@pytest.fixture
def trusting(tmp_path) -> WrittenRepository:
    """What HEAD holds is vouched for; ada and ben sign from there on."""
    made = WrittenRepository(tmp_path / "trusting", {**FILES, "policies/steps.rego": SIGNED})
    root = make_root(ADA, signers=(ADA.line("ada").strip(), BEN.line("ben").strip()), expires=1 << 33,
                     vouched=(made.git("rev-parse", "HEAD"),))  # fmt: skip
    made.workspace().root_store().pin(signed(root, ADA))
    deploy(made)
    return made


def plan_as_deployed(written: WrittenRepository) -> list[str]:
    workspace = written.workspace()
    wanted = workspace.wanted("prod", None)
    made = make_plan(wanted, workspace.repository, "prod", workspace.sink, signer_of=workspace.signer_of)
    return [each.message for each in made.gates]


def test_policy_sees_who_signed_the_commit_that_is_deployed_and_each_that_decided(trusting):
    trusting.commit({"base/limits.yaml": "rpm: 12\n"})
    sign_head(trusting.git, BEN)
    assert plan_as_deployed(trusting) == ["limits.rpm is not signed by ada"]
    trusting.commit({"llmcfg.yaml": MANIFEST.replace("prod: {}", "prod: {protected: true}")})
    sign_head(trusting.git, BEN)
    trusting.commit({"base/limits.yaml": "rpm: 13\n"})
    sign_head(trusting.git, ADA)
    assert plan_as_deployed(trusting) == ["ben decides environments.prod.protected"]


@pytest.mark.parametrize(("key", "expected"), [(BEN, ["policy/signed.deny"]), (ADA, [])], ids=["ben", "ada"])
def test_review_tells_policies_who_signed(trusting, key, expected):
    trusting.commit({"base/limits.yaml": "rpm: 12\n"})
    sign_head(trusting.git, key)
    workspace = trusting.workspace()
    base = Base(workspace.resolve("HEAD~1").commit, "as told")
    found = review(workspace, base, workspace.resolve("HEAD"), as_of=NOW.date())
    assert [finding.rule_id for finding in found.new] == expected
