"""What a cache on disk knows of the steps of a build (docs/adr/0025).

Every intermediate result has a name: the digest of what it was made from. Under it the cache holds a fact, which lets a step be passed
over. Facts are learnt of sound results only. Whatever gave a finding is looked at again in every run, so no message, and no text that one
quotes, lies in the cache, and none can come out of it. Values are loaded when something asks for them; one that is gone is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from llmcfg.model.later import Later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmcfg.model.value import Value
    from llmcfg.ports import Cache

T = TypeVar("T")
NAME_BYTES: Final = 16
SEALED_MARK: Final = b"ENC["
_TAGS, _LINKS = 1, 2
_DECODER: Final = msgspec.msgpack.Decoder()
_ENCODER: Final = msgspec.msgpack.Encoder()


def name_of(step: str, *made_from: str) -> bytes:
    """The name of a result, by its step and everything that it was made from. The parts hold no NUL, as no path and no YAML does."""
    return blake2b("\0".join((step, *made_from)).encode(), digest_size=NAME_BYTES).digest()


def name_of_bytes(step: str, made_from: Iterable[bytes]) -> bytes:
    """The same for parts that are names of results."""
    return blake2b(b"".join((step.encode(), b"\0", *made_from)), digest_size=NAME_BYTES).digest()


def find_parsed(
    cache: Cache, key: str, about: str, parse: Callable[[], dict[str, Value]]
) -> tuple[Later[dict[str, Value]], bool, bool] | None:
    """A sound document with whether it has tags and links; `parse` makes its value where the cache holds that no more."""
    name = name_of("parsed", key)
    fact = cache.fact(name, "read", about)
    if fact is None:
        return None

    def load() -> dict[str, Value]:
        stored = cache.content(name)
        return parse() if stored is None else _DECODER.decode(stored)

    return Later(load), bool(fact[0] & _TAGS), bool(fact[0] & _LINKS)


def learn_parsed(cache: Cache, key: str, value: dict[str, Value] | None, *, has_tags: bool, has_links: bool) -> None:
    """Of a document without problems. The value is not kept where it is None, or holds ciphertext."""
    name = name_of("parsed", key)
    if value is not None:
        content = _ENCODER.encode(value)
        if SEALED_MARK not in content:
            cache.add(name, content)
    cache.learn(name, bytes([_TAGS * has_tags + _LINKS * has_links]))


class Outcome(msgspec.Struct, array_like=True):
    """What is known at one point of a resolution: the next question, or else its end with the uses of secrets in the document."""

    kind: str = ""
    question: str = ""
    secrets: list[str] = []


def find_outcome(cache: Cache, name: bytes, about: str) -> Outcome | None:
    fact = cache.fact(name, "resolve", about)
    return None if fact is None else msgspec.msgpack.decode(fact, type=Outcome)


def learn_outcome(cache: Cache, name: bytes, outcome: Outcome) -> None:
    cache.learn(name, _ENCODER.encode(outcome))


class KnownPart(msgspec.Struct, array_like=True):
    """A part of a bundle that holds no ciphertext: its digest and size, and the uses of secrets in it."""

    sha256: str
    size: int
    secrets: list[str]


class KnownFile(msgspec.Struct, array_like=True):
    """A rendered file, with the template files that it depends on and the uses of secrets that it asked for."""

    text: bytes
    file: str
    template_files: list[str]
    secrets: list[str]


def find_file(cache: Cache, name: bytes, about: str) -> KnownFile | None:
    if cache.fact(name, "render", about) is None:
        return None
    stored = cache.content(name)
    return None if stored is None else msgspec.msgpack.decode(stored, type=KnownFile)


def learn_file(cache: Cache, name: bytes, file: KnownFile) -> None:
    """Of a rendering without problems. What looks like a secret or like ciphertext is not kept."""
    from llmcfg.secrets.plaintext import find_plaintext

    if SEALED_MARK not in file.text and not find_plaintext(file.text, by_name=True):
        cache.add(name, _ENCODER.encode(file))
        cache.learn(name, b"")


def text_of(value: object) -> str:
    """Equal for equal values, in any process: what sets and mappings hold is sorted."""
    if isinstance(value, frozenset | set):
        return f"set {sorted(map(text_of, value))}"
    if isinstance(value, Mapping):
        return f"mapping {sorted((text_of(key), text_of(item)) for key, item in value.items())}"
    if isinstance(value, msgspec.Struct):
        return f"{type(value).__name__} {[text_of(getattr(value, name)) for name in value.__struct_fields__]}"
    return repr(value)


def find_part(cache: Cache, name: bytes, about: str) -> KnownPart | None:
    fact = cache.fact(name, "select", about)
    return None if fact is None else msgspec.msgpack.decode(fact, type=KnownPart)


def learn_part(cache: Cache, name: bytes, part: KnownPart) -> None:
    cache.learn(name, _ENCODER.encode(part))


def learn_sound(cache: Cache | None, name: bytes) -> None:
    if cache is not None:
        cache.learn(name, b"")


def is_sound(cache: Cache | None, name: bytes, step: str, about: str) -> bool:
    """Whether this was judged before, and nothing was found."""
    return cache is not None and cache.fact(name, step, about) is not None


def found_once(
    cache: Cache | None, name: bytes, step: str, about: str, find: Callable[[], Iterable[T]]
) -> tuple[T, ...]:
    """What is found; nothing where it is known that nothing was."""
    if is_sound(cache, name, step, about):
        return ()
    found = tuple(find())
    if not found:
        learn_sound(cache, name)
    return found


class Passed(msgspec.Struct, array_like=True):
    """A finding that a comment in its file allows: by its rule, file and line alone."""

    rule: str
    file: str
    line: int


_PASSED: Final = msgspec.msgpack.Decoder(list[Passed])


def find_passed(cache: Cache | None, name: bytes, step: str, about: str) -> list[Passed] | None:
    """What a judgement found, all of which was allowed; empty where it found nothing."""
    fact = None if cache is None else cache.fact(name, step, about)
    return None if fact is None else _PASSED.decode(fact)


def learn_passed(cache: Cache | None, name: bytes, passed: list[Passed] | None) -> None:
    if cache is not None and passed is not None:
        cache.learn(name, _ENCODER.encode(passed))
