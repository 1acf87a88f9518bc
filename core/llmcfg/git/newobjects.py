"""Objects as Git stores them, and what is not made one: files that are too large, and names that some system takes for another."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.git.filenames import why_not_a_file_name
from llmcfg.limits import BLOB_BYTES

_ABOVE_BUNDLES: Final = 2  # folders: the tenant's, and in it the consumer's


class NewObject(NamedTuple):
    """`whole` is the content with its header. What has the same `place` in several bundles is likely to resemble each other."""

    oid: str
    whole: bytes
    place: str = ""


def new_object(word: bytes, content: bytes, place: str = "") -> NewObject:
    """Of a kind (`blob`, `tree`, ...)."""
    whole = b"%s %d\0" % (word, len(content)) + content
    return NewObject(hashlib.sha1(whole, usedforsecurity=False).hexdigest(), whole, place)


def place_in_bundles(path: str) -> str:
    """Of a file or folder of an environment: the same for each bundle, whoever's it is."""
    segments = path.split("/")
    return "/".join(["*"] * min(len(segments), _ABOVE_BUNDLES) + segments[_ABOVE_BUNDLES:])


def blob_id(content: bytes) -> str:
    """The id that Git gives a blob."""
    return object_id(b"blob", content)


def object_id(word: bytes, content: bytes) -> str:
    """The id that Git gives an object of this kind (`blob`, `tree`, ...)."""
    return new_object(word, content).oid


def refuse_large(content: bytes) -> None:
    """Raises UsageError for a file that would not be read back."""
    if len(content) > BLOB_BYTES:
        raise UsageError(f"a file of {len(content):,} bytes is over the limit of {BLOB_BYTES:,}", hint="split it")


def refuse_names(path: str) -> None:
    """Raises UsageError for a path that cannot be stored."""
    for segment in path.split("/"):
        reason = why_not_a_file_name(segment.encode())
        if reason:
            raise UsageError(f"cannot store a file at {path!r}: {reason}", hint="choose another output path")
