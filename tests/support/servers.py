"""Small servers on loopback: Git over HTTP by `git http-backend`, endpoints that take deliveries, and a TCP relay that misbehaves."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are cut off are what these tests are about."""

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """TLS says when it is over, which clients insist on; few say so themselves."""
        if isinstance(request, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                request.settimeout(0.02)
                request.unwrap()
        super().shutdown_request(request)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a free port of loopback; the address."""
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def git_over_http(
    root: Path, credentials: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[str]]]:
    """The repositories below `root`, as a forge serves them; the address, and what clients sent as Authorization."""
    seen: list[str] = []
    wanted = "Basic " + base64.b64encode(credentials.encode()).decode() if credentials else ""

    class Backend(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            given = self.headers.get("Authorization", "")
            seen.append(given)
            if given != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            body = self._body()
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.receivepack",
                "GIT_CONFIG_VALUE_0": "true",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "REMOTE_USER": credentials.partition(":")[0] or "anybody",
                "REMOTE_ADDR": "127.0.0.1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            }
            done = subprocess.run(
                ["git", "http-backend"], input=body, capture_output=True, env=environment, check=False
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode().split("\r\n")]
            status = next((value for name, _, value in lines if name == "Status"), "200 OK")
            self.send_response(int(status.split()[0]))
            for name, _, value in lines:
                if name and name != "Status":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            return body

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Backend, tls) as address:
        yield address, seen


class Consumer:
    """An endpoint that remembers what it was sent, and answers what it is told to."""

    def __init__(self) -> None:
        self.taken: list[dict[str, object]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.status: Callable[[int], int] = lambda count: 200
        self.answer = b""
        self.extra: dict[str, str] = {}
        self.root = ""
        self.delay = 0.0
        self.count = 0

    def root_of(self, index: int = -1) -> str:
        return str(self.taken[index]["data"]["root"])  # type: ignore[index]

    def files(self) -> dict[str, bytes]:
        listed = self.taken[-1]["data"]["files"]  # type: ignore[index]
        return {file["path"]: file["content"].encode() for file in listed}

    @contextmanager
    def serving(self, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        consumer = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                consumer.count += 1
                time.sleep(consumer.delay)
                status = consumer.status(consumer.count)
                consumer.headers.append(dict(self.headers))
                consumer.bodies.append(body)
                if status == 200:
                    consumer.taken.append(json.loads(body))
                self._answer(status, consumer.answer)

            def do_GET(self) -> None:
                self._answer(
                    200 if consumer.root else 404, b"", {"Llmcfg-Root": consumer.root} if consumer.root else {}
                )

            def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in {**consumer.extra, **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        with serving(Endpoint, tls) as address:
            yield address


@contextmanager
def relay(to: tuple[str, int], change: Callable[[bytes, int], bytes | None], most: int = 1 << 16) -> Iterator[int]:
    """A TCP relay; `change` is given what comes back, `most` bytes at once, and how much came before; None cuts. The port."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)
    done = threading.Event()

    def accept() -> None:
        while not done.is_set():
            try:
                client, _ = listening.accept()
            except TimeoutError:
                continue
            threading.Thread(target=connect, args=(client,), daemon=True).start()

    def connect(client: socket.socket) -> None:
        with client, socket.create_connection(to) as server:
            threading.Thread(target=copy, args=(client, server, None), daemon=True).start()
            copy(server, client, change)

    def copy(source: socket.socket, sink: socket.socket, change: Callable[[bytes, int], bytes | None] | None) -> None:
        count = 0
        try:
            while chunk := source.recv(most):
                changed = change(chunk, count) if change else chunk
                count += len(chunk)
                if changed is None:
                    break
                sink.sendall(changed)
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        done.set()
        thread.join()
        listening.close()


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
