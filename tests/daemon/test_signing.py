"""A machine that signs: what it deploys counts for consumers, its heart beats, and without its key it leaves what was deployed."""

from __future__ import annotations

import pytest

from llmcfg.model.failure import FailureKind
from llmcfg.model.settings import Signing
from llmcfg.signing.heartbeat import check_heartbeat
from llmcfg.signing.verdict import Wanted, check_bundle
from llmcfg.sinks.signed import read_signed
from support.remotes import of
from support.signed import key_file, root_for
from trust.roots import signed as root_file

KEY = 3
ROOT = root_for(KEY, issued=1, expires=1 << 33)


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "bundle.key"
    path.write_bytes(key_file(KEY))
    path.chmod(0o600)
    return path


@pytest.fixture
def signing(tmp_path, key, make_machine):
    (tmp_path / "root.json").write_bytes(root_file(ROOT))
    return make_machine("signing", signing=Signing((key,), tmp_path / "root.json"), environments=("dev",))


def sink(machine):
    return machine.folder / "delivered/dev"


def test_what_a_pass_deploys_is_signed_and_its_heart_beats(signing):
    found = of(signing.look(), "dev")

    assert found.failure is None
    said = check_bundle(read_signed(sink(signing) / "current/_shared/api"), ROOT, Wanted("dev", "_shared/api"))
    beaten = check_heartbeat((sink(signing) / "heartbeat.json").read_bytes(), ROOT)
    assert (beaten.sequence, beaten.environment) == (said.sequence, "dev")
    assert (sink(signing) / "current/roots/1.json").read_bytes() == root_file(ROOT)
    assert not of(signing.look(), "dev").moved


@pytest.mark.fault("S15")
def test_without_its_key_what_was_deployed_stays_and_the_pass_says_why(origin, signing, key):
    signing.look()
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    key.chmod(0o644)

    failure = of(signing.look(), "dev").failure
    assert failure is not None
    assert (failure.code, failure.kind) == ("signing-key", FailureKind.STALLED)
    assert signing.delivered() == {"limits": b'{"rpm":10}\n'}
    key.chmod(0o600)
    assert of(signing.look(), "dev").failure is None
    assert signing.delivered() == {"limits": b'{"rpm":11}\n'}
