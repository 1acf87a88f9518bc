"""Heartbeats: signed like bundles, good for a quarter of an hour, and read in one form only."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from llmcfg.canonical import canonical_json
from llmcfg.signing.heartbeat import check_heartbeat, why_stale
from llmcfg.signing.statement import statement_of
from llmcfg.sync.signed import Publisher
from llmcfg.trust.failure import SignatureError
from support.bundles import bundle
from support.signed import root_for, signed, signing_key
from trust.signing import NOW

KEY, OTHER = 3, 4
ROOT = root_for(KEY)
DIGEST = "ab" * 32
USED = statement_of(signed(bundle({}), ROOT, KEY, sequence=7))


def heartbeat(sequence=7, root=ROOT, seed=KEY, at=NOW, environment="prod"):
    return Publisher((signing_key(seed),), root, lambda: at).heartbeat(environment, sequence, DIGEST)


WRITTEN = heartbeat()
SAID = json.loads(base64.b64decode(json.loads(WRITTEN)["payload"]))


@pytest.mark.parametrize(
    ("content", "minutes", "said"),
    [
        pytest.param(WRITTEN, 0, "", id="fresh"),
        pytest.param(WRITTEN, 14, "", id="fresh for a quarter of an hour"),
        pytest.param(WRITTEN, 15, "the last heartbeat has expired", id="and no longer"),
        pytest.param(heartbeat(sequence=6), 0, "", id="of a state before"),
        pytest.param(heartbeat(sequence=8), 0, "number 8 is deployed, and this is number 7", id="of a newer state"),
        pytest.param(heartbeat(environment="dev"), 0, "the heartbeat is that of dev", id="of another environment"),
    ],
)
def test_what_is_in_use_is_fresh_while_a_heartbeat_says_so(content, minutes, said):
    assert why_stale(check_heartbeat(content, ROOT), USED, NOW + timedelta(minutes=minutes)) == said


def envelope(payload: object, **said: object) -> bytes:
    text = base64.b64encode(payload if isinstance(payload, bytes) else canonical_json(payload)).decode()
    return canonical_json({**json.loads(WRITTEN), "payload": text, **said})


@pytest.mark.fault("S12")
@pytest.mark.parametrize(
    ("content", "root"),
    [
        pytest.param(b"", ROOT, id="nothing"),
        pytest.param(WRITTEN + b"\n", ROOT, id="a line break behind it"),
        pytest.param(WRITTEN * 100, ROOT, id="no end"),
        pytest.param(envelope(SAID, signatures=[]), ROOT, id="no signature"),
        pytest.param(envelope(SAID | {"sequence": 6}), ROOT, id="another number than was signed"),
        pytest.param(envelope(SAID | {"sequence": True}), ROOT, id="true for 1"),
        pytest.param(envelope(SAID | {"more": 1}), ROOT, id="a field more"),
        pytest.param(envelope(json.dumps(SAID).encode()), ROOT, id="spaces"),
        pytest.param(envelope(SAID, payloadType="application/vnd.in-toto+json"), ROOT, id="another kind"),
        pytest.param(WRITTEN, root_for(OTHER), id="a key that the root does not name"),
        pytest.param(heartbeat(root=root_for(KEY, repository="f" * 32)), ROOT, id="another repository"),
        pytest.param(heartbeat(root=root_for(KEY, epoch=2)), ROOT, id="another epoch"),
        pytest.param(heartbeat(), root_for(KEY, OTHER, bundle_threshold=2), id="fewer keys than have to sign"),
    ],
)
def test_a_forged_heartbeat_does_not_count(content, root):
    with pytest.raises(SignatureError):
        check_heartbeat(content, root)
