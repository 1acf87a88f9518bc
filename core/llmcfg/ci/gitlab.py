"""The part of GitLab's REST API that a review needs: who proposes a merge request, at which commit, and who approved it.

Sources: GitLab, "Merge requests API" and "Merge request approvals API". The token goes into one header of requests to one host; the rules
of `ci.web` hold. A job's own token may not read approvals, so it is one of the project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from llmcfg.ci.web import BUSY, exchange, parse_address, parse_json
from llmcfg.errors import NotAuthorisedError, NotFoundError, RefusedError, RemoteError
from llmcfg.limits import FORGE_ANSWER_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS: Final = 30


class GitLab:
    """One project, by its number or `group/name`, as whoever holds the token."""

    def __init__(self, address: str, project: str, token: str) -> None:
        self._parts = parse_address(address, "CI_API_V4_URL begins with https://")
        self._root = f"{self._parts.path.rstrip('/')}/projects/{quote(project, safe='')}"
        self._token = token

    def merge_request(self, number: int) -> Mapping[str, Any]:
        return self._ask(f"/merge_requests/{number}")

    def approvals(self, number: int) -> Mapping[str, Any]:
        return self._ask(f"/merge_requests/{number}/approvals")

    def _ask(self, path: str) -> Mapping[str, Any]:
        headers = {"PRIVATE-TOKEN": self._token, "User-Agent": "llmcfg", "Accept": "application/json"}
        status, said = exchange(
            self._parts, "GET", self._root + path, headers=headers, seconds=_SECONDS, most=FORGE_ANSWER_BYTES
        )
        what = f"GitLab answers GET {path}"
        if status in BUSY:
            raise RemoteError(f"{what} with {status}", hint="run the job again later")
        if status in (401, 403):
            raise NotAuthorisedError(f"{what} with {status}", hint="GITLAB_TOKEN is a token with the scope read_api")
        if status == 404:
            raise NotFoundError(f"{what} with {status}", hint="see which project the token may read")
        if status != 200:
            raise RefusedError(f"{what} with {status}")
        found = parse_json(said, what)
        if not isinstance(found, dict):
            raise RemoteError(f"{what} with something else than an object")
        return found
