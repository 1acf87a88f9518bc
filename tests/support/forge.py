"""GitHub's REST API as far as posting a review asks it, on this machine: what is posted is kept, and everything asked is written down.

Shapes are those of the answers of api.github.com (REST API version 2022-11-28), cut to the fields around those that are read.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_stub"
BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot", "site_admin": False}
PERSON = {"login": "mallory", "id": 7, "type": "User", "site_admin": False}


class Forge:
    """`refuse` answers every request with this status and message."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self.pulls: list[dict[str, Any]] = []
        self.reviews: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.refuse: tuple[int, dict[str, str]] | None = None
        self.address = ""

    def add_comment(self, body: str, user: dict[str, Any] = BOT) -> dict[str, Any]:
        comment = {
            "id": 1000 + len(self.asked) + len(self.comments),
            "node_id": "IC_kw",
            "user": user,
            "body": body,
            "created_at": "2026-01-05T09:00:00Z",
            "author_association": "NONE",
        }
        self.comments.append(comment)
        return comment

    def review(self, login: str, state: str, commit: str) -> None:
        user = {"login": login, "id": len(self.reviews), "type": "User", "site_admin": False}
        self.reviews.append(
            {"id": 80 + len(self.reviews), "user": user, "body": "", "state": state, "commit_id": commit}
        )

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix("/api/v3/repos/o/r")
        self.asked.append(f"{method} {path}")
        if self.refuse:
            return self.refuse[0], self.refuse[1]
        one = re.fullmatch(r"/issues/comments/(\d+)", path)
        if one:
            return self._one_comment(method, int(one[1]), body)
        match method, path:
            case "GET", "/issues/7/comments" | "/pulls/7/reviews":
                start, size = (int(query["page"]) - 1) * int(query["per_page"]), int(query["per_page"])
                return 200, (self.comments if "comments" in path else self.reviews)[start : start + size]
            case "POST", "/issues/7/comments":
                return 201, self.add_comment(body["body"])
            case "POST", "/check-runs":
                self.checks.append(body)
                return 201, {"id": len(self.checks), **body}
            case "GET", "/pulls":
                return 200, [pull for pull in self.pulls if pull["head"]["label"] == query["head"]]
        return 404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}

    def _one_comment(self, method: str, number: int, body: Any) -> tuple[int, Any]:
        found = next((comment for comment in self.comments if comment["id"] == number), None)
        if found is None or found["user"] is not BOT:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "DELETE":
            self.comments.remove(found)
            return 204, None
        found["body"] = body["body"].replace("\n", "\r\n")  # as it comes back from the web
        return 200, found

    @contextmanager
    def serving(self) -> Iterator[Forge]:
        with served(self.answer, "Authorization", f"Bearer {TOKEN}") as address:
            self.address = f"{address}/api/v3"
            yield self


class GitLabForge:
    """GitLab's REST API (v4) as far as it says who proposes merge request 7 and who approved it, by its documented shapes."""

    def __init__(self, author: str, sha: str, *approved_by: str) -> None:
        self.request = {
            "id": 90,
            "iid": 7,
            "project_id": 12,
            "state": "opened",
            "sha": sha,
            "author": _gitlab_user(author),
        }
        self.approved_by = [{"user": _gitlab_user(name), "approved_at": "2026-01-05T09:00:00Z"} for name in approved_by]
        self.asked: list[str] = []
        self.status = 200
        self.address = ""

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        self.asked.append(f"{method} {target}")
        if self.status != 200:
            return self.status, {"message": f"{self.status} Forbidden"}
        match target:
            case "/api/v4/projects/12/merge_requests/7":
                return 200, self.request
            case "/api/v4/projects/12/merge_requests/7/approvals":
                return 200, {"id": 90, "iid": 7, "approvals_left": 0, "approved_by": self.approved_by}
        return 404, {"message": "404 Not found"}

    @contextmanager
    def serving(self) -> Iterator[GitLabForge]:
        with served(self.answer, "PRIVATE-TOKEN", TOKEN) as address:
            self.address = f"{address}/api/v4"
            yield self


def _gitlab_user(name: str) -> dict[str, Any]:
    return {"id": len(name), "username": name, "name": name.title(), "state": "active"}


@contextmanager
def served(answer: Callable[[str, str, Any], tuple[int, Any]], header: str, token: str) -> Iterator[str]:
    """The address at which `answer` is asked by everybody whose `header` holds the token."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers.get(header) != token:
                status, said = 401, {"message": "Bad credentials"}
            else:
                status, said = answer(self.command, self.path, body)
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
