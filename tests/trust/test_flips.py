"""Nothing that is signed or sealed counts with a single bit of it changed: a sample in every run, each of them in the sweep."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

import pytest

from llmcfg.errors import LlmcfgError
from llmcfg.model.target import Target
from llmcfg.secrets.age import generate_identity
from llmcfg.secrets.envelope import Content, Context, open_sealed, seal
from llmcfg.signing.heartbeat import check_heartbeat
from llmcfg.signing.statement import encoded_envelope_of, with_claims
from llmcfg.signing.verdict import Wanted, check_bundle
from llmcfg.sync.signed import Publisher
from llmcfg.trust import root as roots
from llmcfg.trust.commits import who_committed, who_tagged
from llmcfg.trust.failure import SignatureError
from support.bundles import bundle, document
from support.signed import root_for, signed, signing_key

from .roots import make_root
from .roots import signed as signed_root
from .signing import ALL_KINDS, NOW, Key, commit_content, ed25519, tag_content, with_signature

SAMPLE = 150  # bits of an object
LONG = b"limits: more for meridian\n\n" + b"Why it is right, at length.\n" * 150
MERGE = b"mergetag object 1f7a7a472abf3dd9643fd615f6da379c4acb3e3a\n type commit\nencoding UTF-8\n"
BUNDLES, OTHER = 3, 4
TARGET = Target("prod", "acme", "api")


class Signed(NamedTuple):
    """What is signed or sealed, and what takes it: raises where it does not count."""

    content: bytes
    take: Callable[[bytes], object]


def commit(key: Key, message: bytes, more: bytes = b"") -> Signed:
    content, signers = commit_content(message, more), key.signers()
    return Signed(with_signature(content, key.armour(content)), lambda spoilt: who_committed(spoilt, signers, seen=NOW))


def tag(key: Key, message: bytes) -> Signed:
    content, signers = tag_content(message=message), key.signers()
    return Signed(content + key.armour(content), lambda spoilt: who_tagged(spoilt, "v1", signers, seen=NOW))


def root(key: Key) -> Signed:
    return Signed(signed_root(make_root(key, ed25519(8)), key, ed25519(8)), roots.first_root)


def heartbeat() -> Signed:
    trusted = root_for(BUNDLES)
    content = Publisher((signing_key(BUNDLES),), trusted, lambda: NOW).heartbeat("prod", 7, "ab" * 32)
    return Signed(content, lambda spoilt: check_heartbeat(spoilt, trusted))


def envelope() -> Signed:
    """That of a bundle's folder, by two keys."""
    trusted = root_for(BUNDLES, OTHER, bundle_threshold=2)
    plain = bundle({"config/limits.json": document({"rpm": 10})})
    content = encoded_envelope_of(signed(plain, trusted, BUNDLES, OTHER))
    wanted = Wanted("prod", "acme/api")
    return Signed(content, lambda spoilt: check_bundle(with_claims(plain, spoilt), trusted, wanted, None, NOW))


def sealed(*, post_quantum: bool) -> Signed:
    reader, context = generate_identity(post_quantum=post_quantum), Context(TARGET, "secrets.age", 7, "sha256:00")
    content = seal(context, Content({"openai": "sk-canary-1"}), [reader.recipient])
    return Signed(content, lambda spoilt: open_sealed(spoilt, context, [reader]))


MAKERS: dict[str, Callable[[], Signed]] = {
    **{f"commit {kind}": lambda make=make: commit(make(), b"less\n") for kind, make in ALL_KINDS.items()},
    **{f"long commit {kind}": lambda make=make: commit(make(), LONG) for kind, make in ALL_KINDS.items()},
    **{f"merge {kind}": lambda make=make: commit(make(), LONG, MERGE) for kind, make in ALL_KINDS.items()},
    **{f"tag {kind}": lambda make=make: tag(make(), LONG) for kind, make in ALL_KINDS.items()},
    **{f"root {kind}": lambda make=make: root(make()) for kind, make in ALL_KINDS.items()},
    "heartbeat": heartbeat,
    "bundle": envelope,
    "sealed file": lambda: sealed(post_quantum=False),
    "sealed file, post-quantum": lambda: sealed(post_quantum=True),
}


@cache
def made(name: str) -> Signed:
    return MAKERS[name]()


def accepted(one: Signed, bits: Iterable[int]) -> list[int]:
    """The bits that may change unnoticed."""
    spoilt, found = bytearray(one.content), list[int]()
    for bit in bits:
        spoilt[bit >> 3] ^= 1 << (bit & 7)
        try:
            one.take(bytes(spoilt))
        except (SignatureError, LlmcfgError):
            pass
        else:
            found.append(bit)
        spoilt[bit >> 3] ^= 1 << (bit & 7)
    return found


@pytest.mark.fault("S02", "S12", "S13")
@pytest.mark.parametrize("name", MAKERS)
def test_a_bit_that_flips_is_noticed(name: str) -> None:
    one = made(name)
    assert one.take(one.content) is not None
    bits = range(len(one.content) * 8)
    assert accepted(one, random.Random(name).sample(bits, SAMPLE)) == []


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", MAKERS)
def test_every_bit_that_flips_is_noticed(name: str, part: int) -> None:
    one = made(name)
    assert accepted(one, range(part, len(one.content) * 8, 4)) == []


def test_the_sweep_tries_a_million_bits() -> None:
    assert sum(len(made(name).content) * 8 for name in MAKERS) >= 1_000_000
