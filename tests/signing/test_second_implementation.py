"""securesystemslib, which in-toto and TUF stand on, agrees: it takes what is signed here, and what it signs is taken here."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from llmcfg.canonical import canonical_json
from llmcfg.signing.heartbeat import check_heartbeat
from llmcfg.signing.statement import KIND, encode_statement, encoded_envelope_of, with_claims
from llmcfg.signing.verdict import UntrustedError, Wanted, check_bundle
from llmcfg.sync.signed import Publisher
from llmcfg.trust.signer import read_signing_key
from support.bundles import bundle, document
from support.signed import key_file, private_key, root_for, signed, signing_key, statement_about
from trust.signing import NOW

KEY, OTHER = 3, 4
ROOT = root_for(KEY)
PLAIN = bundle({"config/limits.json": document({"rpm": 10})})
HEARTBEAT = Publisher((signing_key(KEY),), ROOT, lambda: NOW).heartbeat("prod", 7, "ab" * 32)


def their_key(seed: int) -> SSlibKey:
    public = private_key(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    return SSlibKey(signing_key(seed).public.fingerprint, "ed25519", "ed25519", {"public": public})


def signed_by_them(payload: bytes, kind: str, seed: int) -> bytes:
    envelope = Envelope(payload, kind, {})
    envelope.sign(CryptoSigner(private_key(seed), their_key(seed)))
    return canonical_json(envelope.to_dict())


@pytest.mark.parametrize("content", [encoded_envelope_of(signed(PLAIN, ROOT, KEY)), HEARTBEAT])
def test_it_takes_what_is_signed_here_and_nothing_of_another_key(content):
    envelope = Envelope.from_dict(json.loads(content))

    assert [*envelope.verify([their_key(KEY)], 1)] == [signing_key(KEY).public.fingerprint]
    with pytest.raises(VerificationError):
        envelope.verify([their_key(OTHER)], 1)


def test_what_it_signs_is_taken_here_and_nothing_of_another_key():
    payload = encode_statement(statement_about(PLAIN, ROOT))

    taken = with_claims(PLAIN, signed_by_them(payload, KIND, KEY))
    assert check_bundle(taken, ROOT, Wanted("prod", "acme/api"), None, NOW).sequence == 1
    with pytest.raises(UntrustedError, match="may not sign"):
        check_bundle(with_claims(PLAIN, signed_by_them(payload, KIND, OTHER)), ROOT, Wanted(), None, NOW)


def test_its_heartbeat_is_taken_here():
    envelope = Envelope.from_dict(json.loads(HEARTBEAT))

    again = signed_by_them(envelope.payload, envelope.payload_type, KEY)
    assert again == HEARTBEAT
    assert check_heartbeat(again, ROOT).expires == (NOW + timedelta(minutes=15)).timestamp()


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not on this machine")
def test_ssh_keygen_calls_the_key_as_the_envelope_does(tmp_path):
    path = tmp_path / "bundle.key"
    path.write_bytes(key_file(KEY))
    path.chmod(0o600)

    said = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout
    assert said.split()[1] == read_signing_key(path).public.fingerprint
