"""What the policies refuse is not deployed, by hand or by sync; what is deployed stays, and a change that is allowed goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmcfg.errors import FindingsError
from llmcfg.sync.act import apply
from llmcfg.sync.plan import make_plan
from support.written import CONSUMER, WrittenRepository

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
