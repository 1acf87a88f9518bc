"""Posting a review on GitHub: one comment that is kept up to date, and one check for each class of environments.

What is posted was written by another job, which may have run what a fork brought: it is read as text and numbers, within limits, and
decides nothing but what it says. To which pull request it belongs is asked of GitHub and of the event that started this job, never of the
report. A comment from a fork says so, and mentions nobody.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from llmcfg.errors import NotFoundError, UsageError
from llmcfg.limits import REPORT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from llmcfg.ci.github import GitHub

COMMENT_CHARACTERS: Final = 65_536
_SUMMARY_SHOWN: Final = 1000
_FROM_A_FORK: Final = "\n\n_A job without rights wrote this report; what the change brings may have had a hand in it._"
_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


class _Environment(msgspec.Struct, frozen=True):
    name: str
    protected: bool
    errors: int


class _Report(msgspec.Struct, frozen=True):
    """What of diff.json is needed."""

    headline: str
    verdict: str
    environments: list[_Environment]


class Report(NamedTuple):
    """`comment` is empty where there is nothing to say."""

    comment: str
    content: _Report


class Pull(NamedTuple):
    """A pull request and the commit that was proposed. `is_foreign`: the report may have been written by what a fork brought."""

    number: int
    head: str
    is_foreign: bool


def read_report(folder: Path) -> Report:
    """Raises UsageError when the folder does not hold what `llmcfg ci --out` writes."""
    comment, content = (_read(folder / name) for name in ("comment.md", "diff.json"))
    try:
        return Report(comment.decode("utf-8", "replace"), msgspec.json.decode(content, type=_Report))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(
            f"{folder / 'diff.json'} is no report: {error}", hint="llmcfg ci --out DIR writes one"
        ) from None


def pull_of(event: Mapping[str, Any], github: GitHub) -> Pull:
    """The pull request that the event of this job is about. Raises NotFoundError when it is about none that is open."""
    pull = event.get("pull_request")
    if isinstance(pull, dict):
        return Pull(int(pull["number"]), _commit(pull["head"]["sha"]), is_foreign=False)
    run = event.get("workflow_run")
    if not isinstance(run, dict):
        raise UsageError("this job is not about a pull request", hint="run it on pull_request or workflow_run")
    head = _commit(run["head_sha"])
    owner = str(run["head_repository"]["owner"]["login"])
    for found in github.open_pulls(owner, str(run["head_branch"])):
        if found["head"]["sha"] == head:
            return Pull(int(found["number"]), head, is_foreign=True)
    raise NotFoundError(
        f"no open pull request is at {head[:10]}", hint="it was closed, or has newer commits: nothing to do"
    )


def post_comment(github: GitHub, pull: Pull, text: str, key: str) -> str:
    """Keeps one comment of ours as it should be; what was done. `key` tells the comments of several configurations apart."""
    if not _KEY.fullmatch(key):
        raise UsageError(f"{key!r} cannot mark a comment", hint="letters, digits, '.', '_' and '-', at most 64")
    mark = f"<!-- llmcfg:ci:{key} -->"
    said = _foreign(text) if pull.is_foreign else text
    body = f"{_within(said, COMMENT_CHARACTERS - len(mark) - 1)}\n{mark}" if text.strip() else ""
    ours = [comment for comment in github.comments(pull.number) if _is_ours(comment, mark)]
    for more in ours[1:] if body else ours:
        github.remove_comment(int(more["id"]))
    if not body:
        return "removed" if ours else "nothing to say"
    if not ours:
        github.comment(pull.number, body)
        return "posted"
    if ours[0]["body"].replace("\r\n", "\n").rstrip() == body.rstrip():
        return "is the same"
    github.change_comment(int(ours[0]["id"]), body)
    return "changed"


def post_checks(github: GitHub, pull: Pull, report: Report, name: str) -> Sequence[str]:
    """One for protected environments and one for the others; their conclusions. Raises UsageError for a report that may be a fork's."""
    if pull.is_foreign:
        raise UsageError(
            "a check decides about merging, and a fork may have written this report", hint="leave out --checks"
        )
    classes = (("protected environments", True), ("other environments", False))
    said = []
    for words, is_protected in classes:
        reached = [one for one in report.content.environments if one.protected is is_protected]
        errors = sum(one.errors for one in reached)
        fails = bool(errors) or (report.content.verdict != "pass" and is_protected)
        conclusion = "neutral" if not reached else "failure" if fails else "success"
        title = f"{len(reached)} environments, {errors} errors"
        github.add_check(pull.head, f"{name} ({words})", conclusion, title, _plain(report.content.headline))
        said.append(f"{words}: {conclusion}")
    return said


def _is_ours(comment: Mapping[str, Any], mark: str) -> bool:
    """Written by an app, as a job is, and marked at its end: a person's comment with our mark is not taken over."""
    author = comment.get("user") or {}
    return author.get("type") == "Bot" and str(comment.get("body") or "").rstrip().endswith(mark)


def _foreign(text: str) -> str:
    """With word joiners behind every `@`, so that nobody is called."""
    room = COMMENT_CHARACTERS - len(_FROM_A_FORK) - 256
    return _within(text.replace("@", "@\u2060"), room) + _FROM_A_FORK


def _within(text: str, limit: int) -> str:
    """A report that was written by `llmcfg ci` is never too long."""
    return text.rstrip() if len(text) <= limit else text[: limit - 2] + "\n…"


def _plain(text: str) -> str:
    """As a block of code, on one line."""
    return "    " + " ".join(text.split())[:_SUMMARY_SHOWN]


def _read(file: Path) -> bytes:
    """Of a regular file: a symbolic link in what a fork made could lead to the token in our own environment."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise UsageError(f"{file} is no regular file", hint="llmcfg ci --out DIR writes it")
            content = opened.read(REPORT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", hint="llmcfg ci --out DIR writes it") from None
    if len(content) > REPORT_BYTES:
        raise UsageError(f"{file} is larger than {REPORT_BYTES >> 20} MiB", hint="llmcfg ci did not write it")
    return content


def _commit(said: object) -> str:
    if not isinstance(said, str) or not _COMMIT.fullmatch(said):
        raise UsageError("the event of this job names no commit", hint="run it on pull_request or workflow_run")
    return said
