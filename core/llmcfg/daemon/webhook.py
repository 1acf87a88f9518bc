"""Where forges say that something was pushed. All that a request does is to ask for a pass; nothing of it is followed or parsed further.

It has to be signed with the secret: GitHub and Gitea sign the body, GitLab sends the secret itself or signs like Standard Webhooks,
which also say when, so that a request that was recorded is refused later. Requests are small and short or they are cut off.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.standardwebhooks import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_HEADER: Final = 16 << 10
MOST_BODY: Final = 1 << 20
TOLERANCE_SECONDS: Final = 300
_REQUEST_SECONDS: Final = 10
_END_SECONDS: Final = 1
_MOST_CONNECTIONS: Final = 64
_MOST_REMEMBERED: Final = 4096
_ONCE: Final = ("content-length", "transfer-encoding", "x-hub-", "x-gitea-", "x-gitlab-", "webhook-")
_REASONS: Final = {
    200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 405: "Method Not Allowed", 408: "Request Timeout",
    411: "Length Required", 413: "Content Too Large", 431: "Request Header Fields Too Large", 503: "Service Unavailable",
}  # fmt: skip


class Answer(NamedTuple):
    """`event` is what the forge calls it; empty for what asks for no pass."""

    status: int
    event: str = ""


class Judge:
    """Says whether a request is from somebody who knows the secret. `now` gives seconds since the epoch."""

    def __init__(self, secret: bytes, now: Callable[[], float]) -> None:
        self._secret = secret
        self._now = now
        self._seen: OrderedDict[str, None] = OrderedDict()

    def judge(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """`headers` have lower-case names."""
        if not (self._is_signed(headers, body) or self._has_token(headers) or self._is_standard(headers, body)):
            return Answer(401)
        named = (headers.get(f"x-{forge}-event", "") for forge in ("github", "gitea", "gitlab"))
        event = next((name for name in named if name), "webhook")
        return Answer(200) if event == "ping" else Answer(202, event)

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """GitHub, Gitea and Forgejo: HMAC-SHA256 of the body in hex."""
        wanted = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        given = headers.get("x-hub-signature-256", "").removeprefix("sha256=") or headers.get("x-gitea-signature", "")
        return _is_same(given, wanted)

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        """GitLab: the secret itself."""
        return _is_same(headers.get("x-gitlab-token", ""), self._secret.decode("utf-8", "replace"))

    def _is_standard(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Standard Webhooks, and GitLab's signing tokens: id, time and body are signed; too old, or seen before, is refused."""
        name, when = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not name or len(name) > 256 or not (when.isascii() and when.isdigit() and len(when) < 12):
            return False
        if abs(self._now() - int(when)) > TOLERANCE_SECONDS:
            return False
        wanted = signature(self._secret, name, int(when), body)
        given = headers.get("webhook-signature", "").split(" ")
        return any(_is_same(one, wanted) for one in given[:8]) and self._is_new(name)

    def _is_new(self, name: str) -> bool:
        if name in self._seen:
            return False
        self._seen[name] = None
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return True


class WebhookServer:
    """Listens, and calls `ask` with the forge's word for each request that asks for a pass."""

    def __init__(self, judge: Judge, ask: Callable[[str], None]) -> None:
        self._judge = judge
        self._ask = ask
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """The port that it listens on. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=MOST_HEADER)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            with suppress(TimeoutError):  # newer Pythons wait for who is still connected
                await asyncio.wait_for(self._server.wait_closed(), _END_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            answer = Answer(503)
            if self._open <= _MOST_CONNECTIONS:
                answer = await self._answer(reader)
            reason = _REASONS[answer.status]
            writer.write(
                f"HTTP/1.1 {answer.status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(writer.drain(), _REQUEST_SECONDS)
            if answer.event:
                self._ask(answer.event)
        except ConnectionError:
            pass
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                return await self._read(reader)
        except TimeoutError:
            return Answer(408)
        except asyncio.LimitOverrunError:
            return Answer(431)
        except asyncio.IncompleteReadError:
            return Answer(400)

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        headers = parse_headers(lines)
        if headers is None or not request.endswith((" HTTP/1.1", " HTTP/1.0")):
            return Answer(400)
        if not request.startswith("POST "):
            return Answer(405)
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
            return Answer(411)
        if len(length) > 9 or int(length) > MOST_BODY:
            return Answer(413)
        return self._judge.judge(headers, await reader.readexactly(int(length)))


def parse_headers(lines: list[str]) -> dict[str, str] | None:
    """By lower-case name; None for what is none, or one that counts and is there twice."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name.isascii() or name != name.strip() or (name in headers and name.startswith(_ONCE)):
            return None
        headers.setdefault(name, value.strip())
    return headers


def _is_same(given: str, wanted: str) -> bool:
    return bool(given) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))
