"""What a rule asks of a file that is there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcfg.secrets.age import generate_identity, parse_identities, read_header
from llmcfg.secrets.age.armor import remove_armor
from llmcfg.secrets.creation import CreationRule, parse_creation_rules
from llmcfg.secrets.inspection import inspect_file
from llmcfg.secrets.keychange import KeyChange, fits_header, key_change
from llmcfg.secrets.sops.metadata import Metadata
from support.sealed import NAMES, sealed, sealed_whole

ALICE, BOB = NAMES
CAROL = generate_identity().recipient.text
KEYS = Path(__file__).parent / "vectors" / "sops" / "keys"
ARN = "arn:aws:kms:us-east-1:1:key/a"


def rule(text: str) -> CreationRule:
    return parse_creation_rules(f"creation_rules:\n  - {text}\n".encode()).rules[0]


def metadata(*recipients: str, extra: Callable[[str], str] = str, **options: object) -> Metadata:
    found = inspect_file("a.yaml", extra(sealed("a: x\n", recipients, **options)).encode()).metadata
    assert found is not None
    return found


def with_kms(text: str) -> str:
    return text.replace("sops:\n", f"sops:\n    kms: [{{arn: '{ARN}', enc: abc}}]\n")


def test_the_same_keys_in_another_order_are_no_change():
    assert key_change(metadata(ALICE, BOB), rule(f"age: [{BOB}, {ALICE}]")).is_empty


@pytest.mark.fault("X07")
def test_what_comes_and_what_goes_is_named():
    change = key_change(metadata(ALICE, BOB), rule(f"age: '{ALICE},{CAROL}'"))
    assert change == KeyChange(added=(CAROL,), removed=(BOB,))
    assert change.replaces_data_key
    assert not key_change(metadata(ALICE), rule(f"age: '{ALICE},{CAROL}'")).replaces_data_key


def test_groups_count_and_so_does_how_many_are_needed():
    groups = [[ALICE], [BOB], [CAROL]]
    shared = metadata(*groups, threshold=2)
    asked = f"key_groups: [{{age: [{CAROL}]}}, {{age: [{ALICE}]}}, {{age: [{BOB}]}}]"
    assert key_change(shared, rule(f"shamir_threshold: 2\n    {asked}")).is_empty
    assert key_change(shared, rule(asked)).regroups
    assert key_change(shared, rule(f"age: [{ALICE}, {BOB}, {CAROL}]")).regroups
    assert key_change(metadata(ALICE, BOB, CAROL), rule(asked)).replaces_data_key


def test_keys_of_other_services_stay_where_they_are_and_are_an_obstacle_where_they_would_have_to_be_wrapped():
    both = metadata(ALICE, BOB, extra=with_kms)
    assert key_change(both, rule(f"kms: {ARN}\n    age: '{ALICE},{BOB}'")).is_empty
    more = key_change(both, rule(f"kms: {ARN}\n    age: '{ALICE},{BOB},{CAROL}'"))
    assert (more.added, more.obstacle) == ((CAROL,), "")
    fewer = key_change(both, rule(f"kms: {ARN}\n    age: {ALICE}"))
    assert "could not be encrypted for the keys of other services" in fewer.obstacle
    gone = key_change(both, rule(f"age: '{ALICE},{BOB}'"))
    assert (gone.removed, gone.obstacle) == ((f"AWS KMS {ARN}",), "")
    wanted = key_change(metadata(ALICE, BOB), rule(f"kms: {ARN}\n    age: '{ALICE},{BOB}'"))
    assert wanted.obstacle == f"nothing can be encrypted for AWS KMS {ARN} here"


@pytest.mark.parametrize("kind", ["ssh_ed25519", "ssh_rsa"])
def test_the_comment_of_an_ssh_key_does_not_count(kind: str):
    key = parse_identities((KEYS / kind).read_text())[0].recipient.text
    named = metadata(key, ALICE, extra=lambda text: text.replace(key, f"{key} somebody@example.com"))
    assert key_change(named, rule(f"age: [{ALICE}, {key} other]")).is_empty


def test_an_age_file_says_how_many_and_of_which_kinds():
    header = read_header(remove_armor(sealed_whole(b"x")))
    assert fits_header(header, rule(f"age: '{ALICE},{CAROL}'"))
    assert not fits_header(header, rule(f"age: {ALICE}"))
    safe = [generate_identity(post_quantum=True).recipient for _ in range(2)]
    assert not fits_header(header, rule(f"age: '{safe[0]},{safe[1]}'"))
    assert fits_header(read_header(remove_armor(sealed_whole(b"x", safe))), rule(f"age: '{safe[0]},{safe[1]}'"))
    assert not fits_header(header, CreationRule(()))
