"""Which names a file of the configuration may have. The rules hold on every system, since repositories travel.

A name is at most 128 bytes of ASCII letters, digits and `. _ - + @ =`; it is none that Git, Windows or macOS give a meaning of their own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from llmcfg.limits import NAME_BYTES
from llmcfg.regex import regex

MANIFEST: Final = "llmcfg.yaml"  # its folder is the root of the configuration

FOLDERS: Final = frozenset(
    [
        "base",
        "environments",
        "tenants",
        "consumers",
        "prompts",
        "schemas",
        "templates",
        "policies",
        "access",
        "regions",
        "catalogue",
    ]
)
FILES: Final = frozenset([MANIFEST, ".sops.yaml", "rotations.yaml"])

_PLAIN = regex(rb"[A-Za-z0-9_.@+=-]+")
_DEVICES = frozenset(
    [b"con", b"prn", b"aux", b"nul"] + [device + b"%d" % digit for device in (b"com", b"lpt") for digit in range(1, 10)]
)
_SHOWN = 80


@lru_cache(maxsize=1 << 16)  # the same few names stand in every tenant's folder
def why_not_a_file_name(name: bytes) -> str | None:
    """Why `name` cannot stand inside a configuration folder; None when it can."""
    hard = why_never_a_name(name)
    if hard:
        return hard
    if len(name) > NAME_BYTES:
        return f"it is {len(name)} bytes long; the limit is {NAME_BYTES}"
    if not _PLAIN.fullmatch(name):
        return "a file name is made of ASCII letters, digits and . _ - + @ ="
    if name.endswith(b"."):
        return "Windows drops a final dot"
    if name.split(b".", 1)[0].lower() in _DEVICES:
        return "Windows reads it as a device"
    return None


def why_never_a_name(name: bytes) -> str | None:
    """Why no tree at all may hold `name`: it names nothing, another directory, or Git's own folder. None when it may."""
    if not name:
        return "it is empty"
    if b"/" in name or b"\0" in name:
        return "it holds a path separator"
    if name in (b".", b".."):
        return "it names another directory"
    folded = _without_ignorables(name).lower().replace(b"\\", b"/").split(b"/")[-1]
    folded = folded.split(b":", 1)[0].rstrip(b" .")
    if folded in (b".git", b"git~1"):
        return "some systems read it as Git's own folder"
    return None


def display_name(name: bytes) -> str:
    """`name` for messages: what cannot be printed, hides or reorders text is escaped, and long names are cut."""
    text = name.decode("utf-8", "backslashreplace")
    if len(text) <= _SHOWN and text.isprintable():
        return text
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _without_ignorables(name: bytes) -> bytes:
    """The name as HFS+ compares it: without zero-width and directional characters."""
    if name.isascii():
        return name
    text = name.decode("utf-8", "surrogateescape")
    return "".join(char for char in text if not (0x200C <= ord(char) <= 0x206F or ord(char) == 0xFEFF)).encode(
        "utf-8", "surrogateescape"
    )
