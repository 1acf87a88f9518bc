"""New versions of a root of trust, each with one thing changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from llmcfg.errors import NotFoundError, UsageError
from llmcfg.trust.edits import NextVersion
from llmcfg.trust.root import DeployRule, PathRule, Root
from trust.roots import make_root
from trust.signing import NOW, ed25519

ADA, BEN, BUNDLES = ed25519(2), ed25519(12), ed25519(3)
LATER = NOW + timedelta(days=40)
HEAD = "1" * 40


def following(root: Root) -> NextVersion:
    return NextVersion(root, LATER, timedelta(days=365))


def test_every_change_is_the_next_version_issued_now_and_good_for_its_life() -> None:
    root = make_root(epoch=4)
    made = following(root).renewed()
    assert (made.version, made.epoch, made.issued) == (2, 4, int(LATER.timestamp()))
    assert made.expires - made.issued == 365 * 24 * 3600
    assert (made.keys, made.signers, made.bundles) == (root.keys, root.signers, root.bundles)


def test_a_clock_that_went_back_does_not_make_a_version_that_nobody_takes() -> None:
    root = make_root()
    made = NextVersion(root, NOW - timedelta(days=1), timedelta(days=365)).renewed()
    assert made.issued == root.issued


def test_a_signer_is_added_once() -> None:
    made = following(make_root()).with_signer(BEN.line("ben").strip())
    assert made.names == {"ada@example.com", "ben"}
    with pytest.raises(UsageError, match="stands here again"):
        following(made).with_signer(BEN.line("ben").strip())


def test_a_signer_who_is_revoked_is_gone_and_what_was_looked_at_stays() -> None:
    root = make_root(rules=(PathRule(("base/**",), ("ada@example.com",)),))
    made = following(root).revoked("ada@example.com", (HEAD,))
    assert (made.names, made.vouched) == (frozenset(), (HEAD,))
    assert made.revoked == {ADA.public.fingerprint: made.version}
    assert made.epoch == root.epoch
    assert made.rules == root.rules  # nobody meets it now, which is safe


def test_a_bundle_key_that_is_revoked_ends_the_epoch() -> None:
    root = make_root(bundles=(BUNDLES.public.text, BEN.public.text), floors={"prod": 9}, epoch=3)
    made = following(root).revoked(BUNDLES.public.fingerprint, (HEAD,))
    assert [key.fingerprint for key in made.bundle_keys] == [BEN.public.fingerprint]
    assert (made.epoch, made.floors, made.vouched) == (4, {}, root.vouched)


def test_a_key_that_was_revoked_does_not_come_back() -> None:
    root = make_root(bundles=(BUNDLES.public.text, BEN.public.text))
    without_ada = following(root).revoked("ada@example.com", ())
    without_either = following(without_ada).revoked(BUNDLES.public.fingerprint, ())
    assert without_either.revoked == {ADA.public.fingerprint: 2, BUNDLES.public.fingerprint: 3}
    with pytest.raises(UsageError, match="was revoked by version 2 of the root of trust"):
        following(without_either).with_signer(ADA.line("somebody").strip())
    with pytest.raises(UsageError, match="was revoked by version 3 of the root of trust"):
        following(without_either).with_bundle_keys([BUNDLES.public], ())


def test_what_nobody_is_called_and_keys_of_the_root_are_not_revoked() -> None:
    root = make_root()
    with pytest.raises(NotFoundError, match="is called adda") as refused:
        following(root).revoked("adda@example.com", ())
    assert "ada@example.com" in refused.value.hint
    with pytest.raises(UsageError, match="is a key of the root"):
        following(root).revoked(root.root_keys[0].fingerprint, ())


def test_root_keys_change_and_the_threshold_is_never_lowered_unasked() -> None:
    root = make_root(ADA, BEN, threshold=2)
    with pytest.raises(UsageError, match="2 of keys have to sign, and there are 1"):
        following(root).with_root_keys([], [BEN.public.fingerprint], None)
    made = following(root).with_root_keys([], [BEN.public.fingerprint], 1)
    assert (made.keys, made.threshold) == ((ADA.public.text,), 1)
    with pytest.raises(NotFoundError, match="is no key of the root"):
        following(root).with_root_keys([], ["SHA256:nobody"], None)
    with pytest.raises(UsageError, match="3 of keys have to sign"):
        following(root).with_root_keys([], [], 3)


def test_bundle_keys_overlap_while_they_change() -> None:
    both = following(make_root()).with_bundle_keys([BEN.public], [])
    assert len(both.bundle_keys) == 2
    assert following(both).with_bundle_keys([], [BUNDLES.public.fingerprint]).bundles == (BEN.public.text,)


def test_rules_change_what_they_name_and_nothing_else() -> None:
    root = make_root(rules=(PathRule(("base/**",)),), max_jump=7)
    made = following(root).with_rules({"environments": {"prod": {"signers": ["ada@example.com"]}}})
    assert made.environments == {"prod": DeployRule(("ada@example.com",))}
    assert (made.rules, made.max_jump) == (root.rules, 7)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"rule": []}, "unknown field"),
        ({"rules": [{"paths": []}]}, "length"),
        ({"rules": [{"paths": ["x"], "threshold": 0}]}, ">= 1"),
        ({"rules": [{"paths": ["x"], "signers": ["eve"]}]}, "eve, who is no signer"),
        ({"rules": [{"paths": ["x"], "threshold": 2}]}, "takes 2 signers, and there are 1"),
        ({"max_jump": "many"}, "int"),
        (["rules"], "object"),
    ],
)
def test_rules_that_are_none_or_that_nobody_can_meet_are_refused(said: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        following(make_root()).with_rules(said)
