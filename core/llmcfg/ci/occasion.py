"""What a forge says of the change that a job is about: read from its variables and its event file, which are arguments here.

Sources: GitHub, "Events that trigger workflows" and "Webhook events and payloads"; GitLab, "Predefined CI/CD variables". Ids of commits are
checked before anything is done with them; what is not one counts as not said.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Forge: TypeAlias = Literal["github", "gitlab", "none"]
_ID: Final = re.compile(r"[0-9a-f]{40}")
_PULL_REQUESTS: Final = frozenset({"pull_request", "pull_request_target", "pull_request_review"})


@dataclass(frozen=True, slots=True)
class Occasion:
    """`source` is the tip of what is proposed; a commit that has it as its second parent is the result of merging it.

    `base` is the commit that the forge names as the one before. `is_exact` says that it is to be compared with as it is; otherwise with the
    commit at which HEAD left it. `branch` is where the change goes, or the main branch. `address` is where people see the repository, and
    `number` that of the pull or merge request.
    """

    forge: Forge = "none"
    base: str | None = None
    is_exact: bool = False
    source: str | None = None
    branch: str | None = None
    address: str = ""
    number: int | None = None
    commit: str | None = None


def occasion_from(variables: Mapping[str, str], event: bytes | None) -> Occasion:
    """`event` is the content of the file that GITHUB_EVENT_PATH names. Raises UsageError when it is no JSON object."""
    if variables.get("GITHUB_ACTIONS") == "true":
        return _github(variables, parse_event(event))
    if variables.get("GITLAB_CI") == "true":
        return _gitlab(variables)
    return Occasion()


def _github(variables: Mapping[str, str], event: Mapping[str, Any]) -> Occasion:
    address = f"{variables.get('GITHUB_SERVER_URL', 'https://github.com')}/{variables.get('GITHUB_REPOSITORY', '')}"
    name = variables.get("GITHUB_EVENT_NAME", "")
    commit = _id(variables.get("GITHUB_SHA"))
    if name in _PULL_REQUESTS:
        pull = _inner(event, "pull_request")
        base, head = _inner(pull, "base"), _inner(pull, "head")
        return Occasion(
            "github",
            base=_id(base.get("sha")),
            source=_id(head.get("sha")),
            branch=_text(base.get("ref")),
            address=address,
            number=_number(pull.get("number")),
            commit=commit,
        )
    main = _text(_inner(event, "repository").get("default_branch"))
    if name == "merge_group":
        group = _inner(event, "merge_group")
        return Occasion("github", _id(group.get("base_sha")), True, branch=main, address=address, commit=commit)
    before = _id(event.get("before")) if name == "push" else None
    return Occasion("github", before, is_exact=True, branch=main, address=address, commit=commit)


def _gitlab(variables: Mapping[str, str]) -> Occasion:
    address = variables.get("CI_PROJECT_URL", "")
    commit = _id(variables.get("CI_COMMIT_SHA"))
    number = variables.get("CI_MERGE_REQUEST_IID", "")
    if number:
        merged = _id(variables.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"))
        return Occasion(
            "gitlab",
            base=merged or _id(variables.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")),
            is_exact=merged is not None,
            source=_id(variables.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")),
            branch=_text(variables.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")),
            address=address,
            number=int(number) if number.isdecimal() else None,
            commit=commit,
        )
    before = _id(variables.get("CI_COMMIT_BEFORE_SHA"))
    main = _text(variables.get("CI_DEFAULT_BRANCH"))
    return Occasion("gitlab", before, is_exact=True, branch=main, address=address, commit=commit)


def parse_event(content: bytes | None) -> Mapping[str, Any]:
    """The event that started a job of GitHub; nothing without one. Raises UsageError when it is no JSON object."""
    if content is None:
        return {}
    try:
        event = json.loads(content)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise UsageError("the file that GITHUB_EVENT_PATH names is no JSON object", hint="name the base: --base REV")
    return event


def _inner(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = mapping.get(key)
    return found if isinstance(found, dict) else {}


def _id(said: object) -> str | None:
    """All zeros stand for no commit."""
    return said if isinstance(said, str) and _ID.fullmatch(said) and set(said) != {"0"} else None


def _text(said: object) -> str | None:
    return said if isinstance(said, str) and said else None


def _number(said: object) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) else None
