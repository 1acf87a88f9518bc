"""Status: drift seen from the bytes, damage told from absence, and nothing that is wrong with one environment hides another."""

from __future__ import annotations

import pytest

from llmcfg.errors import FindingsError, IntegrityError, UsageError
from llmcfg.sync.deployed import deployed_history
from support.looked_at import unstamped
from support.written import CONSUMER, MANIFEST


@pytest.mark.parametrize("how", ["edited", "deleted", "added", "link replaced", "all deleted"])
def test_drift_is_seen_and_mended(deployer, how):
    deployer.apply()
    current = deployer.written.path / "delivered/prod/current"
    match how:
        case "edited":
            (current / "acme/api/config/limits.json").write_bytes(b'{"rpm":11}\n')
        case "deleted":
            (current / "acme/api/config/limits.json").unlink()
        case "added":
            (current / "acme/api/config/new.json").write_bytes(b"{}")
        case "link replaced":
            current.unlink()
            current.mkdir()
        case "all deleted":
            current.unlink()

    status = deployer.status()
    assert status.state == "drifted"
    if how in ("edited", "deleted"):
        assert status.deliveries[0].differing == ("acme/api/config/limits.json",)
    before = deployer.count()
    assert len(deployer.apply().delivered) == 1
    assert deployer.count() == before
    assert deployer.delivered() == deployer.ref_files()
    assert deployer.status().state == "current"


def test_what_is_not_deployed_yet_is_pending(deployer):
    deployer.apply()
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})

    assert (deployer.status().state, deployer.status().pending) == ("pending", 3)


def test_a_change_of_recipients_alone_is_pending_and_deployed(deployer):
    deployer.apply()
    recipient = "age1dd0u0w9jnfft2u7eez6zu67tgrqjps9wavh3dx9f5euhc82ljylqfp8x7t"
    deployer.commit({"consumers/api.yaml": CONSUMER + f'tenants: "*"\nshared: true\nrecipients: [{recipient}]\n'})

    assert (deployer.status().state, deployer.status().pending) == ("pending", 3)
    assert deployer.apply().commit
    assert deployer.status().state == "current"


def test_a_branch_that_somebody_else_wrote_is_damaged_and_says_how_to_go_on(deployer):
    deployer.git("branch", "deployed/prod", "main")

    assert deployer.status().state == "damaged"
    with pytest.raises(IntegrityError) as caught:
        deployer.apply()
    assert caught.value.exit_code == 10
    assert "git branch -m deployed/prod" in caught.value.hint
    deployer.git("branch", "-m", "deployed/prod", "other")
    deployer.apply()
    assert deployer.status().state == "current"


def test_a_commit_of_somebody_else_on_top_is_told_with_the_way_back(deployer):
    deployer.apply()
    good = deployer.git("rev-parse", "deployed/prod")
    foreign = deployer.git("commit-tree", "deployed/prod^{tree}", "-p", "deployed/prod", "-m", "by hand")
    deployer.git("update-ref", "refs/heads/deployed/prod", foreign)

    assert deployer.status().state == "damaged"
    with pytest.raises(IntegrityError) as caught:
        deployer.apply()
    command = next(part for part in caught.value.hint.split(" with ")[1].split(", then") if part.startswith("git "))
    deployer.git(*command.split()[1:])
    assert deployer.git("rev-parse", "deployed/prod") == good
    assert deployer.status().state == "current"


def test_a_commit_of_somebody_else_in_between_is_no_state(deployer):
    deployer.apply()
    deployer.git(
        "update-ref",
        "refs/heads/deployed/prod",
        deployer.git("commit-tree", "main^{tree}", "-p", "deployed/prod", "-m", "by hand"),
    )
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod~1")
    deployer.git(
        "update-ref",
        "refs/heads/deployed/prod",
        deployer.git("commit-tree", "deployed/prod~1^{tree}", "-p", "deployed/prod", "-m", message),
    )
    assert deployer.count() == 3
    assert len(list(deployed_history(deployer.workspace.repository, "prod"))) == 2
    assert deployer.status().state == "current"


@pytest.mark.parametrize("what", ["part", "manifest", "head", "extra", "empty"])
def test_bundles_that_were_tampered_with_are_damaged_and_mended_by_apply(deployer, what):
    deployer.apply()
    good = deployer.ref_files()
    files = {
        "part": good | {"_shared/api/config/limits.json": b'{"rpm":1}\n'},
        "manifest": good | {"_shared/api/manifest.json": b"{}"},
        "head": good | {"head.json": b"{}"},
        "extra": good | {"README.md": b"hello"},
        "empty": {},
    }[what]
    repository = deployer.workspace.repository
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod")
    repository.commit_files("refs/heads/deployed/prod", files, expected=deployer.deployed().commit, message=message)

    assert deployer.status().state == "damaged"
    plan = deployer.plan()
    assert plan.damage
    assert not plan.is_empty
    assert deployer.apply().commit
    assert unstamped(deployer.ref_files()) == unstamped(good)
    assert deployer.ref_files() == deployer.delivered()
    assert deployer.status().state == "current"


