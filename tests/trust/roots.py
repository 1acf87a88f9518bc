"""Roots of trust for tests, and their signatures."""

from __future__ import annotations

from typing import Any

import msgspec

from llmcfg.trust import root as roots
from llmcfg.trust.dsse import Signature
from llmcfg.trust.root import Root
from trust.signing import NOW, Key, ed25519

REPOSITORY = "0123456789abcdef0123456789abcdef"
YEAR = 365 * 24 * 3600


def make_root(*root_keys: Key, **said: Any) -> Root:
    held = root_keys or (ed25519(1),)
    first = Root(
        version=1,
        repository=REPOSITORY,
        issued=int(NOW.timestamp()),
        expires=int(NOW.timestamp()) + YEAR,
        keys=tuple(key.public.text for key in held),
        threshold=1,
        signers=(ed25519(2).line().strip(),),
        bundles=(ed25519(3).public.text,),
    )
    return msgspec.structs.replace(first, **said)


def signed(root: Root, *by: Key) -> bytes:
    """The envelope, signed by these keys, by the first of the tests' keys where none is named."""
    return roots.encode_root(root, [signature(root, key) for key in by or (ed25519(1),)])


def signature(root: Root, key: Key) -> Signature:
    return roots.signature_of(root, key.armour(roots.signing_input(root), roots.NAMESPACE))
