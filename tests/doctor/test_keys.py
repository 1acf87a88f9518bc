"""What `doctor` says of keys: what opens here, and what would be lost with one key."""

from __future__ import annotations

import pytest

from llmcfg.doctor.keys import check_keys
from llmcfg.model.check import Verdict
from llmcfg.secrets.age import encrypt_to
from support.readers import DEPLOYER, READER, STRANGER, repository, sops
from support.written import WrittenRepository


@pytest.fixture
def checks(tmp_path):
    def make(files, *identities):
        written = WrittenRepository(tmp_path / "own", {**repository(), **files})
        return {check.name: check for check in check_keys(written.workspace().configuration(), lambda: identities)}

    return make


BOTH = {
    "base/secrets/keys.yaml": sops("openai: a\nsession: b\n", DEPLOYER, READER),
    "environments/prod/secrets/keys.yaml": sops("openai: a\n", DEPLOYER, READER),
    "tenants/acme/secrets/keys.yaml": sops("openai: a\n", DEPLOYER, READER),
}


def test_files_that_one_key_alone_opens_are_named(checks):
    found = checks({"base/secrets/keys.yaml": BOTH["base/secrets/keys.yaml"]}, DEPLOYER)
    assert found["keys"].verdict is Verdict.OK
    assert found["keys"].text == "the keys at hand open every secret file (3)"
    assert found["escrow"].verdict is Verdict.WARN
    assert found["escrow"].text == (
        "2 of 3 secret files open with one key only: "
        "environments/prod/secrets/keys.yaml, tenants/acme/secrets/keys.yaml"
    )


def test_with_two_keys_for_each_nothing_is_to_be_mended(checks):
    assert {check.verdict for check in checks(BOTH, READER).values()} == {Verdict.OK}


def test_what_stays_closed_is_named_and_having_no_key_is_no_fault(checks):
    found = checks({**BOTH, "base/secrets/tls.age": encrypt_to([DEPLOYER.recipient], b"x").decode()}, READER)
    assert found["keys"].text == "the keys at hand open 3 of 4 secret files, and not base/secrets/tls.age"
    assert found["escrow"].text == "1 of 4 secret files opens with one key only: base/secrets/tls.age"
    assert checks(BOTH, STRANGER)["keys"].verdict is Verdict.WARN
    assert checks(BOTH)["keys"].verdict is Verdict.OK
    assert "no key at hand" in checks(BOTH)["keys"].text


def test_a_binary_file_counts_as_open_when_it_opens(checks):
    found = checks(
        {**BOTH, "base/secrets/tls.age": encrypt_to([DEPLOYER.recipient, READER.recipient], b"x").decode()}, READER
    )
    assert found["keys"].text == "the keys at hand open every secret file (4)"
    assert found["escrow"].verdict is Verdict.OK
