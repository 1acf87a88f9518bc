"""One exchange over HTTP, as strict as what carries a token has to be.

Rules: addresses are https, or http on this machine. Redirects are not followed, no proxy is asked, nothing is tried again, and answers are
read up to a limit.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from llmcfg.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
"""What a forge answers that has no time now."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Answered(NamedTuple):
    status: int
    body: bytes


def parse_address(address: str, hint: str) -> SplitResult:
    """Raises UsageError for one that a token must not be sent to."""
    try:
        parts = urlsplit(address)
        is_safe = parts.port != 0 and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        )
    except ValueError:
        raise UsageError(f"{address} is no address", hint=hint) from None
    if not is_safe or not parts.hostname or parts.username is not None:
        raise UsageError(f"{address} is no address that a token may be sent to", hint=hint)
    return parts


def exchange(
    to: SplitResult,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    seconds: float,
    most: int,
) -> Answered:
    """`seconds` is how long either side may be silent. Raises RemoteError when nobody answers, or with more than `most` bytes."""
    make = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
    connection = make(to.hostname or "", to.port, timeout=seconds)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        said = answer.read(most + 1)
    except (OSError, http.client.HTTPException) as error:
        raise RemoteError(f"{to.hostname} does not answer: {error}", hint="run the job again") from None
    finally:
        connection.close()
    if len(said) > most:
        raise RemoteError(f"{to.hostname} answers with more than {most >> 20} MiB")
    return Answered(answer.status, said)


def parse_json(said: bytes, what: str) -> Any:
    """`what` is who answers which question. Raises RemoteError for what is no JSON."""
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        raise RemoteError(f"{what} with something that is no JSON") from None
