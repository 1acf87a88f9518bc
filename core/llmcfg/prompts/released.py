"""Immutability: the hash of what a released version sends, and what may still change.

The hash covers all that a model or an application gets to see. Status, changelog, owner, tests and tested models may change later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.canonical import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIVING: Final = frozenset({"status", "changelog", "owner", "tests", "models_tested", "description"})
"""Fields of a version that its hash does not cover."""
_SEMVER: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)


def version_hash(value: Mapping[str, Any]) -> str:
    """`sha256:…` of a version as its files say it, references unresolved."""
    return "sha256:" + digest_of({key: item for key, item in value.items() if key not in LIVING})


class _Precedence(NamedTuple):
    numbers: tuple[int, int, int]
    is_final: bool
    pre: tuple[tuple[bool, int, str], ...]


def is_version(text: str) -> bool:
    """Whether a text is a version of Semantic Versioning 2.0.0."""
    return _SEMVER.fullmatch(text) is not None


def is_prerelease(text: str) -> bool:
    match = _SEMVER.fullmatch(text)
    return match is not None and match[4] is not None


def sorted_versions(numbers: Iterable[str]) -> list[str]:
    """By precedence (SemVer 2.0.0, section 11), oldest first; what is no version comes before all."""
    return sorted(numbers, key=lambda number: (_precedence(number), number))


def next_version(numbers: Iterable[str], part: str) -> str:
    """The version after the newest final one: `major`, `minor` or `patch` raised."""
    final = [found.numbers for number in numbers if (found := _precedence(number)).is_final]
    major, minor, patch = max(final, default=(0, 0, 0))
    match part:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case _:
            return f"{major}.{minor}.{patch + 1}"


def _precedence(number: str) -> _Precedence:
    match = _SEMVER.fullmatch(number)
    if match is None:
        return _Precedence((-1, -1, -1), False, ())
    parts = match[4].split(".") if match[4] else []
    pre = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
    return _Precedence((int(match[1]), int(match[2]), int(match[3])), not parts, pre)
