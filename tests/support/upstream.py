"""A vendor on loopback that speaks enough of OpenAI's and Anthropic's protocols, and remembers what it was asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from support.servers import serving

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


class Asked(NamedTuple):
    """One request as it came in: its path with the query, the key that it carried, its headers in lower case and its body."""

    path: str
    key: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))


class Upstream:
    """Answers with the model that it was asked for. Models in `broken` answer 500, keys in `revoked` 401."""

    def __init__(self) -> None:
        self.address = ""
        self.broken: set[str] = set()
        self.revoked: set[str] = set()
        self._asked: list[Asked] = []
        self._lock = threading.Lock()

    @property
    def asked(self) -> list[Asked]:
        with self._lock:
            return list(self._asked)

    def forget(self) -> None:
        with self._lock:
            self._asked.clear()

    def answer(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self._asked.append(asked)
        if asked.key in self.revoked:
            return 401, {"error": {"message": "this key was revoked", "type": "invalid_request_error"}}
        if asked.model in self.broken:
            return 500, {"error": {"message": f"{asked.model} is down", "type": "server_error"}}
        path = asked.path.partition("?")[0]
        if path.endswith("/messages"):
            return 200, _message(asked)
        if path.endswith("/embeddings"):
            return 200, _embedding(asked)
        if path.endswith("/chat/completions"):
            return 200, _completion(asked)
        return 404, {"error": {"message": f"there is no {path}"}}

    @contextmanager
    def serving(self) -> Iterator[Upstream]:
        upstream = self

        class Endpoint(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                headers = {name.lower(): value for name, value in self.headers.items()}
                key = headers.get("x-api-key") or headers.get("api-key") or headers.get("authorization", "")
                status, content = upstream.answer(Asked(self.path, key.removeprefix("Bearer "), headers, body))
                self._send(status, content)

            def do_GET(self) -> None:
                self._send(200, {"object": "list", "data": []})

            def _send(self, status: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        with serving(Endpoint) as address:
            self.address = address
            yield self


def _completion(asked: Asked) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"{asked.model} answers"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": asked.model,
        "choices": [choice],
        "usage": USAGE,
    }


def _message(asked: Asked) -> dict[str, Any]:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [{"type": "text", "text": f"{asked.model} answers"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


def _embedding(asked: Asked) -> dict[str, Any]:
    vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
    return {"object": "list", "model": asked.model, "data": [vector], "usage": {"prompt_tokens": 3, "total_tokens": 3}}
