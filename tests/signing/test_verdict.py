"""Which signed bundles a consumer takes: each attack of the list is refused by its own rule, and what is right is taken.

The list is that of TUF: arbitrary, rolled-back, replayed, fast-forwarded, mixed and foreign content, and keys that leaked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from llmcfg.bundlefile.bundle import Bundle
from llmcfg.bundlefile.head import Signature
from llmcfg.signing.statement import Statement, statement_of
from llmcfg.signing.verdict import UntrustedError, Wanted, check_bundle
from llmcfg.trust.root import Root
from support.bundles import TARGET, bundle, document
from support.signed import ISSUED, root_for, signed, signing_key
from trust.signing import NOW

KEY, OTHER, STRANGER = 3, 4, 9
ROOT = root_for(KEY, max_jump=100)
BOTH = root_for(KEY, OTHER, bundle_threshold=2)
NEXT_EPOCH = root_for(OTHER, epoch=2, version=2, revoked={signing_key(KEY).public.fingerprint: 2})
HOUR = 3600
FOR_US = Wanted("prod", "acme/api")
OLD = bundle({"config/limits.json": document({"rpm": 10})})
NEW = bundle({"config/limits.json": document({"rpm": 20})})
BEFORE = statement_of(signed(NEW, ROOT, KEY, sequence=10))


def foreign(**said: Any) -> Bundle:
    return signed(bundle({"files/a": b"a"}, target=TARGET._replace(**said)), ROOT, KEY)


def with_claims(made: Bundle, **said: Any) -> Bundle:
    """As somebody who holds no key can change it."""
    assert made.head.claims is not None
    return Bundle(made.head._replace(claims=msgspec.structs.replace(made.head.claims, **said)), made.tree)


def signatures_of(made: Bundle) -> list[Signature]:
    assert made.head.claims is not None
    return made.head.claims.signatures


def with_head(made: Bundle, **said: Any) -> Bundle:
    return Bundle(made.head._replace(**said), made.tree)


GOOD = signed(NEW, ROOT, KEY)
SIGNATURE, BY_OTHER = signatures_of(signed(NEW, ROOT, KEY, OTHER))


class Case(NamedTuple):
    """`code` is of the rule that refuses; empty for what is taken."""

    name: str
    code: str
    bundle: Bundle
    root: Root = ROOT
    before: Statement | None = None
    wanted: Wanted = FOR_US


CASES = (
    Case("the first bundle", "", GOOD),
    Case("the next one", "", signed(NEW, ROOT, KEY, sequence=11), before=BEFORE),
    Case("the same again, after a restart", "", signed(NEW, ROOT, KEY, sequence=10), before=BEFORE),
    Case("old content under a new number, as a rollback has it", "", signed(OLD, ROOT, KEY, sequence=11), before=BEFORE),
    Case("the longest leap", "", signed(NEW, ROOT, KEY, sequence=110), before=BEFORE),
    Case("a first number of any size", "", signed(NEW, ROOT, KEY, sequence=1 << 40)),
    Case("at the floor", "", signed(NEW, ROOT, KEY, sequence=5), root=root_for(KEY, floors={"prod": 5})),
    Case("below another environment's floor", "", GOOD, root=root_for(KEY, floors={"dev": 5})),
    Case("either key, while two may sign", "", signed(NEW, ROOT, OTHER), root=root_for(KEY, OTHER)),
    Case("both keys, where two have to sign", "", signed(NEW, BOTH, KEY, OTHER), root=BOTH),
    Case("a new epoch begins to count anew", "", signed(NEW, NEXT_EPOCH, OTHER), root=NEXT_EPOCH, before=BEFORE),
    Case("a second before it expires", "", signed(NEW, ROOT, KEY, expires=int(NOW.timestamp()) + 1)),
    Case("a clock that is most of an hour ahead", "", signed(NEW, ROOT, KEY, issued=ISSUED + HOUR)),
    Case("for whoever reads it", "", foreign(consumer="web"), wanted=Wanted()),
    Case("another key that the root has, revoked", "", GOOD, root=root_for(KEY, revoked={signing_key(OTHER).public.fingerprint: 2})),
    Case("arbitrary content without a signature", "sig-missing", NEW),
    Case("no signature in an envelope", "sig-missing", with_claims(GOOD, signatures=[])),
    Case("arbitrary content signed by a stranger", "sig-unknown", signed(NEW, ROOT, STRANGER)),
    Case("a stranger's signature beside a right one", "sig-unknown", signed(NEW, ROOT, KEY, STRANGER)),
    Case("a stranger's signature that claims a right key", "sig-wrong", with_claims(
        GOOD, signatures=[Signature(SIGNATURE.key, b"s" * 64)])),
    Case("a right signature that claims another key", "sig-wrong", with_claims(
        GOOD, signatures=[Signature(BY_OTHER.key, SIGNATURE.content)]), root=root_for(KEY, OTHER)),
    Case("a key that was revoked", "sig-revoked", GOOD, root=root_for(KEY, OTHER, revoked={signing_key(KEY).public.fingerprint: 2})),
    Case("a key that the root no longer names", "sig-unknown", GOOD, root=root_for(OTHER)),
    Case("one key, where two have to sign", "sig-few", signed(NEW, BOTH, KEY), root=BOTH),
    Case("the same key twice, where two have to sign", "sig-form", signed(NEW, BOTH, KEY, KEY), root=BOTH),
    Case("the signature of another bundle", "sig-wrong", with_claims(signed(OLD, ROOT, KEY), signatures=[SIGNATURE])),
    Case("mixed: another content below the claims", "sig-wrong", Bundle(GOOD.head._replace(root=OLD.head.root), OLD.tree)),
    Case("mixed: another digest", "sig-wrong", with_head(GOOD, digest=OLD.head.digest)),
    Case("another commit", "sig-wrong", with_head(GOOD, commit="cd" * 20)),
    Case("other sources", "sig-wrong", with_claims(GOOD, sources=b"x" * 32)),
    Case("another manifest", "sig-wrong", with_claims(GOOD, manifest=b"x" * 32)),
    Case("a number that nobody signed", "sig-wrong", with_claims(GOOD, sequence=99)),
    Case("an epoch that nobody signed", "sig-wrong", with_claims(GOOD, epoch=2)),
    Case("a life that nobody signed", "sig-wrong", with_claims(GOOD, expires=1 << 37)),
    Case("a predecessor that nobody signed", "sig-wrong", with_claims(GOOD, previous=b"x" * 32)),
    Case("another repository that nobody signed", "sig-wrong", with_claims(GOOD, repository="f" * 32)),
    Case("of another environment", "bundle-audience", foreign(environment="dev")),
    Case("of another tenant", "bundle-audience", foreign(tenant="beta")),
    Case("of no tenant", "bundle-audience", foreign(tenant=None)),
    Case("of another consumer", "bundle-audience", foreign(consumer="web")),
    Case("of another repository", "bundle-audience", signed(NEW, ROOT, KEY, repository="f" * 32)),
    Case("of an epoch that is over", "bundle-epoch", signed(NEW, ROOT, OTHER), root=NEXT_EPOCH),
    Case("of an epoch that has not begun", "bundle-epoch", signed(NEW, ROOT, KEY, epoch=2)),
    Case("rolled back", "bundle-older", signed(OLD, ROOT, KEY, sequence=9), before=BEFORE),
    Case("replayed", "bundle-older", GOOD, before=BEFORE),
    Case("one number for two contents", "bundle-twice", signed(OLD, ROOT, KEY, sequence=10), before=BEFORE),
    Case("fast-forwarded", "bundle-leap", signed(NEW, ROOT, KEY, sequence=111), before=BEFORE),
    Case("below the floor, when what was taken is forgotten", "bundle-floor", signed(NEW, ROOT, KEY, sequence=4),
         root=root_for(KEY, floors={"prod": 5})),
    Case("expired", "bundle-expired", signed(NEW, ROOT, KEY, expires=int(NOW.timestamp()))),
    Case("of the future", "bundle-early", signed(NEW, ROOT, KEY, issued=ISSUED + 2 * HOUR)),
    Case("under a root that has expired", "root-expired", GOOD, root=root_for(KEY, issued=1, expires=2)),
)  # fmt: skip


@pytest.mark.fault("S12")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_attack_has_its_rule_and_what_is_right_is_taken(case):
    taken = None
    try:
        taken = check_bundle(case.bundle, case.root, case.wanted, case.before, NOW)
    except UntrustedError as error:
        assert (error.code, error.exit_code) == (case.code, 10)
        assert error.message
    assert (taken is not None) == (case.code == "")
    assert taken is None or taken == statement_of(case.bundle)


@pytest.mark.fault("S13")
def test_after_a_leap_by_a_stolen_key_a_new_epoch_brings_numbers_back():
    leapt = check_bundle(signed(OLD, ROOT, KEY, sequence=110), ROOT, FOR_US, BEFORE, NOW)

    with pytest.raises(UntrustedError, match="older than what was taken"):
        check_bundle(signed(NEW, ROOT, KEY, sequence=11), ROOT, FOR_US, leapt, NOW)
    assert check_bundle(signed(NEW, NEXT_EPOCH, OTHER, sequence=11), NEXT_EPOCH, FOR_US, leapt, NOW).epoch == 2


@pytest.mark.fault("S16")
def test_when_one_of_two_keys_leaks_only_its_bundles_are_refused_once_it_is_revoked():
    overlap = root_for(KEY, OTHER)
    after = root_for(KEY, OTHER, revoked={signing_key(KEY).public.fingerprint: 2}, epoch=2, version=2)

    for seed in (KEY, OTHER):
        check_bundle(signed(NEW, overlap, seed), overlap, FOR_US, None, NOW)
        with pytest.raises(UntrustedError):
            check_bundle(signed(NEW, overlap, seed), after, FOR_US, None, NOW)
    check_bundle(signed(NEW, after, OTHER), after, FOR_US, None, NOW)
    with pytest.raises(UntrustedError, match="was revoked"):
        check_bundle(signed(NEW, after, KEY), after, FOR_US, None, NOW)


def test_without_a_clock_times_are_not_looked_at():
    check_bundle(signed(NEW, ROOT, KEY, expires=1), ROOT, FOR_US)


def test_a_reason_names_what_was_expected():
    with pytest.raises(UntrustedError, match="it is for prod/beta/api, and not for prod/acme/api"):
        check_bundle(foreign(tenant="beta"), ROOT, FOR_US, None, NOW + timedelta(days=1))
