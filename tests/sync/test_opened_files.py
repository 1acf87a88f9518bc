"""A directory with `open`: what is sealed to this machine lies opened beside it, for one user, whole, and of the current delivery."""

from __future__ import annotations

import json
import os
import shutil
import stat

import pytest

from llmcfg.errors import IntegrityError, PartlyAppliedError
from llmcfg.model.settings import HookSpec, Settings
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sinks.openedfiles import OpenedFiles
from llmcfg.sync.act import apply, plan_rollback, rollback
from llmcfg.sync.plan import make_plan
from llmcfg.wiring import Surroundings, Workspace
from support.readers import DEPLOYER, READER, STRANGER, TENANT, repository, sops
from support.written import CONSUMER, MANIFEST

TEMPLATE = "key: {{ config.gateway.auth | to_json }}\n"
OUTPUT = "outputs: [{path: api.yaml, template: templates/a.j2, opened: true}]\n"
OPENS = "sinks: [{directory: {path: 'delivered/{environment}', open: true}}]\n"


def files(sinks=OPENS):
    given = repository()
    return {
        **given,
        "llmcfg.yaml": MANIFEST.replace("sinks:", "# sinks:") + f"tenants: {{acme: {{}}, beta: {{}}}}\n{sinks}",
        "templates/a.j2": TEMPLATE,
        "consumers/api.yaml": given["consumers/api.yaml"] + OUTPUT,
    }


class Machine:
    """A deployer whose machine has `keys`, and where opened files lie below `place`."""

    def __init__(self, deployer, place):
        self.deployer, self.place, self.keys, self.hooks = deployer, place, (READER,), {}
        self.root = deployer.written.path / "delivered/prod"

    @property
    def workspace(self):
        around = Surroundings(os.environ["PATH"], identities=lambda: self.keys)
        return Workspace(
            self.deployer.written.path, settings=Settings(opened=self.place, hooks=self.hooks), surroundings=around
        )

    def plan(self):
        workspace = self.workspace
        return make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)

    def apply(self):
        plan = self.plan()
        return apply(plan, self.workspace.repository, self.deployer.reader, actor="Ada")

    def rollback(self):
        workspace = self.workspace
        plan = plan_rollback(workspace.repository, workspace.configuration_at, "prod", None, workspace.sink)
        return rollback(plan, workspace.repository, actor="Ada")

    def seen(self):
        return self.workspace.statuses(("prod",))[0]

    def read(self, path="acme/api/files/api.yaml"):
        return (self.root / "opened" / path).read_text()

    def all_opened(self):
        return sorted(path.relative_to(self.place).parts[2] for path in self.place.rglob("api.yaml"))


@pytest.fixture
def machine(make_deployer, tmp_path):
    made = Machine(make_deployer(files()), tmp_path / "memory")
    made.deployer.identities = (DEPLOYER,)
    return made


