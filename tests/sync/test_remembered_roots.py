"""Whether a revision is what runs is remembered by its files: nothing is built again to say it, and it is never said of other files."""

from __future__ import annotations

import pytest

from llmcfg.errors import FindingsError
from llmcfg.sync.building import build_environment
from llmcfg.sync.plan import make_plan
from llmcfg.wiring import Workspace

CHANGES = {
    "a value": {"base/limits.yaml": "rpm: 20\n"},
    "a consumer": {"consumers/api.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [limits]\nshared: true\n"},
    "a file that comes": {"base/more.yaml": "a: 1\n"},
    "a file that goes": {"base/models.yaml": None},
    "a layer of a tenant": {"tenants/acme/limits.yaml": "rpm: 30\n"},
}


@pytest.fixture
def remembering(deployer, tmp_path):
    """A workspace as a process opens it, with what earlier ones remembered."""

    def open_workspace():
        return Workspace(deployer.written.path, cache=tmp_path / "cache")

    workspace = open_workspace()
    make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)
    deployer.apply()
    return open_workspace


def state_of_prod(workspace):
    return next(status for status in workspace.statuses(["prod"]))


def test_what_runs_is_known_without_building_it(remembering):
    workspace = remembering()

    plan = make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)
    state = state_of_prod(workspace)

    assert (plan.is_empty, plan.bundles, plan.difference.affected) == (True, 3, ())
    assert (state.state, state.pending) == ("current", 0)
    assert workspace.memo.parts == {}  # where what is built is kept


def test_the_same_files_in_another_commit_are_the_same(deployer, remembering):
    deployer.git("commit", "-q", "--allow-empty", "-m", "nothing")
    workspace = remembering()

    assert state_of_prod(workspace).state == "current"
    assert workspace.memo.parts == {}


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_file_is_built_and_says_what_it_says_without_a_memory(deployer, remembering, change):
    deployer.commit(CHANGES[change])

    states = [state_of_prod(remembering()) for _ in range(2)]

    pending = deployer.status().pending
    assert pending > 0
    assert [(state.state, state.pending) for state in states] == [("pending", pending)] * 2


def test_what_has_errors_is_not_remembered(deployer, remembering):
    deployer.commit({"base/limits.yaml": "rpm: {{config:gone}}\n"})

    for _ in range(2):
        workspace = remembering()
        with pytest.raises(FindingsError):
            build_environment(workspace.configuration("HEAD"), "prod")
        assert state_of_prod(workspace).state == "blocked"


def test_what_an_environment_remembers_is_not_said_of_another(deployer, remembering):
    workspace = remembering()

    of_prod = deployer.deployed().root
    built = build_environment(workspace.configuration("HEAD"), "dev")

    assert built.root != of_prod
    assert {target.environment for target in built.manifests} == {"dev"}


def test_what_was_not_built_yet_is_built_when_it_is_asked_for(deployer, remembering):
    workspace = remembering()

    built = build_environment(workspace.configuration("HEAD"), "prod")

    assert workspace.memo.parts == {}
    assert {target.folder for target in built.bundles_of([*built.manifests]).bundles} == {
        "_shared/api",
        "acme/api",
        "beta/api",
    }
