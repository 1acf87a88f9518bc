"""Names of environments, tenants and consumers: RFC 1123 labels, since they become directories, refs and DNS names."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "base", "default", "all", "none", "shared", "current"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)]
)


def why_not_a_name(text: str) -> str | None:
    """Why `text` cannot name an environment, tenant or consumer; None when it can."""
    if not _LABEL.fullmatch(text):
        return "a name is 1 to 63 lower-case letters, digits and inner hyphens"
    if text in _RESERVED:
        return f"{text!r} is reserved"
    if text.startswith("xn--"):
        return "names that begin with xn-- are reserved for encoded domain names"
    return None
