"""What is planned and deployed by what a change can reach is what is planned and deployed of everything, to the byte."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.test_reach import edited
from llmcfg.errors import FindingsError, IntegrityError, LlmcfgError
from llmcfg.pipeline.stored import read_stored
from llmcfg.secrets.held import read_with
from llmcfg.sync.act import apply, plan_rollback, rollback
from llmcfg.sync.deployed import commit_message, deployed_files, deployed_ref, read_deployed
from llmcfg.sync.plan import make_plan
from llmcfg.sync.planfile import to_output
from llmcfg.wiring import Workspace
from support.sealed import sealed
from support.written import CONSUMER, WrittenRepository

QUICK = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SWEEP = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANIFEST = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: random
environments: {dev: {}, prod: {inherits: dev}}
tenants: {acme: {variables: {region: eu}}, beta: {parent: acme}, gamma: {}}
sinks: []
"""
LIMITS = "apiVersion: llmcfg.dev/v1\nkind: ChangeLimits\nsteps:\n  - {keys: [limits.rpm], by: 5}\n"
STEPS_REGO = """
package steps

deny contains result if {
	some key in input.change.keys
	key.after == 13
	result := {"message": sprintf("%s by %s in %d", [key.key, input.change.author, input.change.targets]), "key": key.path}
}
"""
FIRST = {
    "llmcfg.yaml": MANIFEST,
    "base/limits.yaml": "rpm: 10\n",
    "base/models.yaml": "default: small\nlimit: '{{config:limits.rpm}}'\n",
    "base/folder/in.yaml": "k: 1\n",
    "base/whole.yaml": "all: '{{config:folder}}'\nwhere: '{{var:environment}}'\n",
    "tenants/acme/limits.yaml": "rpm: 11\n",
    "consumers/api.yaml": CONSUMER + 'tenants: "*"\nshared: true\n',
    "consumers/part.yaml": CONSUMER.replace("[.]", "[limits.rpm, folder]") + "shared: true\n"
    "outputs: [{template: templates/t.j2, path: t.txt}]\n",
    "templates/t.j2": "{{ config.limits.rpm }}\n",
    "policies/limits.yaml": LIMITS,
}
TEXTS = {
    "base/limits.yaml": ["rpm: 12\n", "rpm: 13\n", "rpm: 40\n", "rpm: 10\nnew: true\n", "rpm: [\n", "{}\n"],
    "base/models.yaml": ["default: large\n", "default: '{{config:whole.all}}'\n", "default: '{{config:gone}}'\n"],
    "base/folder/in.yaml": ["k: 2\n", "k: '{{config:limits.rpm}}'\n", None],
    "base/folder/more.yaml": ["k: 3\n", None],
    "base/folder.yaml": ["in: {k: 1}\n", "k: 1\n", None],
    "base/secrets/k.yaml": [sealed("key: one\n"), None],
    "environments/prod/limits.yaml": ["rpm: 14\n", None],
    "environments/prod/new.yaml": ["a: 1\n", None],
    "tenants/acme/limits.yaml": ["rpm: 15\n", "rpm: 11\n", None],
    "tenants/gamma/environments/prod/folder/in.yaml": ["k: 9\n", None],
    "llmcfg.yaml": [
        MANIFEST.replace(", gamma: {}", ""),
        MANIFEST.replace("gamma: {}", "gamma: {}, delta: {parent: beta}"),
        MANIFEST.replace("region: eu", "region: us"),
        MANIFEST.replace("dev: {}", "dev: {protected: true}"),
    ],
    "consumers/part.yaml": [None, FIRST["consumers/part.yaml"].replace("folder", "models")],
    "templates/t.j2": ["<{{ config.limits.rpm }}>\n"],
    "policies/limits.yaml": [LIMITS.replace("by: 5", "by: 1"), None],
    "policies/steps.rego": [STEPS_REGO, None],
}
EDITS = st.sampled_from([(path, text) for path, texts in TEXTS.items() for text in (*texts, FIRST.get(path))])
COMMITS = st.lists(EDITS, max_size=3)
HAPPENINGS = st.sampled_from(["apply", "apply", "apply", "older", "elsewhere", "rollback", "drift", "lie", "gone"])
STEPS = st.lists(st.tuples(COMMITS, HAPPENINGS), min_size=2, max_size=4)


