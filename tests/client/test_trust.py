"""A program with a root of trust: only what was signed for it is used, across restarts, new roots and time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llmcfg.bundlefile.bundle import Bundle
from llmcfg.client import IntegrityError, NotFoundError, StaleError
from llmcfg.clock import now
from llmcfg.sync.signed import Publisher
from support.bundles import TARGET, bundle, document
from support.signed import SignedSink, root_for, signed, signing_key
from trust.roots import signed as root_file
from trust.signing import ed25519

KEY, OTHER = 3, 4
LONG = {"issued": 1, "expires": 1 << 33}
ROOT = root_for(KEY, **LONG)
NEXT = root_for(OTHER, version=2, epoch=2, revoked={signing_key(KEY).public.fingerprint: 2}, **LONG)


def limits(rpm: int, target=TARGET) -> Bundle:
    return bundle({"config/limits.json": document({"rpm": rpm})}, target=target)


@pytest.fixture
def sink(tmp_path):
    return SignedSink(tmp_path / "sink")


@pytest.fixture
def open_trusting(tmp_path, open_config):
    file = tmp_path / "root.json"
    file.write_bytes(root_file(ROOT))

    def opener(**options):
        return open_config(
            f"dir:{tmp_path}/sink", tenant="acme", consumer="api", environment="prod", root=file, **options
        )

    return opener


def test_what_is_signed_for_the_program_is_used(sink, open_trusting):
    sink.put(signed(limits(10), ROOT, KEY))
    cfg = open_trusting()
    sink.put(signed(limits(20), ROOT, KEY, sequence=2))
    cfg.refresh()

    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")


@pytest.mark.fault("S12")
@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(limits(66), "not signed", id="unsigned"),
        pytest.param(signed(limits(66), ROOT, OTHER), "may not sign", id="by a stranger"),
        pytest.param(signed(limits(66), ROOT, KEY, sequence=4), "older than", id="rolled back"),
        pytest.param(signed(limits(66), ROOT, KEY, sequence=5), "so does another", id="the same number"),
        pytest.param(signed(limits(66), ROOT, KEY, sequence=1 << 40), "leaps", id="fast-forwarded"),
        pytest.param(signed(limits(66, TARGET._replace(environment="dev")), ROOT, KEY, sequence=6), "dev", id="of dev"),
        pytest.param(signed(limits(66), ROOT, KEY, sequence=6, repository="f" * 32), "repository", id="of another repository"),
    ],
)  # fmt: skip
def test_what_is_not_leaves_in_use_what_was(sink, open_trusting, tmp_path, made, said):
    sink.put(signed(limits(10), ROOT, KEY, sequence=5))
    cfg = open_trusting(state=tmp_path / "state")
    kept = (tmp_path / "state/last.llmcfg").read_bytes()
    sink.put(made)
    cfg.refresh()

    assert cfg["limits.rpm"] == 10
    assert said in cfg.trouble
    assert (tmp_path / "state/last.llmcfg").read_bytes() == kept
    sink.put(signed(limits(20), ROOT, KEY, sequence=6))
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")


@pytest.mark.fault("S14")
def test_what_was_taken_is_known_after_a_restart(sink, open_trusting, tmp_path):
    sink.put(signed(limits(20), ROOT, KEY, sequence=5))
    open_trusting(state=tmp_path / "state").close()
    sink.put(signed(limits(10), ROOT, KEY, sequence=4))

    again = open_trusting(state=tmp_path / "state")
    assert (again["limits.rpm"], "number 4 after 5" in again.trouble) == (20, True)


@pytest.mark.fault("S14")
def test_without_what_was_taken_the_floor_of_the_root_holds(sink, open_trusting, tmp_path):
    (tmp_path / "root.json").write_bytes(root_file(root_for(KEY, floors={"prod": 5}, **LONG)))
    sink.put(signed(limits(10), ROOT, KEY, sequence=4))

    with pytest.raises(IntegrityError, match="none below 5"):
        open_trusting(state=tmp_path / "lost")


def test_a_rollback_is_old_content_under_a_new_number(sink, open_trusting, tmp_path):
    sink.put(signed(limits(20), ROOT, KEY, sequence=5))
    cfg = open_trusting(state=tmp_path / "state")
    sink.put(signed(limits(10), ROOT, KEY, sequence=6))
    cfg.refresh()

    assert (cfg["limits.rpm"], cfg.trouble) == (10, "")


@pytest.mark.fault("S16")
def test_a_new_root_comes_with_a_delivery_and_ends_what_was_signed_before(sink, open_trusting, tmp_path):
    sink.put(signed(limits(10), ROOT, KEY, sequence=500))
    cfg = open_trusting(state=tmp_path / "state")
    sink.put(signed(limits(20), NEXT, OTHER), {2: root_file(NEXT)})
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")

    sink.put(signed(limits(66), ROOT, KEY, sequence=501))
    cfg.refresh()
    assert (cfg["limits.rpm"], "was revoked" in cfg.trouble) == (20, True)
    cfg.close()
    again = open_trusting(state=tmp_path / "state")
    assert (again["limits.rpm"], "was revoked" in again.trouble) == (20, True)


@pytest.mark.fault("S13")
def test_a_root_with_other_keys_is_known_after_a_restart_that_nobody_tells_of_it(sink, open_trusting, tmp_path):
    rotated = root_for(OTHER, version=2, epoch=2, keys=(ed25519(9).public.text,), revoked=NEXT.revoked, **LONG)
    sink.put(signed(limits(20), rotated, OTHER), {2: root_file(rotated, ed25519(1), ed25519(9))})
    cfg = open_trusting(state=tmp_path / "state")
    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")
    cfg.close()

    sink.put(signed(limits(66), ROOT, KEY, sequence=501))
    again = open_trusting(state=tmp_path / "state")
    assert (again["limits.rpm"], "was revoked" in again.trouble) == (20, True)


@pytest.mark.fault("S13")
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{}", id="no root"),
        pytest.param(root_file(NEXT, ed25519(9)), id="signed by a stranger"),
        pytest.param(root_file(root_for(OTHER, version=3, epoch=2, **LONG)), id="a version left out"),
        pytest.param(root_file(root_for(OTHER, version=2, epoch=2, repository="f" * 32, **LONG)), id="of another repository"),
    ],
)  # fmt: skip
def test_a_root_that_does_not_follow_changes_nothing(sink, open_trusting, content):
    sink.put(signed(limits(10), ROOT, KEY))
    cfg = open_trusting()
    sink.put(signed(limits(66), NEXT, OTHER, sequence=2), {2: content})
    cfg.refresh()
    assert cfg["limits.rpm"] == 10

    sink.put(signed(limits(20), ROOT, KEY, sequence=2), {2: content})
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")


def test_what_expired_is_used_and_said_or_refused_as_the_program_wants(sink, open_trusting):
    sink.put(signed(limits(10), ROOT, KEY, expires=5))

    cfg = open_trusting()
    assert cfg["limits.rpm"] == 10
    assert cfg.trouble == "the configuration may be out of date: it has expired"
    with pytest.raises(IntegrityError, match="has expired"):
        open_trusting(on_stale="stop")


def beat(tmp_path, sequence, at=None):
    publisher = Publisher((signing_key(KEY),), ROOT, at or now)
    (tmp_path / "sink/heartbeat.json").write_bytes(publisher.heartbeat("prod", sequence, "ab" * 32))


def test_heartbeats_tell_whether_something_newer_is_kept_back(sink, open_trusting, tmp_path):
    sink.put(signed(limits(10), ROOT, KEY))
    cfg = open_trusting()
    assert cfg.trouble == ""
    beat(tmp_path, 1)
    cfg.refresh()
    assert cfg.trouble == ""

    beat(tmp_path, 2)
    cfg.refresh()
    assert (cfg["limits.rpm"], "number 2 is deployed, and this is number 1" in cfg.trouble) == (10, True)
    sink.put(signed(limits(20), ROOT, KEY, sequence=2))
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")

    (tmp_path / "sink/heartbeat.json").unlink()
    cfg.refresh()
    assert cfg.trouble == "the configuration may be out of date: there is no heartbeat"
    beat(tmp_path, 2, at=lambda: now() - timedelta(hours=1))
    cfg.refresh()
    assert "expired" in cfg.trouble
    (tmp_path / "sink/heartbeat.json").write_text("{}")
    cfg.refresh()
    assert "does not count" in cfg.trouble
    beat(tmp_path, 2)
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")


def test_a_program_that_wants_to_stop_reads_nothing_until_it_is_sure_again(sink, open_trusting, tmp_path):
    sink.put(signed(limits(10), ROOT, KEY))
    with pytest.raises(StaleError, match="no heartbeat"):
        open_trusting(on_stale="stop")
    beat(tmp_path, 1)
    cfg = open_trusting(on_stale="stop")
    assert cfg["limits.rpm"] == 10

    beat(tmp_path, 1, at=lambda: now() - timedelta(hours=1))
    cfg.refresh()
    for read in (lambda: cfg["limits.rpm"], lambda: cfg.get("limits"), lambda: "limits" in cfg, cfg.files):
        with pytest.raises(StaleError, match="last heartbeat has expired"):
            read()
    assert cfg.target.consumer == "api"
    beat(tmp_path, 1)
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (10, "")


def test_without_its_source_a_program_starts_from_what_it_kept_if_that_still_counts(sink, open_trusting, tmp_path):
    sink.put(signed(limits(10), ROOT, KEY))
    open_trusting(state=tmp_path / "state").close()
    (tmp_path / "sink/current").unlink()
    assert open_trusting(state=tmp_path / "state")["limits.rpm"] == 10

    (tmp_path / "root.json").write_bytes(root_file(NEXT))
    with pytest.raises(IntegrityError, match="was revoked"):
        open_trusting(state=tmp_path / "state")


def test_a_root_that_is_none_is_said_at_once(sink, open_trusting, tmp_path):
    sink.put(signed(limits(10), ROOT, KEY))
    (tmp_path / "root.json").write_text("{}")
    with pytest.raises(IntegrityError, match="no root of trust"):
        open_trusting()
    (tmp_path / "root.json").unlink()
    with pytest.raises(NotFoundError, match="cannot be read"):
        open_trusting()


def test_without_a_root_signatures_are_not_asked_for(sink, tmp_path, open_config):
    sink.put(signed(limits(10), ROOT, OTHER, sequence=9))
    cfg = open_config(f"dir:{tmp_path}/sink", tenant="acme", consumer="api")
    sink.put(limits(20))
    cfg.refresh()

    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")


def test_the_reason_is_told_to_whoever_delivered(sink, open_trusting, tmp_path):
    sink.put(limits(66))
    with pytest.raises(IntegrityError):
        open_trusting(instance="one")

    said = (tmp_path / "sink/acks/acme/api/one.json").read_text()
    assert '"accepted":false' in said
    assert "it is not signed" in said
