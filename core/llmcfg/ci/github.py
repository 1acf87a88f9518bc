"""The part of GitHub's REST API that a review needs: comments and approvals of a pull request, check runs, and which one a commit is of.

Rules: the token goes into one header of requests to one host and nowhere else: redirects are not followed, no proxy is asked, and
addresses are https, or http on this machine. Answers are read up to a limit. Nothing is tried again: a request that may have been carried
out is not sent twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from llmcfg.ci.web import BUSY, exchange, parse_address, parse_json
from llmcfg.errors import NotAuthorisedError, NotFoundError, RefusedError, RemoteError, UsageError
from llmcfg.limits import FORGE_ANSWER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECONDS: Final = 30
_PAGE: Final = 100
_PAGES: Final = 30


class GitHub:
    """One repository, `owner/name`, as whoever holds the token."""

    def __init__(self, address: str, repository: str, token: str) -> None:
        parts = parse_address(address, "GITHUB_API_URL begins with https://")
        if repository.count("/") != 1:
            raise UsageError(f"{repository!r} is no repository", hint="GITHUB_REPOSITORY is owner/name")
        self._parts = parts
        self._root = f"{parts.path.rstrip('/')}/repos/{quote(repository)}"
        self._token = token

    def comments(self, pull: int) -> Iterator[Mapping[str, Any]]:
        """Of a pull request, oldest first."""
        return self._pages(f"/issues/{pull}/comments")

    def reviews(self, pull: int) -> Iterator[Mapping[str, Any]]:
        """Of a pull request, oldest first. Raises RemoteError where there are more than are read: one may take back an approval."""
        return self._pages(f"/pulls/{pull}/reviews", all_of_them=True)

    def comment(self, pull: int, body: str) -> None:
        self._ask("POST", f"/issues/{pull}/comments", {"body": body})

    def change_comment(self, comment: int, body: str) -> None:
        self._ask("PATCH", f"/issues/comments/{comment}", {"body": body})

    def remove_comment(self, comment: int) -> None:
        self._ask("DELETE", f"/issues/comments/{comment}")

    def add_check(self, commit: str, name: str, conclusion: str, title: str, summary: str) -> None:
        """A finished check run of a commit."""
        self._ask(
            "POST",
            "/check-runs",
            {
                "name": name,
                "head_sha": commit,
                "status": "completed",
                "conclusion": conclusion,
                "output": {"title": title, "summary": summary},
            },
        )

    def open_pulls(self, owner: str, branch: str) -> list[Mapping[str, Any]]:
        """The open pull requests from a branch of an owner, who may have a fork."""
        head = quote(f"{owner}:{branch}", safe="")
        found: list[Mapping[str, Any]] = self._ask("GET", f"/pulls?state=open&per_page={_PAGE}&head={head}")
        return found

    def _pages(self, path: str, *, all_of_them: bool = False) -> Iterator[Mapping[str, Any]]:
        for page in range(1, _PAGES + 1):
            found = self._ask("GET", f"{path}?per_page={_PAGE}&page={page}")
            yield from found
            if len(found) < _PAGE:
                return
        if all_of_them:
            raise RemoteError(f"{path} has more than {_PAGES * _PAGE} entries", hint="open the pull request anew")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        content = json.dumps(body).encode() if body is not None else None
        status, said = exchange(
            self._parts,
            method,
            self._root + path,
            headers=self._headers(),
            body=content,
            seconds=_SECONDS,
            most=FORGE_ANSWER_BYTES,
        )
        if status // 100 != 2:
            raise self._refusal(method, path, status, said)
        if not said:
            return None
        return parse_json(said, f"{self._parts.hostname} answers {method} {path}")

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "llmcfg",
            "Content-Type": "application/json",
        }

    def _refusal(
        self, method: str, path: str, status: int, said: bytes
    ) -> RemoteError | RefusedError | NotAuthorisedError | NotFoundError:
        """GitHub answers 403 for a lack of rights and for too many requests; the message tells them apart."""
        reason = _reason(said)
        what = f"GitHub refuses {method} {path.partition('?')[0]}: {status} {reason}".rstrip()
        if status in BUSY or (status == 403 and "rate limit" in reason.lower()):
            return RemoteError(what, hint="run the job again later")
        if status in (401, 403):
            rights = "`permissions: {pull-requests: write, checks: write}`, or read for --ask-forge"
            hint = f"give the job {rights}; a fork's own job cannot write"
            return NotAuthorisedError(what, hint=hint)
        if status in (404, 410):
            return NotFoundError(what, hint="see whether the pull request is still there, and what the token may read")
        return RefusedError(what)


def _reason(said: bytes) -> str:
    try:
        message = json.loads(said)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return str(message)[:200]
