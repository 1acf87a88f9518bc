"""Values that are random enough to be secrets, under names that say they are: `DB_PASSWORD=…`, `"api_key": "…"`.

Rules: the name says secret, token, password or key, and not that the value is a name, an address, a hash or a number. The value is a mix of
letters and digits that no words make; UUIDs, references and what stands in for a secret are none.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Final

from llmcfg.regex import regex
from llmcfg.secrets.shapes import Found, is_stand_in

WHAT: Final = "a secret, by its name and its randomness"
_WORD: Final = regex(
    rb"secret|passw(?:or)?d|passphrase|token|api[-_]?key|access[-_]?key|private[-_]?key|auth[-_]?key|account[-_]?key|"
    rb"encryption[-_]?key|signing[-_]?key|master[-_]?key|credential|authorization"
)
_NAME_BEFORE: Final = regex(rb"[A-Za-z0-9_.-]{0,60}\Z")
_REST: Final = regex(
    rb"""([A-Za-z0-9_.-]{0,40})["'\]]{0,2}[ \t]{0,8}(?::=|=>|[:=])[ \t]{0,8}"""
    rb"""(?:"(?:(?i:bearer|basic|token) )?([^"\s\\]{12,512})"|'(?:(?i:bearer|basic|token) )?([^'\s\\]{12,512})'|"""
    rb"""(?:(?i:bearer|basic|token) )?([A-Za-z0-9+/=_.~!@$%^&*?:-]{12,512})(?=[\s,;}\]#]|\Z))"""
)
_NAME_WORDS: Final = regex(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
# Last words of names of what is no secret, and words of names of what is public.
_ABOUT: Final = regex(
    r"(?:name|id|ref|url|uri|path|file|scope|limit|count|expir|regex|label)(?:s|y|es|ed|ation)?|endpoint|host|dir|env|var(?:iable)?|type|"
    r"kind|header|field|format|ttl|timeout|lifetime|age|size|length|max|min|budget|costs?|price|version|arn|region|alg(?:orithm)?|issuer|"
    r"audience|prefix|suffix|pattern|policy|provider|store|manager|mount|role|class|usage|used|enabled|required|created|updated|hint|help|"
    r"description|title"
)
_PUBLIC: Final = regex(
    r"pub(?:lic|lishable)?|hash(?:ed)?|sha\d*|md|digest|checksum|fingerprint|commit|rev(?:ision)?|etag|integrity|tokenizer|tokens|csrf|example"
)
_REFERENCE: Final = regex(
    rb"(?i)[$<%{*]|ENC\[|(?:vault|env|file|secret|ssm|op|arn|aws|gcp|azure|projects|os\.environ|process\.env|sha\d+|md5)[:/.-]|age1|ssh-|/|\.{1,2}/|~"
)
_CODE: Final = regex(rb"[A-Za-z_]+(?:[.-][A-Za-z_]+)*|[A-Za-z_.]+\(.*\)")
_WORDS: Final = regex(rb"[A-Z]?[a-z]{2,}")
_UUID: Final = regex(rb"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMPTY_HASHES: Final = (b"d41d8cd98f00b204", b"da39a3ee5e6b4b0d", b"e3b0c44298fc1c14")
_ENTROPY: Final = 3.0  # bits for each character
_IN_WORDS: Final = 0.6  # of the characters, in what could be words
_MIXED: Final = 0.3  # changes of class for each character


def find_named(content: bytes) -> list[Found]:
    """Every such value, in order."""
    lowered = content.lower()
    found: list[Found] = []
    for word in _WORD.finditer(lowered):
        if found and word.start() < found[-1].end:
            continue
        rest = _REST.match(content, word.end())
        if rest is None or rest.lastindex is None:
            continue
        before = _NAME_BEFORE.search(content, max(0, word.start() - 60), word.start())
        name = content[before.start() if before else word.start() : rest.end(1)]
        start, end = rest.span(rest.lastindex)
        if _is_secret_name(name) and is_random(content[start:end]):
            found.append(Found(WHAT, start, end))
    return found


def is_random(text: bytes) -> bool:
    """Whether a value is none that people write: no words, no reference, no placeholder."""
    if _REFERENCE.match(text) or b"://" in text or _UUID.fullmatch(text) or text.startswith(_EMPTY_HASHES):
        return False
    if is_stand_in(text) or len({*text}) < 6 or _entropy(text) < _ENTROPY:
        return False
    if _CODE.fullmatch(text) or sum(map(len, _WORDS.findall(text))) > _IN_WORDS * len(text):
        return False
    return _changes(text) >= _MIXED * len(text)


def _is_secret_name(name: bytes) -> bool:
    words = [word.lower() for word in _NAME_WORDS.findall(name.decode("ascii", "replace"))]
    return bool(words) and not _ABOUT.fullmatch(words[-1]) and not any(map(_PUBLIC.fullmatch, words))


def _entropy(text: bytes) -> float:
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def _changes(text: bytes) -> int:
    """How often a letter, a capital, a digit and another character follow one another; hyphens and such count for none."""
    return sum(1 for one, following in pairwise(map(_class_of, text)) if one and following and one != following)


def _class_of(byte: int) -> int:
    character = chr(byte)
    if character in "-_./:=":
        return 0
    return 1 if character.islower() else 2 if character.isupper() else 3 if character.isdigit() else 4
