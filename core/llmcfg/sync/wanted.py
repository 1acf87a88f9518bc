"""Which revision an environment should run: what its manifest entry tracks, else HEAD."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from llmcfg.errors import NotFoundError, UnknownRevisionError
from llmcfg.model.snapshot import Revision
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.model.manifest import Environment
    from llmcfg.ports import Repository

_SEMVER = regex(r"(?:.*?[-/])?v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)


def wanted_revision(repository: Repository, environment: Environment) -> Revision:
    """Raises UnknownRevisionError when what it tracks is not in this clone, NotFoundError in a repository without commits."""
    track = environment.track
    if track.revision is not None:
        return repository.resolve(track.revision)
    if track.branch is not None:
        commit = repository.read_ref(f"refs/heads/{track.branch}") or repository.read_ref(
            f"refs/remotes/origin/{track.branch}"
        )
        if commit is None:
            raise UnknownRevisionError(
                f"{environment.name} tracks the branch {track.branch!r}, which is not here",
                hint=f"fetch it: git fetch origin {track.branch}, or name a revision with --at",
            )
        return Revision(commit, track.branch)
    if track.tag is not None:
        tags = repository.tags()
        tag = newest_tag(tags, track.tag)
        if tag is None:
            raise UnknownRevisionError(
                f"{environment.name} tracks version tags like {track.tag!r}, and there is none",
                hint="make one: llmcfg tag v1.0.0, or fetch them: git fetch --tags",
            )
        return Revision(tags[tag], tag)
    head = repository.head()
    if head is None:
        raise NotFoundError(
            "the repository has no commit yet", hint="commit the configuration: git add . && git commit"
        )
    return head


def newest_tag(tags: Mapping[str, str], pattern: str) -> str | None:
    """The highest of the matching tags that hold a version, in SemVer order: pre-releases come before their release (item 11)."""
    return next(iter(versions(tags, pattern)), None)


def versions(tags: Iterable[str], pattern: str) -> list[str]:
    """The matching tags that hold a version, the highest first."""
    matching = [(key, name) for name in tags if fnmatchcase(name, pattern) and (key := _semver_key(name)) is not None]
    return [name for _, name in sorted(matching, reverse=True)]


def _semver_key(name: str) -> tuple[int, int, int, bool, list[tuple[bool, int, str]]] | None:
    match = _SEMVER.fullmatch(name)
    if match is None:
        return None
    pre = (
        [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in match[4].split(".")]
        if match[4]
        else []
    )
    return int(match[1]), int(match[2]), int(match[3]), not pre, pre
