"""Addresses of remote repositories, held to a few plain forms before any program sees them.

Known are an absolute path or `file:///…`, `https://…`, `ssh://…` and `user@host:path`; `http://` for this machine alone. Git itself
takes more: `ext::` runs a program, and what begins with a hyphen can become an option of one.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from llmcfg.errors import UsageError

Scheme = Literal["file", "https", "http", "ssh"]

_MOST_CHARACTERS: Final = 2048
_HOST: Final = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])"
_USER: Final = r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9._+-]*)@)?"
_PLAIN: Final = r"[A-Za-z0-9._~!$&'()*+,;=@%/-]"
_URL: Final = re.compile(rf"(?P<scheme>https?|ssh)://{_USER}{_HOST}(?::(?P<port>[0-9]{{1,5}}))?(?P<path>/{_PLAIN}+)")
_SCP: Final = re.compile(rf"{_USER}{_HOST}:(?P<path>[A-Za-z0-9._~/][A-Za-z0-9._~+/-]*)")
_OWN_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


class RemoteUrl(NamedTuple):
    """`text` is what git is given; `folder` the folder of a repository on this machine, else empty."""

    scheme: Scheme
    text: str
    host: str = ""
    folder: str = ""

    def __str__(self) -> str:
        return self.text


def parse_remote_url(text: str) -> RemoteUrl:
    """Raises UsageError (code `url`) for everything but the forms above; nothing of a refused address is shown that may be a password."""
    if not text or len(text) > _MOST_CHARACTERS:
        raise _refused("it is empty" if not text else f"it has more than {_MOST_CHARACTERS} characters")
    if text.startswith("file://"):
        return _local(text.removeprefix("file://"))
    if text.startswith("/"):
        return _local(text)
    if re.match(r"[a-z]+://[^/@]*:[^/@]*@", text):
        raise _refused("it holds a password", hint="put it into a file and name that with credentials")
    match = _URL.fullmatch(text)
    if match:
        return _network(text, match)
    match = _SCP.fullmatch(text)
    if match and "::" not in text and "://" not in text:
        return RemoteUrl("ssh", text, match["host"])
    raise _refused(f"{text[:100]!r} has none of the known forms")


def _network(text: str, match: re.Match[str]) -> RemoteUrl:
    if match["port"] and not 0 < int(match["port"]) < 65536:
        raise _refused(f"there is no port {match['port']}")
    if match["scheme"] == "http":
        if match["host"] not in _OWN_HOSTS:
            raise _refused("http:// is for this machine alone, since anybody on the way could change what it brings")
        return RemoteUrl("http", text, match["host"])
    return RemoteUrl("ssh" if match["scheme"] == "ssh" else "https", text, match["host"])


def _local(path: str) -> RemoteUrl:
    if not path.startswith("/") or not path.isprintable() or ".." in path.split("/"):
        raise _refused(f"{path[:100]!r} is no absolute path without '..'")
    return RemoteUrl("file", path, folder=path)


def _refused(why: str, *, hint: str = "") -> UsageError:
    known = "write /srv/config.git, https://host/config.git, ssh://git@host/config.git or git@host:config.git"
    return UsageError(f"this address of a repository is refused: {why}", hint=hint or known, code="url")
