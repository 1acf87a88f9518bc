"""The http sink: new bundles are posted to a program, signed as Standard Webhooks has it.

    POST <url>   webhook-id, webhook-timestamp, webhook-signature; a JSON body of type llmcfg.delivery (docs/spec/sync.md)
    2xx          it took them. What was taken is written down here, and is what `observe` answers
    4xx          it refuses exactly this; the JSON field `reason` of its answer is told
    429, 503     it is busy, for as long as Retry-After says
    GET <url>    a header Llmcfg-Root in its answer says what it really holds; a program need not have that

TLS is verified, redirects are not followed, no proxy is asked. An attempt has one deadline for everything.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
import threading
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from llmcfg.disk import atomic_write, make_folders, storage_errors
from llmcfg.errors import LlmcfgError, NotAuthorisedError, RefusedError, RemoteError, UsageError
from llmcfg.failpoints import failpoint
from llmcfg.limits import DELIVERY_BYTES
from llmcfg.model.standardwebhooks import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from llmcfg.model.settings import Endpoint

_ROOT_HEADER: Final = "Llmcfg-Root"
_MOST_ANSWER: Final = 64 << 10
_LONGEST_WAIT: Final = 3600.0
_BUSY: Final = (408, 425, 429, 503)


class _Taken(msgspec.Struct, frozen=True):
    """What the endpoint took last."""

    root: str
    files: dict[str, str]


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # by lower-case name
    body: bytes


class EndpointSink:
    """One endpoint, for one environment. `records` is a folder of ours, `now` the wall clock."""

    def __init__(self, endpoint: Endpoint, environment: str, records: Path, now: Callable[[], datetime]) -> None:
        self._endpoint = endpoint
        self._environment = environment
        self._record = records / f"{environment}.{endpoint.name}.json"
        self._now = now

    @property
    def name(self) -> str:
        return f"http {self._endpoint.name}"

    @property
    def folder(self) -> None:
        return None

    def observe(self) -> Mapping[str, str] | None:
        taken = self._taken()
        if taken is None:
            return None
        said = self._asked_root()
        return taken.files if said in ("", taken.root) else {_ROOT_HEADER: said}

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        """Raises RemoteError, RefusedError, NotAuthorisedError, UsageError, StorageError."""
        body = self._body(root, files)
        if len(body) > DELIVERY_BYTES:
            raise UsageError(
                f"{self.name}: {len(body):,} bytes are more than {DELIVERY_BYTES:,}", hint="select less for it"
            )
        failpoint("endpoint.before_post")
        answer = self._exchange("POST", body, root)
        if not 200 <= answer.status < 300:
            raise self._error(answer)
        failpoint("endpoint.after_post")
        taken = _Taken(root, {path: hashlib.sha256(content).hexdigest() for path, content in files.items()})
        with storage_errors("write to", self._record.parent):
            make_folders(self._record.parent, mode=0o700)
        atomic_write(self._record, msgspec.json.encode(taken), mode=0o600)

    def delivered(self) -> str | None:
        taken = self._taken()
        return taken.root if taken else None

    def _taken(self) -> _Taken | None:
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=_Taken)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _asked_root(self) -> str:
        """What the endpoint says that it holds; empty when it does not say."""
        try:
            answer = self._exchange("GET", b"", "observe")
        except LlmcfgError:
            return ""
        return answer.headers.get(_ROOT_HEADER.lower(), "") if answer.status == 200 else ""

    def _body(self, root: str, files: Mapping[str, bytes]) -> bytes:
        payload: dict[str, Any] = {
            "type": "llmcfg.delivery",
            "timestamp": self._now().isoformat(timespec="seconds"),
            "data": {"environment": self._environment, "root": root, "files": [_file(*item) for item in files.items()]},
        }
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()

    def _exchange(self, method: str, body: bytes, root: str) -> _Answer:
        headers = {"Content-Type": "application/json", "User-Agent": "llmcfg", "Connection": "close"}
        headers |= self._signed(body, root)
        path = urlsplit(self._endpoint.url)
        target = f"{path.path or '/'}{f'?{path.query}' if path.query else ''}"
        with self._connection() as connection:
            connection.request(method, target, body or None, headers)
            response = connection.getresponse()
            said = {name.lower(): value for name, value in response.getheaders()}
            return _Answer(response.status, said, response.read(_MOST_ANSWER))

    def _signed(self, body: bytes, root: str) -> dict[str, str]:
        """The id is the same for every attempt at one delivery, so that who got it twice can tell."""
        name = "msg_" + hashlib.sha256(f"{self._endpoint.name} {self._environment} {root}".encode()).hexdigest()[:32]
        seconds = int(self._now().timestamp())
        headers = {"webhook-id": name, "webhook-timestamp": str(seconds)}
        if self._endpoint.secret_file is not None:
            try:
                secret = self._endpoint.secret_file.read_bytes().strip()
            except OSError as error:
                file = self._endpoint.secret_file
                raise NotAuthorisedError(f"cannot read {file}: {error.strerror}", hint="see secret_file") from None
            headers["webhook-signature"] = signature(secret, name, seconds, body)
        return headers

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """A connection that is shut after the deadline, whatever it does. Failures become errors of ours."""
        connection = _connect(self._endpoint)
        late = threading.Event()
        timer = threading.Timer(self._endpoint.timeout_seconds, _shut, [connection, late])
        timer.daemon = True
        timer.start()
        try:
            yield connection
        except ssl.SSLCertVerificationError as error:
            raise NotAuthorisedError(
                f"{self.name} has no certificate that is trusted: {error.verify_message}",
                hint="see ca of the endpoint",
                code="endpoint-certificate",
            ) from None
        except (OSError, http.client.HTTPException, AttributeError) as error:
            why = f"did not answer within {self._endpoint.timeout_seconds:g} s" if late.is_set() else _reason(error)
            raise RemoteError(f"{self.name} {why}", hint="see whether it runs", code="endpoint-unreachable") from None
        finally:
            timer.cancel()
            connection.close()

    def _error(self, answer: _Answer) -> LlmcfgError:
        what = f"{self.name} answers {answer.status}"
        if answer.status in _BUSY:
            return RemoteError(what, hint="it is asked again", code="endpoint-busy", wait_seconds=self._wait(answer))
        if answer.status >= 500:
            return RemoteError(what, hint="see its log", code="endpoint-failed")
        if answer.status >= 400:
            return RefusedError(f"{what}: {_why(answer.body)}", hint="see its log, then: llmcfg sync redeliver")
        return RefusedError(f"{what}, which is not followed", hint="write its new address into the settings")

    def _wait(self, answer: _Answer) -> float | None:
        said = answer.headers.get("retry-after", "")
        if said.isascii() and said.isdigit() and len(said) < 8:
            return min(float(said), _LONGEST_WAIT)
        with suppress(ValueError, TypeError):
            seconds = (parsedate_to_datetime(said) - self._now()).total_seconds()
            return min(max(seconds, 0.0), _LONGEST_WAIT)
        return None


def _connect(endpoint: Endpoint) -> http.client.HTTPConnection:
    url = urlsplit(endpoint.url)
    host = url.hostname or ""
    if url.scheme == "http":
        return http.client.HTTPConnection(host, url.port, timeout=endpoint.timeout_seconds)
    trusted = ssl.create_default_context(cafile=str(endpoint.ca) if endpoint.ca else None)
    return http.client.HTTPSConnection(host, url.port, timeout=endpoint.timeout_seconds, context=trusted)


def _shut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    late.set()
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(2)


def _file(path: str, content: bytes) -> dict[str, str]:
    try:
        return {"path": path, "encoding": "utf-8", "content": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"path": path, "encoding": "base64", "content": base64.b64encode(content).decode()}


def _why(body: bytes) -> str:
    """Its reason, if it gives one as `{"reason": "…"}`. Nothing else of the answer is shown: it may hold what was sent."""
    with suppress(ValueError, RecursionError):
        said = json.loads(body)
        if isinstance(said, dict) and isinstance(said.get("reason"), str):
            return "".join(char if char.isprintable() else " " for char in said["reason"])[:200]
    return "it refuses this delivery"


def _reason(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"cannot be reached: {reason}"