def test_every_bundle_that_a_key_here_opens_lies_opened_for_one_user(machine):
    machine.apply()
    assert machine.read() == 'key: "Bearer canary-acme"\n'
    assert machine.read("_shared/api/files/api.yaml") == 'key: "Bearer canary-prod"\n'
    assert "canary-new" in machine.read("beta/api/secrets.json")
    for path in [machine.root / "opened", *(machine.root / "opened").resolve().rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    delivered = [path for path in (machine.root / ".llmcfg").rglob("*") if path.is_file()]
    assert not any(b"canary" in path.read_bytes() for path in delivered)


def test_a_bundle_of_somebody_else_stays_closed(machine):
    given = files()
    given["llmcfg.yaml"] = given["llmcfg.yaml"].replace("acme: {}", f"acme: {{recipients: [{TENANT.recipient}]}}")
    given["consumers/api.yaml"] = given["consumers/api.yaml"].replace("shared: true\n", "")
    machine.deployer.commit(given)
    machine.keys = (TENANT,)
    machine.apply()
    assert machine.read() == 'key: "Bearer canary-acme"\n'
    machine.keys = (READER,)
    assert not (machine.root / "opened/beta").exists()


def test_a_machine_whose_keys_open_nothing_is_told_so_and_keeps_what_it_has(machine):
    machine.apply()
    machine.deployer.commit({"base/gateway.yaml": "auth: 'Key {{secret:openai}}'\n"})
    machine.keys = (STRANGER,)
    with pytest.raises(PartlyAppliedError, match="no key here opens"):
        machine.apply()
    assert machine.read() == 'key: "Bearer canary-acme"\n'
    machine.keys = (READER,)
    machine.apply()
    assert machine.read() == 'key: "Key canary-acme"\n'


def test_what_belongs_to_earlier_deliveries_is_removed_and_a_rollback_opens_again(machine):
    machine.apply()
    machine.deployer.commit({"tenants/acme/secrets/keys.yaml": sops("openai: canary-next\n")})
    machine.apply()
    assert machine.read() == 'key: "Bearer canary-next"\n'
    assert machine.all_opened() == [(machine.root / "current").readlink().name] * 3
    machine.rollback()
    assert machine.read() == 'key: "Bearer canary-acme"\n'
    assert len(machine.all_opened()) == 3


def empty_memory(machine):
    shutil.rmtree(machine.place)


def change_a_file(machine):
    (machine.root / "opened/acme/api/files/api.yaml").write_text("key: evil\n")


def show_a_file(machine):
    (machine.root / "opened/acme/api/files/api.yaml").chmod(0o644)


def add_a_file(machine):
    (machine.root / "opened/acme/api/files/more.yaml").touch(0o600)


def point_elsewhere(machine):
    (machine.root / "opened").unlink()
    (machine.root / "opened").symlink_to("/etc")


@pytest.mark.parametrize("spoil", [empty_memory, change_a_file, show_a_file, add_a_file, point_elsewhere])
def test_opened_files_that_are_gone_or_changed_are_drift_and_are_made_again(machine, spoil):
    machine.apply()
    assert machine.seen().state == "current"
    spoil(machine)
    assert machine.seen().state == "drifted"
    machine.apply()
    assert machine.read() == 'key: "Bearer canary-acme"\n'
    assert stat.S_IMODE((machine.root / "opened/acme/api/files/api.yaml").stat().st_mode) == 0o600
    assert machine.seen().state == "current"


def test_another_user_sees_no_drift_in_what_the_daemon_keeps_opened(machine, monkeypatch):
    machine.apply()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert machine.seen().state == "current"


def test_a_place_that_somebody_else_could_have_made_is_refused(machine, tmp_path):
    own = machine.place / f"llmcfg-opened-{os.geteuid()}"
    machine.place.mkdir()
    own.mkdir(mode=0o755)
    own.chmod(0o755)
    with pytest.raises(PartlyAppliedError, match="only you can enter"):
        machine.apply()
    own.rmdir()
    own.symlink_to(tmp_path)
    with pytest.raises(PartlyAppliedError, match="only you can enter"):
        machine.apply()
    own.unlink()
    machine.apply()
    assert "canary" in machine.read()


def test_a_sealed_file_that_was_put_in_another_place_is_not_opened(machine, tmp_path):
    """Somebody who can write the deployed branch gives acme what is sealed for beta, and makes the head fit."""
    machine.apply()
    delivered = machine.deployer.ref_files()
    head = json.loads(delivered["head.json"])
    head["sealed"]["acme/api"] = head["sealed"]["beta/api"]
    for path in head["sealed"]["beta/api"]:
        delivered[f"acme/api/{path}"] = delivered[f"beta/api/{path}"]
    delivered["head.json"] = json.dumps(head).encode()
    root = tmp_path / "other"
    sink = DirectorySink(root, opened=OpenedFiles(root, tmp_path / "place", lambda: (READER,)))
    with pytest.raises(IntegrityError, match="acme/api"):
        sink.deliver("0" * 64, delivered)
    assert not (root / "opened").exists()
    assert list((tmp_path / "place").rglob("api.yaml")) == []


def test_a_directory_that_opens_no_longer_leaves_nothing_opened(machine):
    machine.apply()
    assert machine.all_opened()
    machine.deployer.commit(files(sinks="sinks: [{directory: {path: 'delivered/{environment}'}}]\n"))
    machine.deployer.commit({"base/gateway.yaml": "auth: 'Key {{secret:openai}}'\n"})
    machine.apply()
    assert not (machine.root / "opened").is_symlink()
    assert machine.all_opened() == []


def test_hooks_are_given_the_staged_opened_files_and_a_refusal_keeps_the_old_ones(machine):
    check = ("/bin/sh", "-c", 'grep -q "Bearer canary" "$0/files/api.yaml"', "{opened}")
    machine.hooks = {"check": HookSpec("check", validate=check)}
    machine.deployer.commit(
        {"consumers/api.yaml": CONSUMER + f"recipients: [{READER.recipient}]\nafter_apply: check\n" + OUTPUT}
    )
    machine.apply()
    assert machine.read("_shared/api/files/api.yaml") == 'key: "Bearer canary-prod"\n'
    machine.deployer.commit({"base/gateway.yaml": "auth: 'Broken {{secret:openai}}'\n"})
    with pytest.raises(PartlyAppliedError, match="the hook check refuses it"):
        machine.apply()
    assert machine.read("_shared/api/files/api.yaml") == 'key: "Bearer canary-prod"\n'
