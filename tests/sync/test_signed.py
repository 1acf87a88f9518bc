"""Signing what is deployed: every bundle of every state, old content under a new number, and nothing unsigned by an oversight."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from llmcfg.errors import ConflictError, NotAuthorisedError
from llmcfg.signing.heartbeat import check_heartbeat
from llmcfg.signing.verdict import Wanted, check_bundle
from llmcfg.sinks.signed import read_signed
from llmcfg.sync.act import apply, rollback
from llmcfg.sync.beats import beat
from llmcfg.sync.plan import make_plan
from llmcfg.sync.signed import Publisher
from llmcfg_cli.views.plan import view_plan
from support.signed import root_for, signing_key
from support.written import MANIFEST
from trust.signing import NOW

KEY, OTHER = 3, 4
ROOT = root_for(KEY, OTHER)
FOLDERS = ("_shared/api", "acme/api", "beta/api")


def publisher(*seeds, root=ROOT, now=NOW, **said):
    return Publisher(tuple(map(signing_key, seeds or (KEY,))), root, lambda: now, **said)


def planned(deployer, by=None):
    workspace = deployer.workspace
    return make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink, publisher=by)


def deploy(deployer, by=None, **said):
    return apply(
        planned(deployer, by), deployer.workspace.repository, deployer.reader, actor="Ada", publisher=by, **said
    )


def roll_back(deployer, by=None, **said):
    return rollback(deployer.plan_rollback(), deployer.workspace.repository, actor="Ada", publisher=by, **said)


def delivered(deployer, folder="acme/api"):
    return deployer.written.path / "delivered/prod/current" / folder


def statements(deployer, root=ROOT):
    """What a consumer with the root takes of each bundle, from its folder and from its file."""
    found = {}
    for folder in FOLDERS:
        place = delivered(deployer, folder)
        for path in (place, place / "bundle.llmcfg"):
            found[folder] = check_bundle(read_signed(path), root, Wanted("prod", folder), now=NOW)
    return found


def test_every_bundle_is_signed_for_its_consumer(deployer):
    deploy(deployer, publisher())

    found = statements(deployer)
    assert {said.target.folder for said in found.values()} == {*FOLDERS}
    assert {(said.sequence, said.epoch, said.commit) for said in found.values()} == {
        (1, 1, deployer.git("rev-parse", "HEAD"))
    }
    assert deployer.delivered() == deployer.ref_files()


def test_each_state_names_the_one_before(deployer):
    deploy(deployer, publisher())
    first = statements(deployer)
    deployer.commit({"tenants/acme/limits.yaml": "rpm: 20\n"})
    deploy(deployer, publisher())

    for folder, said in statements(deployer).items():
        assert (said.sequence, said.previous) == (2, first[folder].root)
        assert (said.root != first[folder].root) == (folder == "acme/api")


def test_sources_change_with_any_file_of_the_configuration(deployer):
    deploy(deployer, publisher())
    before = statements(deployer)["acme/api"].sources
    deployer.commit({"tenants/beta/limits.yaml": "rpm: 20\n"})
    deploy(deployer, publisher())

    assert statements(deployer)["acme/api"].sources != before


def test_applying_again_changes_nothing(deployer):
    deploy(deployer, publisher())
    assert deploy(deployer, publisher(now=NOW + timedelta(days=300))).is_nothing


def test_a_rollback_is_old_content_under_a_new_number(deployer):
    deploy(deployer, publisher())
    first = statements(deployer)["acme/api"]
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    deploy(deployer, publisher())
    roll_back(deployer, publisher())

    said = statements(deployer)["acme/api"]
    assert (said.sequence, said.root, said.commit) == (3, first.root, first.commit)
    assert said.sources == first.sources
    assert deployer.delivered() == deployer.ref_files()


def test_what_is_signed_is_not_replaced_by_what_is_not_unless_somebody_says_so(deployer):
    deploy(deployer, publisher())
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    deployed = deployer.deployed()

    with pytest.raises(NotAuthorisedError, match="nobody signs") as caught:
        deploy(deployer)
    assert (caught.value.exit_code, deployer.deployed()) == (5, deployed)
    deploy(deployer, publisher())
    with pytest.raises(NotAuthorisedError, match="nobody signs"):
        roll_back(deployer)
    roll_back(deployer, unsigned=True)
    assert not [path for path in deployer.ref_files() if path.endswith(".dsse.json")]


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(publisher(OTHER), id="another key"),
        pytest.param(publisher(KEY, OTHER), id="a key more"),
        pytest.param(publisher(root=root_for(KEY, epoch=2)), id="a new epoch"),
    ],
)
def test_the_same_content_is_signed_anew_for(deployer, by):
    deploy(deployer, publisher())
    assert deploy(deployer, by).commit
    assert {said.sequence for said in statements(deployer, by.root).values()} == {2}
    assert deploy(deployer, by).is_nothing


def test_a_signature_is_renewed_after_half_of_its_life(deployer):
    day = 86_400
    deploy(deployer, publisher(life_seconds=10 * day))
    assert statements(deployer)["acme/api"].expires == NOW.timestamp() + 10 * day

    assert deploy(deployer, publisher(life_seconds=10 * day, now=NOW + timedelta(days=4))).is_nothing
    assert deploy(deployer, publisher(life_seconds=10 * day, now=NOW + timedelta(days=6))).commit


def test_signing_begins_with_what_is_deployed_already_and_the_plan_says_so(deployer):
    deploy(deployer)
    shown = view_plan(planned(deployer, publisher()), "table")
    assert "no change in content (3 bundles)" in shown
    assert f"to be signed: 3 bundles, by {signing_key(KEY).public.fingerprint}" in shown

    assert deploy(deployer, publisher()).commit
    assert "to be signed" not in view_plan(planned(deployer, publisher()), "table")
    assert statements(deployer)["acme/api"].sequence == 2


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(publisher(9), id="a key that the root does not name"),
        pytest.param(
            publisher(root=root_for(KEY, revoked={signing_key(KEY).public.fingerprint: 2})), id="a revoked key"
        ),
        pytest.param(publisher(root=root_for(KEY, OTHER, bundle_threshold=2)), id="fewer keys than have to sign"),
    ],
)
def test_nothing_is_deployed_with_a_signature_that_no_consumer_would_take(deployer, by):
    with pytest.raises(NotAuthorisedError) as caught:
        deploy(deployer, by)
    assert caught.value.code == "signing-key"
    assert not deployer.git("branch", "--list", "deployed/prod")


def test_who_loses_a_race_takes_what_the_winner_signed(deployer):
    workspace = deployer.workspace
    late = make_plan(
        workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink, publisher=publisher()
    )
    deploy(deployer, publisher())

    done = apply(late, deployer.workspace.repository, deployer.reader, actor="Bob", publisher=publisher())
    assert done.commit is None
    statements(deployer)


def test_who_loses_a_race_to_somebody_who_does_not_sign_says_so(deployer):
    workspace = deployer.workspace
    late = make_plan(
        workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink, publisher=publisher()
    )
    deploy(deployer)

    with pytest.raises(ConflictError):
        apply(late, deployer.workspace.repository, deployer.reader, actor="Bob", publisher=publisher())


def test_a_bundle_file_that_was_changed_is_made_again(deployer):
    deploy(deployer, publisher())
    place = delivered(deployer)
    (place / "bundle.llmcfg").write_bytes((delivered(deployer, "beta/api") / "bundle.llmcfg").read_bytes())

    assert deploy(deployer, publisher()).delivered
    statements(deployer)


def test_a_head_that_names_another_state_does_not_help(deployer):
    deploy(deployer, publisher())
    head = delivered(deployer).parent.parent / "head.json"
    head.chmod(0o600)
    head.write_text(json.dumps(json.loads(head.read_text()) | {"sequence": 99, "revision": "f" * 40}))

    assert check_bundle(read_signed(delivered(deployer)), ROOT, Wanted(), now=NOW).sequence == 1


def test_a_heartbeat_is_written_every_five_minutes_and_at_once_for_a_new_state(deployer, tmp_path):
    deployer.apply()
    sink = tmp_path / "sink"
    sink.mkdir()

    def at(minutes: int) -> bytes:
        beat(publisher(now=NOW + timedelta(minutes=minutes)), deployer.deployed(), [sink, tmp_path / "nowhere"])
        return (sink / "heartbeat.json").read_bytes()

    assert at(0) == at(4) != at(5)
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    deployer.apply()
    assert check_heartbeat(at(6), ROOT).sequence == 2
    assert not (tmp_path / "nowhere").exists()


def test_roots_lie_beside_the_bundles_and_a_tenant_may_be_called_like_their_folder(make_deployer):
    deployer = make_deployer({"llmcfg.yaml": MANIFEST + "tenants: {acme: {}, roots: {}}\n"})
    deploy(deployer, publisher(roots={1: b"as it was signed"}))

    found = deployer.ref_files()
    assert found["roots/1.json"] == b"as it was signed"
    assert check_bundle(read_signed(delivered(deployer, "roots/api")), ROOT, Wanted("prod", "roots/api"), now=NOW)
    assert deploy(deployer, publisher(roots={1: b"as it was signed"})).is_nothing
    assert deploy(deployer, publisher(roots={2: b"the next"})).commit
    assert {path for path in deployer.ref_files() if path.count("/") == 1} == {"roots/1.json", "roots/2.json"}
