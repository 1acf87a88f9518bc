"""What git complains of on stderr, as errors that say who can mend it. Its words are those of LC_ALL=C, and are stable over years.

Nothing else of what the other side says is trusted; it is shown without control characters and cut.
A status of HTTP is told from other numbers by what stands before and after it: "error: 3044 bytes of body are still expected" is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import IntegrityError, LlmcfgError, NotAuthorisedError, RemoteError, UsageError

if TYPE_CHECKING:
    from llmcfg.model.remoteurl import RemoteUrl
    from llmcfg.model.settings import Budget
    from llmcfg.running import Ran

TOO_LARGE: Final = "size"
_SHOWN: Final = 300
_TELLING: Final = re.compile(
    r"(?:fatal|error|remote|ssh):|!|.*(?:host key is known|host key for .* has changed|permission denied)",
    re.IGNORECASE,
)


class _Complaint(NamedTuple):
    words: re.Pattern[str]
    kind: type[LlmcfgError]
    code: str
    what: str
    hint: str


_COMPLAINTS: Final = tuple(
    _Complaint(re.compile("|".join(words), re.IGNORECASE), kind, code, what, hint)
    for words, kind, code, what, hint in (
        (
            ("host key verification failed", "host key for .* has changed"),
            NotAuthorisedError, "remote-host-key", "does not have the host key that is trusted",
            "put the key that its operator publishes into the file of ssh.known_hosts",
        ),
        (
            ("certificate verification failed", "certificate problem", "certificate subject name", "does not match target host",
             "certificate has expired", "certificate verify locations", "problem with the ssl ca cert"),
            NotAuthorisedError, "remote-certificate", "has no certificate that is trusted",
            "if it is the right server, name its authority with ca in the settings",
        ),
        (
            ("dubious ownership",),
            NotAuthorisedError, "remote-refused", "belongs to another user", "run as its owner, or reach it by ssh",
        ),
        (
            ("authentication failed", "could not read (?:username|password)", "terminal prompts disabled", "permission denied",
             r"returned error: 40[13]\b", "invalid credentials"),
            NotAuthorisedError, "remote-refused", "does not let us in", "see credentials or ssh in the settings",
        ),
        (
            (r"returned error: 30[1-8]\b", "unable to update url base from redirection"),
            UsageError, "remote-redirect", "sends us elsewhere, which is not followed", "write its new address into the settings",
        ),
        (
            ("transport '.*' not allowed",),
            UsageError, "url", "wants another protocol", "see the address in the settings",
        ),
        (
            ("fsck error", "error in object", "in the object"),
            IntegrityError, "remote-damaged", "sends objects that Git itself would not write", "run git fsck --strict there",
        ),
        (
            ("does not appear to be a git repository", "repository .* not found", r"returned error: 404\b", "no such file or directory"),
            RemoteError, "remote-missing", "is no repository", "see its address, and whether it is there",
        ),
        (
            ("couldn't find remote ref", "not our ref", "remote did not send all necessary objects", "did not receive expected object",
             "missing (?:blob|tree|commit)", "bad object"),
            RemoteError, "remote-lies", "does not have what it announced", "the next pass asks it again",
        ),
        (
            ("early eof", "unexpected disconnect", "inflate", "index-pack failed", "invalid index-pack", "bad pack", "pack .* corrupt",
             "sha1 mismatch", "protocol error", "remote end hung up", "bytes of body are still expected"),
            RemoteError, "remote-cut", "broke off, or what it sent was changed on the way", "the next pass asks it again",
        ),
        (
            ("no space left", "disk quota", "file too large"),
            RemoteError, "storage", "has sent more than the disk here holds", "make room",
        ),
    )
)  # fmt: skip


def error_of(ran: Ran, url: RemoteUrl, budget: Budget) -> LlmcfgError:
    """The error for a git that failed or was stopped."""
    if ran.stopped == TOO_LARGE:
        return RemoteError(
            f"{url} sends more than {budget.bytes:,} bytes",
            hint="raise budget.bytes in the settings if that is right",
            code="remote-too-large",
        )
    if ran.stopped == "output":
        return RemoteError(
            f"{url} has too much to say", hint="see it by hand: git ls-remote", code="remote-too-many-refs"
        )
    if ran.stopped:
        return RemoteError(
            f"{url} did not come to an end within {budget.seconds:g} s",
            hint="raise budget.seconds in the settings if that is right",
            code="remote-timeout",
        )
    said = ran.err.decode("utf-8", "replace")
    found = next((row for row in _COMPLAINTS if row.words.search(said)), None)
    if found is None:
        return RemoteError(
            f"{url} cannot be reached: {shown(said)}", hint="see network and address", code="remote-unreachable"
        )
    return found.kind(f"{url} {found.what}: {shown(said)}", hint=found.hint, code=found.code)


def shown(said: str) -> str:
    """The lines that tell something, as one line of printable characters."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", said)]
    telling = [line for line in lines if _TELLING.match(line)] or lines[-3:]
    text = "; ".join(line for line in telling if line)
    return "".join(char if char.isprintable() else " " for char in text)[:_SHOWN] or "git says nothing"
