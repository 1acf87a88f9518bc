"""Names of environments, tenants and consumers: RFC 1123 labels, since they become directories, refs and DNS names."""

from __future__ import annotations

from llmcfg.regex import regex

_LABEL = regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)]
)
_RESERVED = _DEVICES | {"base", "default", "all", "none", "shared", "current"}
_LONGEST_SEGMENT = 128


def why_not_a_name(text: str) -> str | None:
    """Why `text` cannot name an environment, tenant or consumer; None when it can."""
    if not _LABEL.fullmatch(text):
        return "a name is 1 to 63 lower-case letters, digits and inner hyphens"
    if text in _RESERVED:
        return f"{text!r} is reserved"
    if text.startswith("xn--"):
        return "names that begin with xn-- are reserved for encoded domain names"
    return None


def why_not_an_output(path: str) -> str | None:
    """Why no file of a bundle can lie at `path`, whose characters are known to be sound; None when one can."""
    for segment in path.split("/"):
        if segment.split(".", 1)[0].lower() in _DEVICES:
            return f"Windows reads {segment!r} as a device"
        if segment.endswith("."):
            return "Windows drops a final dot"
        if len(segment) > _LONGEST_SEGMENT:
            return f"a name in it is longer than {_LONGEST_SEGMENT} characters"
    return None