class Both:
    """One repository, and workspaces that remember, that remember something else, and that do not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = WrittenRepository(folder / "repository", FIRST)
        self.files = FIRST

    def workspace(self, cache: str | None) -> Workspace:
        return Workspace(self.written.path, cache=None if cache is None else self.folder / cache)

    def commit(self, edits) -> None:
        changed = edited(self.files, edits)
        said = {
            path: changed.get(path) for path in {*self.files, *changed} if self.files.get(path) != changed.get(path)
        }
        self.files = changed
        self.written.commit(said)

    def plan(self, cache, at=None):
        workspace = self.workspace(cache)
        return workspace, make_plan(workspace.wanted("prod", at), workspace.repository, "prod", workspace.sink)

    def told(self, cache, at=None):
        """All that a plan says and would store; or why there is none."""
        try:
            workspace, plan = self.plan(cache, at)
        except FindingsError as error:
            return error.message, error.findings
        files = plan.files if cache else dict(plan.files)  # which no folder that is stored spares from being written
        tree = self.tree_of(workspace, f"refs/llmcfg/{cache}", files)
        return to_output(plan), plan.difference, plan.gates, plan.to_seal, plan.damage, tree

    def tree_of(self, workspace, ref, files):
        kept = workspace.repository.read_ref(ref)
        commit = workspace.repository.keep_files(ref, files, expected=kept, message="kept")
        return self.written.git("rev-parse", f"{commit}^{{tree}}")

    def hold(self, at=None) -> None:
        assert self.told("cache", at) == self.told(None, at)

    def apply(self, cache, at=None) -> None:
        try:
            workspace, plan = self.plan(cache, at)
            apply(plan, workspace.repository, read_with(tuple), actor="Ada", lift_quarantine=True)
        except LlmcfgError:
            return  # which both say, as was held

    def happen(self, what: str) -> None:
        match what:
            case "apply":
                self.apply("cache")
                assert self.read_again() == []
            case "older":
                self.apply("cache", self.written.git("rev-list", "--max-parents=0", "HEAD"))
            case "elsewhere":
                self.apply("other")
            case "rollback":
                self.roll_back()
            case "drift":
                self.rewrite(
                    lambda path, content: content + b" " if path.endswith(".json") and "config/" in path else content
                )
            case "lie":
                self.rewrite(lambda path, content: content)
            case "gone":
                self.written.git("branch", "-D", "deployed/prod", check=False)

    def read_again(self):
        """What is read of bundles that this machine wrote, or read before; and a look that believes nothing of it."""
        workspace = self.workspace("cache")
        files = deployed_files(workspace.repository, read_deployed(workspace.repository, "prod"))
        with suppress(IntegrityError):
            read_stored(files)
            read_stored(files, workspace.memo)
        return [about for step, about in workspace.memo.disk.missed if step == "read back"]

    def roll_back(self) -> None:
        workspace = self.workspace("cache")
        try:
            plan = plan_rollback(workspace.repository, workspace.configuration_at, "prod", None, workspace.sink)
            rollback(plan, workspace.repository, actor="Ada")
        except LlmcfgError:
            return

    def rewrite(self, write) -> None:
        """Another tree, or the same one with another source than it has."""
        repository = self.workspace(None).repository
        deployed = read_deployed(repository, "prod")
        if deployed is not None:
            files = {path: write(path, content) for path, content in repository.read_tree(deployed.commit).items()}
            source = self.written.git("rev-parse", "HEAD")
            message = commit_message("by hand", source=source, actor="Eve", quarantined=())
            repository.commit_files(deployed_ref("prod"), files, expected=deployed.commit, message=message)


def hold(steps) -> None:
    with TemporaryDirectory() as folder:
        both = Both(Path(folder))
        both.hold()
        both.apply("cache")
        for edits, what in steps:
            both.commit(edits)
            both.hold()
            both.happen(what)
            both.hold()


@QUICK
@given(STEPS)
def test_what_a_change_can_reach_is_deployed_as_everything_is(steps):
    hold(steps)


@pytest.mark.sweep
@SWEEP
@given(STEPS)
def test_what_many_changes_can_reach_is_deployed_as_everything_is(steps):
    hold(steps)


@pytest.mark.parametrize("what", ["rollback", "drift", "lie", "elsewhere", "gone"])
def test_whatever_happens_to_the_branch_changes_that_overlap_are_deployed_as_everything_is(what):
    change = [("tenants/acme/limits.yaml", "rpm: 12\n"), ("environments/prod/limits.yaml", "rpm: 14\n")]
    hold([(change[:1], "apply"), (change, what), ([("tenants/acme/limits.yaml", None)], "apply")])


def test_policies_say_the_same_of_what_is_reached():
    hold([([("policies/steps.rego", STEPS_REGO)], "apply"), ([("tenants/acme/limits.yaml", "rpm: 13\n")], "apply")])
