"""An environment that is deployed from a real repository to real directories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcfg.ports import Sink
from llmcfg.secrets.age import Identity
from llmcfg.secrets.held import SecretReader, read_with
from llmcfg.sync.act import Applied, RollbackPlan, apply, plan_rollback, rollback
from llmcfg.sync.deployed import Deployed, read_deployed
from llmcfg.sync.plan import Plan, make_plan
from llmcfg.sync.status import Status
from llmcfg.wiring import Workspace
from support.written import CONSUMER, MANIFEST, WrittenRepository

FILES = {
    "llmcfg.yaml": MANIFEST + "tenants: {acme: {}, beta: {}}\n",
    "base/limits.yaml": "rpm: 10\n",
    "base/models.yaml": "default: small\n",
    "consumers/api.yaml": CONSUMER + 'tenants: "*"\nshared: true\n',
}


class Deployer:
    """What the commands do, without a command line. Every call opens the repository anew, as a process would."""

    def __init__(self, path: Path, files: dict[str, str] = FILES) -> None:
        self.written = WrittenRepository(path, files)
        self.commit = self.written.commit
        self.git = self.written.git
        self.identities: tuple[Identity, ...] = ()

    @property
    def reader(self) -> SecretReader:
        """Opens secret files with the deployer's identities, which it has from its test."""
        return read_with(lambda: self.identities)

    @property
    def workspace(self) -> Workspace:
        return self.written.workspace()

    def plan(self, environment: str = "prod", at: str | None = None, sink: Sink | None = None) -> Plan:
        workspace = self.workspace
        make_sink = workspace.sink if sink is None else lambda _spec, _environment: sink
        return make_plan(workspace.wanted(environment, at), workspace.repository, environment, make_sink)

    def apply(
        self, environment: str = "prod", at: str | None = None, *, lift: bool = False, sink: Sink | None = None
    ) -> Applied:
        plan = self.plan(environment, at, sink)
        repository = self.workspace.repository
        return apply(plan, repository, self.reader, actor=repository.identity, lift_quarantine=lift)

    def plan_rollback(self, to: str | None = None, environment: str = "prod") -> RollbackPlan:
        workspace = self.workspace
        return plan_rollback(workspace.repository, workspace.configuration_at, environment, to, workspace.sink)

    def rollback(self, to: str | None = None, environment: str = "prod") -> Applied:
        plan = self.plan_rollback(to, environment)
        return rollback(plan, self.workspace.repository, actor="Ada")

    def deployed(self, environment: str = "prod") -> Deployed:
        found = read_deployed(self.workspace.repository, environment)
        assert found is not None
        return found

    def status(self, environment: str = "prod") -> Status:
        return {status.environment: status for status in self.workspace.statuses(())}[environment]

    def delivered(self, environment: str = "prod") -> dict[str, bytes]:
        """The plain files that a consumer that follows `current` reads; mapped files are derived from them."""
        files = folder_files(self.written.path / "delivered" / environment / "current")
        return {path: content for path, content in files.items() if not path.endswith("/bundle.llmcfg")}

    def ref_files(self, environment: str = "prod") -> dict[str, bytes]:
        return dict(self.workspace.repository.read_tree(self.deployed(environment).commit))

    def count(self, environment: str = "prod") -> int:
        """How many commits the deployed ref has."""
        return int(self.git("rev-list", "--count", f"deployed/{environment}"))


def folder_files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture
def deployer(tmp_path: Path) -> Deployer:
    return Deployer(tmp_path / "repository")


@pytest.fixture
def make_deployer(tmp_path: Path) -> Callable[[dict[str, str]], Deployer]:
    return lambda files: Deployer(tmp_path / "own", {**FILES, **files})
