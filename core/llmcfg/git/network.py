"""The one place that starts the `git` program, for what goes over a network.

It inherits nothing: no variables but PATH and the SSH agent, no configuration of system, user or foreign repository, no hooks, helpers,
prompts or automatic maintenance. One protocol is permitted, that of the address; redirects are not followed; objects are checked
strictly. Credentials reach it through a pipe, so they are in no argument, variable or file.
"""

from __future__ import annotations

import os
import shlex
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from llmcfg.errors import NotAuthorisedError, RemoteError, UsageError
from llmcfg.git.complaints import error_of
from llmcfg.running import MOST_CREDENTIALS, ask_for_credentials, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from llmcfg.model.settings import Access, Budget
    from llmcfg.running import Ran

_CONFIGURATION: Final = {
    "core.hooksPath": os.devnull,
    "core.askPass": "",
    "core.fsync": "all",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.unpackLimit": "1",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "push.followTags": "false",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
    "transfer.credentialsInUrl": "die",
}
_MOST_OUTPUT: Final = 32 << 20
_HELPER: Final = '!f() {{ test "$1" = get && cat /dev/fd/{pipe}; }}; f'


class GitProgram:
    """`search_path` is where programs are looked for, `agent` the socket of an SSH agent, if there is one."""

    def __init__(self, search_path: str, agent: str = "") -> None:
        self._search_path = search_path
        self._agent = agent

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        access: Access,
        budget: Budget,
        *,
        may_fail: bool = False,
        watch: Callable[[], str] = str,
    ) -> Ran:
        """Run `git ARGUMENTS` in the repository `folder`. Raises what git complains of, as an error that says who can mend it."""
        git = shutil.which("git", path=self._search_path)
        if git is None:
            raise UsageError("there is no git program here, and a remote needs one", hint="install Git 2.34 or newer")
        with self._credentials(access) as pipe:
            settings = _CONFIGURATION | _configuration(access, pipe)
            options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
            try:
                ran = run(
                    [git, *options, *arguments],
                    environment=self._environment(access, folder),
                    folder=folder,
                    seconds=budget.seconds,
                    most_output=_MOST_OUTPUT,
                    watch=watch,
                    pass_files=() if pipe is None else (pipe,),
                )
            except OSError as error:
                raise RemoteError(
                    f"git cannot be started: {error.strerror}", hint="see what limits this user"
                ) from error
        if ran.stopped or (ran.code != 0 and not may_fail):
            raise error_of(ran, access.url, budget)
        return ran

    def _environment(self, access: Access, folder: Path) -> Mapping[str, str]:
        environment = {
            "PATH": self._search_path,
            "HOME": str(folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_DIR": str(folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": access.url.scheme,
            "GIT_NO_REPLACE_OBJECTS": "1",
            "SSH_ASKPASS_REQUIRE": "never",
        }
        if access.url.scheme == "ssh":
            environment["GIT_SSH_COMMAND"] = shlex.join(_ssh(access))
            environment["GIT_SSH_VARIANT"] = "ssh"
            if self._agent and access.ssh_key is None:
                environment["SSH_AUTH_SOCK"] = self._agent
        return environment

    @contextmanager
    def _credentials(self, access: Access) -> Iterator[int | None]:
        """A pipe that holds them, read once by git's credential helper; None where there are none."""
        text = self._read_credentials(access)
        if text is None:
            yield None
            return
        reading, writing = os.pipe()
        try:
            os.write(writing, text)
            os.close(writing)
            yield reading
        finally:
            os.close(reading)

    def _read_credentials(self, access: Access) -> bytes | None:
        if access.credentials_file is not None:
            return parse_credentials(_read_file(access.credentials_file), str(access.credentials_file))
        if not access.credentials_command:
            return None
        environment = {"PATH": self._search_path, "LC_ALL": "C"}
        said = ask_for_credentials(access.credentials_command, environment, hint="see credentials.command")
        return parse_credentials(said, access.credentials_command[0])


def parse_credentials(content: bytes, source: str) -> bytes:
    """What a credential helper of git answers, from that form itself, or from a token alone on its line.

    Raises NotAuthorisedError, without any of the content.
    """
    lines = [line for line in content.decode("utf-8", "replace").split("\n") if line.strip()]
    pairs = dict(line.strip("\r").split("=", 1) for line in lines if "=" in line)
    if len(lines) == 1 and not pairs.keys() & {"username", "password"}:
        pairs = {"password": lines[0].strip()}
    password = pairs.get("password", "")
    user = pairs.get("username", "x-access-token")
    if not password or len(content) > MOST_CREDENTIALS or "\0" in password + user:
        raise NotAuthorisedError(
            f"{source} gives no credentials", hint="it holds a token, or the lines username=… and password=…"
        )
    return f"username={user}\npassword={password}\n".encode()


def _configuration(access: Access, pipe: int | None) -> dict[str, str]:
    settings = {f"protocol.{access.url.scheme}.allow": "always", "http.proxy": access.proxy}
    if access.ca is not None:
        settings["http.sslCAInfo"] = str(access.ca)
    if pipe is not None:
        settings[f"credential.{_origin(access)}.helper"] = _HELPER.format(pipe=pipe)
    return settings


def _origin(access: Access) -> str:
    """Scheme and host of the address: nobody else is given the credentials."""
    scheme, _, rest = access.url.text.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def _ssh(access: Access) -> list[str]:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(access.known_hosts or os.devnull),
        "GlobalKnownHostsFile": os.devnull,
        "UpdateHostKeys": "no",
        "ConnectTimeout": "15",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "ForwardAgent": "no",
        "PermitLocalCommand": "no",
        "ProxyCommand": "none",
    }
    key = ["-i", str(access.ssh_key), "-o", "IdentitiesOnly=yes"] if access.ssh_key else []
    return [
        "ssh",
        "-F",
        os.devnull,
        *key,
        *(part for name, value in options.items() for part in ("-o", f"{name}={value}")),
    ]


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_CREDENTIALS + 1)
    except OSError as error:
        raise NotAuthorisedError(f"cannot read {path}: {error.strerror}", hint="see credentials.file") from None
