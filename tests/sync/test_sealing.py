"""Sealing at apply: to the right readers, no more often than needed, all or nothing, and refused when it is not what it should be."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest

from llmcfg.canonical import canonical_json, digest
from llmcfg.errors import ConflictError, FindingsError, IntegrityError, NotAuthorisedError, NotFoundError
from llmcfg.pipeline.stored import read_bundles
from llmcfg.secrets.age import encrypt_to, generate_identity, read_header
from llmcfg.secrets.held import read_with
from llmcfg.sync.act import apply
from llmcfg.sync.planfile import save_plan, to_output
from support.looked_at import unstamped
from support.readers import DEPLOYER, READER, STRANGER, TENANT, opened, repository, sealed_of, sops
from support.written import CONSUMER


@pytest.fixture
def sealing(tmp_path, make_deployer):
    return make_sealing(make_deployer, repository())


def make_sealing(make_deployer, files):
    deployer = make_deployer(files)
    deployer.identities = (DEPLOYER,)
    return deployer


def test_each_bundle_holds_its_own_secrets_for_its_consumer_and_its_tenant(sealing):
    sealing.apply()
    files = sealing.ref_files()

    assert sorted(sealed_of(files)) == [f"{folder}/api/secrets.age" for folder in ("_shared", "acme", "beta")]
    assert dict(opened(files).values) == {
        "openai": "canary-prod",
        "session": "canary-new",
        "session@previous": "canary-old",
    }
    assert (
        opened(files, "acme/api").values["openai"]
        == opened(files, "acme/api", TENANT).values["openai"]
        == "canary-acme"
    )
    with pytest.raises(NotAuthorisedError):
        opened(files, "beta/api", TENANT)
    with pytest.raises(NotAuthorisedError):
        opened(files, "_shared/api", STRANGER)
    assert sealing.delivered() == files
    assert not any(b"canary" in content for content in files.values())


@pytest.mark.fault("X16")
def test_no_plaintext_is_in_the_repository_or_in_what_is_delivered(sealing):
    sealing.apply()
    everything = ["git", "cat-file", "--batch", "--batch-all-objects"]
    objects = subprocess.run(everything, cwd=sealing.written.path, capture_output=True, check=True).stdout
    assert b"ENC[AES256_GCM" in objects
    assert b"canary" not in objects
    found = subprocess.run(["grep", "-rl", "canary", str(sealing.written.path)], capture_output=True, text=True)
    assert found.stdout == ""


def test_the_head_names_each_sealed_file_and_the_state_before(sealing):
    sealing.apply()
    first = json.loads(sealing.ref_files()["head.json"])
    assert (first["sequence"], first["previous"]) == (1, None)
    said = first["sealed"]["acme/api"]["secrets.age"]
    content = sealing.ref_files()["acme/api/secrets.age"]
    assert said == {"sha256": digest(content), "size": len(content), "sequence": 1}

    sealing.commit({"base/gateway.yaml": "rpm: 20\nauth: '{{secret:openai}}'\n"})
    sealing.apply()
    second = json.loads(sealing.ref_files()["head.json"])
    assert (second["sequence"], second["previous"]) == (2, first["root"])


def test_a_change_of_something_else_keeps_every_sealed_file_and_needs_no_key(sealing):
    sealing.apply()
    before = sealing.ref_files()
    text = repository()["base/gateway.yaml"].replace("rpm: 10", "rpm: 20")
    sealing.commit({"base/gateway.yaml": text})
    sealing.identities = ()

    assert sealing.plan().to_seal == ()
    assert sealing.apply().commit
    assert sealed_of(sealing.ref_files()) == sealed_of(before)
    assert json.loads(sealing.ref_files()["head.json"])["sealed"] == json.loads(before["head.json"])["sealed"]
    assert opened(sealing.ref_files()).values["openai"] == "canary-prod"


def test_a_secret_that_changes_seals_only_the_bundles_that_use_it(sealing):
    sealing.apply()
    before = sealed_of(sealing.ref_files())
    sealing.commit({"tenants/acme/secrets/keys.yaml": sops("openai: canary-acme-2\n")})

    assert sealing.plan().to_seal == ("prod/acme/api",)
    sealing.apply()
    after = sealing.ref_files()
    assert {path for path, content in sealed_of(after).items() if before[path] != content} == {"acme/api/secrets.age"}
    assert opened(after, "acme/api").values["openai"] == "canary-acme-2"
    assert opened(after, "beta/api").values["openai"] == "canary-prod"


@pytest.mark.parametrize("change", ["added", "removed"])
def test_a_recipient_that_comes_or_goes_seals_anew(sealing, change):
    sealing.apply()
    old, other = sealing.ref_files(), generate_identity()
    recipients = f"[{READER.recipient}, {other.recipient}]" if change == "added" else f"[{other.recipient}]"
    sealing.commit(
        {"consumers/api.yaml": CONSUMER + f'tenants: "*"\nshared: true\nrecipients: {recipients}\n'},
    )
    assert len(sealing.plan().to_seal) == 3
    sealing.apply()
    new = sealing.ref_files()
    assert opened(new, identity=other).values["openai"] == "canary-prod"
    if change == "added":
        assert opened(new).values == opened(new, identity=other).values
    else:
        with pytest.raises(NotAuthorisedError):
            opened(new)
    assert opened(old).values["openai"] == "canary-prod"


def test_an_overlap_that_ends_takes_the_previous_value_away(sealing):
    sealing.apply()
    sealing.commit({"base/secrets/keys.yaml": sops("openai: x\nsession:\n  value: canary-new\n")})
    sealing.apply()
    assert list(opened(sealing.ref_files()).values) == ["openai", "session"]


def test_the_same_commit_gives_the_same_bytes_but_for_what_is_sealed(make_deployer, tmp_path):
    files = repository()
    one = make_sealing(make_deployer, files)
    one.apply()
    first, plan = one.ref_files(), save_plan(one.plan())
    one.git("update-ref", "-d", "refs/heads/deployed/prod")
    one.apply()
    second = one.ref_files()

    assert first.keys() == second.keys()
    differing = {path for path in first if first[path] != second[path]}
    assert differing == {"head.json", *sealed_of(first)}
    heads = [json.loads(files["head.json"]) for files in (first, second)]
    assert [key for key in heads[0] if heads[0][key] != heads[1][key]] == ["sealed"]
    assert save_plan(one.plan()) != plan  # another tip


def test_a_plan_says_what_needs_a_key_and_needs_none_itself(sealing):
    sealing.identities = ()
    plan = sealing.plan()
    assert plan.to_seal == ("prod/_shared/api", "prod/acme/api", "prod/beta/api")
    assert to_output(plan)["toSeal"] == list(plan.to_seal)
    assert not any(path.endswith(".age") for path in plan.files)


@pytest.mark.parametrize("identities", [(), (STRANGER,)], ids=["none", "wrong"])
def test_without_the_key_nothing_is_written_and_the_file_is_named(sealing, identities):
    sealing.identities = identities
    refs = sealing.git("for-each-ref")
    with pytest.raises(NotAuthorisedError) as raised:
        sealing.apply()
    assert raised.value.exit_code == 5
    assert raised.value.message.startswith("environments/prod/secrets/keys.yaml: ")
    assert DEPLOYER.recipient.text in raised.value.message
    assert sealing.git("for-each-ref") == refs
    assert not (sealing.written.path / "delivered").exists()


def test_only_the_secret_files_that_are_needed_are_opened_and_each_once(sealing):
    sealing.commit({"base/secrets/unused.yaml": sops("other: x\n", STRANGER)})
    asked, calls = set(), []
    read = read_with(lambda: calls.append("keys") or [DEPLOYER])

    def reader(file, content):
        asked.add(file)
        return read(file, content)

    apply(sealing.plan(), sealing.workspace.repository, reader, actor="Ada")
    needed = {f"{folder}/secrets/keys.yaml" for folder in ("base", "environments/prod", "tenants/acme")}
    assert asked == needed
    assert calls == ["keys"]
    content = repository()["base/secrets/keys.yaml"].encode()
    assert read("base/secrets/keys.yaml", content) is read("base/secrets/keys.yaml", content)


def test_a_tampered_secret_file_stops_everything(sealing):
    file = sealing.written.path / "base/secrets/keys.yaml"
    lines = file.read_text().splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if line.startswith("openai"))
    moved = lines[at].replace("openai:", "session2:")
    file.write_text("".join([*lines[:at], moved, *lines[at:]]))
    sealing.commit()
    with pytest.raises(IntegrityError, match=r"^base/secrets/keys.yaml: "):
        sealing.apply()
    assert sealing.git("for-each-ref", "refs/heads/deployed") == ""


def test_a_value_that_was_encrypted_twice_is_a_finding_and_nothing_is_written(sealing):
    sealing.commit({"environments/prod/secrets/keys.yaml": sops("openai: ENC[AES256_GCM,data:x]\n")})
    with pytest.raises(FindingsError) as raised:
        sealing.apply()
    assert [(f.rule_id, str(f.origin)) for f in raised.value.findings] == [
        ("secret-ciphertext", "environments/prod/secrets/keys.yaml:1:1")
    ]
    assert raised.value.findings[0].reach == ("prod/_shared/api", "prod/beta/api")
    assert "data:x]" not in str(raised.value.findings)  # other ciphertext may begin with an x
    assert sealing.git("for-each-ref", "refs/heads/deployed") == ""


def test_a_secret_without_a_value_is_refused_before_a_key_is_needed(sealing):
    sealing.commit({"environments/prod/secrets/keys.yaml": sops("openai: ''\n")})
    sealing.identities = ()
    with pytest.raises(FindingsError) as raised:
        sealing.plan()
    assert "secret-empty" in {finding.rule_id for finding in raised.value.findings}


def test_binary_secrets_and_types_reach_the_consumer(make_deployer):
    key = encrypt_to([DEPLOYER.recipient], b"\x00\x01canary", armor=True).decode()
    files = {
        "base/gateway.yaml": "a: '{{secret:port}}'\nb: '{{secret:tls}}'\nc: '{{secret:on}}'\n",
        "base/secrets/keys.yaml": sops("port: 5432\non: true\nopenai: x\n"),
        "base/secrets/tls.age": key,
        "consumers/api.yaml": CONSUMER + f"recipients: [{READER.recipient}]\n",
    }
    deployer = make_sealing(make_deployer, files)
    deployer.apply()
    found = opened(deployer.ref_files())
    assert dict(found.values) == {"port": 5432, "on": True, "tls": b"\x00\x01canary"}
    assert json.loads(found.files()["secrets.json"])["tls"] == {"base64": "AAFjYW5hcnk="}


def test_a_consumer_without_recipients_is_deployed_unsealed(make_deployer):
    files = {**repository(), "consumers/api.yaml": CONSUMER}
    deployer = make_deployer(files)
    deployer.apply()
    assert sealed_of(deployer.ref_files()) == {}
    with pytest.raises(NotFoundError, match="nothing is sealed"):
        opened(deployer.ref_files())


def test_post_quantum_readers_are_sealed_to(make_deployer):
    reader = generate_identity(post_quantum=True)
    files = {**repository(), "consumers/api.yaml": CONSUMER + f"recipients: [{reader.recipient}]\n"}
    deployer = make_sealing(make_deployer, files)
    deployer.apply()
    files = deployer.ref_files()
    assert opened(files, identity=reader).values["openai"] == "canary-prod"
    assert read_header(files["_shared/api/secrets.age"]).types == {"mlkem768x25519"}


# -- going back


def test_a_rollback_brings_sealed_files_back_as_they_were(sealing):
    sealing.apply()
    first = sealing.ref_files()
    sealing.commit({"environments/prod/secrets/keys.yaml": sops("openai: canary-prod-2\n")})
    sealing.apply()
    sealing.identities = ()
    sealing.rollback()

    back = sealing.ref_files()
    assert sealed_of(back) == sealed_of(first)
    assert unstamped(back) == unstamped(first)
    head = json.loads(back["head.json"])
    assert head["sequence"] == 3
    assert {entry["sequence"] for folder in head["sealed"].values() for entry in folder.values()} == {1}
    assert opened(back).values["openai"] == "canary-prod"
    assert sealing.delivered() == back
    assert sealing.status().state != "damaged"

    text = repository()["base/gateway.yaml"].replace("rpm: 10", "rpm: 30")
    sealing.commit({"base/gateway.yaml": text, "environments/prod/secrets/keys.yaml": repository_secret(sealing)})
    assert sealing.plan().to_seal == ()


def repository_secret(sealing):
    return sealing.git("show", "HEAD~1:environments/prod/secrets/keys.yaml") + "\n"


# -- races


def test_a_replica_that_loses_the_race_delivers_what_the_winner_sealed(sealing):
    slow = sealing.plan()
    sealing.apply()
    before = sealing.deployed().commit

    applied = apply(slow, sealing.workspace.repository, sealing.reader, actor="Bob")
    assert applied.commit is None
    assert sealing.deployed().commit == before
    assert sealing.delivered() == sealing.ref_files()
    assert sealing.apply().is_nothing


def test_replicas_that_seal_at_once_agree_on_one_state(sealing):
    plans = [sealing.plan() for _ in range(4)]
    results = []

    def run(plan, name):
        try:
            results.append(apply(plan, sealing.workspace.repository, sealing.reader, actor=name).commit)
        except ConflictError:  # the ref was at the winner's state, and moved no further
            results.append("conflict")

    threads = [threading.Thread(target=run, args=(plan, str(index))) for index, plan in enumerate(plans)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([result for result in results if result not in (None, "conflict")]) == 1
    assert "conflict" not in results
    assert sealing.count() == 1
    assert sealing.delivered() == sealing.ref_files()
    assert sealing.status().state == "current"


def test_a_replica_that_lost_against_something_else_conflicts(sealing):
    slow = sealing.plan()
    sealing.commit({"environments/prod/secrets/keys.yaml": sops("openai: canary-other\n")})
    sealing.apply()
    with pytest.raises(ConflictError):
        apply(slow, sealing.workspace.repository, sealing.reader, actor="Bob")


# -- what was moved, changed or kept back (X06)


def rewritten(files, path, content, entry=None):
    """Files in which somebody put another sealed file, and a head that says so."""
    head = json.loads(files["head.json"])
    folder, _, inner = path.rpartition("/")
    said = head["sealed"][folder][inner]
    head["sealed"][folder][inner] = entry or {**said, "sha256": digest(content), "size": len(content)}
    return {**files, path: content, "head.json": canonical_json(head) + b"\n"}


@pytest.mark.fault("X06")
@pytest.mark.parametrize("source", ["another tenant", "another consumer", "another environment", "an older version"])
@pytest.mark.parametrize("forged", [False, True], ids=["as it is", "with a head that says so"])
def test_a_sealed_file_in_the_place_of_another_is_refused(make_deployer, source, forged):
    files = repository()
    files["consumers/bot.yaml"] = CONSUMER + f"recipients: [{READER.recipient}]\n"
    deployer = make_sealing(make_deployer, files)
    deployer.apply("dev")
    deployer.apply()
    older = deployer.ref_files()
    deployer.commit({"environments/prod/secrets/keys.yaml": sops("openai: canary-prod-2\n")})
    deployer.apply()
    now, dev = deployer.ref_files(), deployer.ref_files("dev")
    foreign = {
        "another tenant": now["acme/api/secrets.age"],
        "another consumer": now["_shared/bot/secrets.age"],
        "another environment": dev["_shared/api/secrets.age"],
        "an older version": older["_shared/api/secrets.age"],
    }[source]
    moved = {**now, "_shared/api/secrets.age": foreign}
    if forged:
        moved = rewritten(now, "_shared/api/secrets.age", foreign)
    with pytest.raises(IntegrityError) as raised:
        opened(moved)
    assert raised.value.exit_code == 10
    assert raised.value.code == ("secret-context" if forged else "damaged")


@pytest.mark.fault("X06", "S12")
def test_an_older_sealed_file_is_refused_even_with_the_entry_of_its_own_head(sealing):
    sealing.apply()
    older = sealing.ref_files()
    sealing.commit({"environments/prod/secrets/keys.yaml": sops("openai: canary-prod-2\n")})
    sealing.apply()
    path = "_shared/api/secrets.age"
    entry = json.loads(older["head.json"])["sealed"]["_shared/api"]["secrets.age"]
    with pytest.raises(IntegrityError, match="made from other values") as raised:
        opened(rewritten(sealing.ref_files(), path, older[path], entry))
    assert raised.value.code == "secret-context"


def test_a_bundle_in_the_place_of_another_is_refused(sealing):
    sealing.apply()
    files = sealing.ref_files()
    head = json.loads(files["head.json"])
    for said in (head["bundles"], head["sealed"]):
        said["_shared/api"] = said["beta/api"]
    swapped = {
        path: files[path.replace("_shared/", "beta/")] if path.startswith("_shared/") else it
        for path, it in files.items()
    }
    root = digest(canonical_json({folder: text.removeprefix("sha256:") for folder, text in head["bundles"].items()}))
    swapped["head.json"] = canonical_json({**head, "root": f"sha256:{root}"})
    with pytest.raises(IntegrityError, match="is that of prod/beta/api"):
        opened(swapped)


def test_every_flipped_byte_of_a_sealed_file_is_refused(sealing):
    sealing.apply()
    files = sealing.ref_files()
    path = "_shared/api/secrets.age"
    content = files[path]
    for at in range(len(content)):
        flipped = content[:at] + bytes([content[at] ^ 0x80]) + content[at + 1 :]
        with pytest.raises(IntegrityError):
            read_bundles({**files, path: flipped})


@pytest.mark.parametrize("what", ["removed", "removed with its entry", "entry removed", "added"])
def test_a_sealed_file_that_is_missing_or_too_many_is_damage_and_mended(sealing, what):
    sealing.apply()
    files = dict(sealing.ref_files())
    head = json.loads(files["head.json"])
    if what in ("removed with its entry", "entry removed"):
        del head["sealed"]["_shared/api"]
        files["head.json"] = canonical_json(head)
    if what.startswith("removed"):
        del files["_shared/api/secrets.age"]
    if what == "added":
        files["_shared/api/sealed/more.age"] = b"age"
    repo = sealing.workspace.repository
    message = sealing.git("log", "-1", "--format=%B", "deployed/prod")
    repo.commit_files("refs/heads/deployed/prod", files, expected=sealing.deployed().commit, message=message)

    assert sealing.status().state == "damaged"
    assert sealing.plan().damage
    sealing.apply()
    assert opened(sealing.ref_files()).values["openai"] == "canary-prod"
    assert json.loads(sealing.ref_files()["head.json"])["sequence"] == 2


def test_rendered_bundles_on_the_deployed_branch_are_damage(sealing):
    sealing.apply()
    files = sealing.ref_files()
    head = {**json.loads(files["head.json"]), "sealed": None}
    unsealed = {path: it for path, it in files.items() if not path.endswith(".age")} | {
        "head.json": canonical_json(head)
    }
    with pytest.raises(NotFoundError, match="rendered and not deployed"):
        opened(unsealed)
    message = sealing.git("log", "-1", "--format=%B", "deployed/prod")
    sealing.workspace.repository.commit_files(
        "refs/heads/deployed/prod", unsealed, expected=sealing.deployed().commit, message=message
    )
    assert "not sealed" in sealing.plan().damage
    sealing.apply()
    assert sealed_of(sealing.ref_files())


def test_another_environments_branch_is_damage(sealing):
    sealing.apply("dev")
    sealing.git("branch", "deployed/prod", "deployed/dev")
    assert sealing.plan().damage == "it holds the bundles of dev"


def test_a_manifest_cannot_seal_what_is_no_file_of_its_bundle(sealing):
    sealing.apply()
    files = sealing.ref_files()
    for path in ("sealed/../../x.age", "config/gateway.json", "sealed/other.age", "/etc/passwd"):
        manifest = {**json.loads(files["_shared/api/manifest.json"]), "sealed": [path]}
        content = canonical_json(manifest)
        head = json.loads(files["head.json"])
        head["bundles"]["_shared/api"] = f"sha256:{digest(content)}"
        root = digest(
            canonical_json({folder: text.removeprefix("sha256:") for folder, text in head["bundles"].items()})
        )
        head["root"] = f"sha256:{root}"
        with pytest.raises(IntegrityError, match="none of its files"):
            read_bundles({**files, "_shared/api/manifest.json": content, "head.json": canonical_json(head)})


def test_a_sink_of_some_consumers_has_the_sealed_files_of_these_alone(make_deployer):
    files = repository()
    own = "sinks: [{directory: {path: 'delivered/own-{environment}'}}]\n"
    files["consumers/bot.yaml"] = CONSUMER + f"recipients: [{READER.recipient}]\n" + own
    deployer = make_sealing(make_deployer, files)
    deployer.apply()
    there = deployer.delivered("own-prod")
    assert [path for path in there if path.endswith(".age")] == ["_shared/bot/secrets.age"]
    assert list(json.loads(there["head.json"])["sealed"]) == ["_shared/bot"]
    assert opened(there, "_shared/bot").values["openai"] == "canary-prod"