def test_a_deployed_object_that_is_missing_is_damage_and_written_again(deployer):
    deployer.apply()
    good = deployer.ref_files()
    oid = deployer.git("rev-parse", "deployed/prod:_shared/api/config/models.json")
    loose = deployer.written.path / ".git/objects" / oid[:2] / oid[2:]
    loose.unlink()

    assert deployer.status().state == "damaged"
    deployer.apply()
    assert loose.is_file()
    assert unstamped(deployer.ref_files()) == unstamped(good)
    deployer.git("fsck", "--strict")


def test_what_is_wrong_with_one_environment_is_said_beside_the_others(deployer):
    deployer.apply("dev")
    deployer.git("branch", "deployed/prod", "main")
    states = {status.environment: status.state for status in deployer.workspace.statuses(())}

    assert states == {"dev": "current", "prod": "damaged"}


def test_a_source_commit_that_is_gone_blocks_and_does_not_stop_the_answer(deployer):
    deployer.apply()
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod")
    source = deployer.deployed().source
    gone = deployer.git("commit-tree", "deployed/prod^{tree}", "-m", message.replace(source, "0" * 40))
    deployer.git("update-ref", "refs/heads/deployed/prod", gone)

    assert deployer.status().state == "blocked"
    assert "0" * 10 in deployer.status().trouble


def test_an_environment_that_the_manifest_no_longer_names_is_still_told(deployer):
    deployer.apply()
    deployer.commit({"llmcfg.yaml": MANIFEST.replace(", prod: {}", "") + "tenants: {acme: {}, beta: {}}\n"})
    status = deployer.status()

    assert (status.state, status.wanted) == ("blocked", None)
    assert "no longer names it" in status.trouble
    assert [found.environment for found in deployer.workspace.statuses(["dev"])] == ["dev"]


# sinks


def test_a_consumers_own_sink_takes_the_place_of_the_manifests(make_deployer):
    own = CONSUMER + 'tenants: [acme]\nsinks: [{directory: {path: "out/{environment}"}}]\n'
    deployer = make_deployer({"consumers/own.yaml": own})
    deployer.apply()
    here, there = deployer.delivered(), deployer.written.path / "out/prod/current"

    assert not any("/own/" in path for path in here)
    assert sorted(path.name for path in there.iterdir()) == ["acme", "head.json"]
    assert b"acme/own" in (there / "head.json").read_bytes()
    assert b"acme/api" not in (there / "head.json").read_bytes()
    assert deployer.status().state == "current"


def test_two_ways_to_write_one_place_are_one_sink(make_deployer):
    own = CONSUMER + 'sinks: [{directory: {path: "./delivered//prod", keep: 9}}]\nenvironments: [prod]\n'
    deployer = make_deployer({"consumers/own.yaml": own})
    deployer.apply()

    assert deployer.delivered() == deployer.ref_files()
    assert len(deployer.status().deliveries) == 1
    assert deployer.status().state == "current"


def test_a_sink_of_two_environments_is_refused(make_deployer):
    sinks = "sinks: [{directory: {path: delivered/all}}]\n"
    deployer = make_deployer({"llmcfg.yaml": MANIFEST + "tenants: {acme: {}, beta: {}}\n" + sinks})

    with pytest.raises(FindingsError, match="delivered/all"):
        deployer.apply()
    assert deployer.status().state == "blocked"


def test_a_sink_never_leaves_the_folder_that_is_delivered_below(deployer, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (deployer.written.path / "delivered").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UsageError, match="leaves the folder"):
        deployer.apply()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_nothing_is_delivered_into_gits_own_folder(make_deployer):
    sinks = 'sinks: [{directory: {path: ".git/{environment}"}}]\n'
    deployer = make_deployer({"llmcfg.yaml": MANIFEST + "tenants: {acme: {}, beta: {}}\n" + sinks})

    with pytest.raises((UsageError, FindingsError)):
        deployer.apply()


def test_documents_as_deep_as_a_repository_may_have_them_are_deployed(make_deployer):
    deep = "/".join("abcdefghijklm")
    deployer = make_deployer({f"tenants/acme/environments/prod/{deep}.yaml": "x: 1\n"})
    deployer.apply()

    assert f"acme/api/config/{deep}.json" in deployer.delivered()
    assert deployer.status().state == "current"
