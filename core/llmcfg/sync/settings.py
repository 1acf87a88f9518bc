"""Reading the settings file of a machine: from YAML to values in which every address and path has been looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.documents.loader import load_document
from llmcfg.errors import LlmcfgError, UsageError
from llmcfg.model.findings import Problem
from llmcfg.model.remoteurl import parse_remote_url
from llmcfg.model.settings import (
    Access,
    Budget,
    Endpoint,
    GitTarget,
    HookSpec,
    ProbeSpec,
    Recording,
    Remote,
    Settings,
    SignalSpec,
    Signing,
    Webhook,
)
from llmcfg.model.snapshot import BlobEntry
from llmcfg.pipeline.locate import Locator
from llmcfg.pipeline.shape import shape_problems, tag_problems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmcfg.model.value import Path as KeyPath

_LISTEN = "127.0.0.1:8713"


def parse_settings(content: bytes, file: Path) -> Settings:
    """The settings in `file`; relative paths in it start at its folder. Raises UsageError with every mistake and its line."""
    document, found = load_document(content)
    problems: list[Problem] = [*found]
    if document is not None and not problems:
        problems = [
            *tag_problems(document.value, "settings"),
            *shape_problems("sync.schema.json", document.value, "settings"),
        ]
    if document is not None and not problems:
        problems = list(_deeper_problems(document.value))
    if document is None or problems:
        raise UsageError(
            f"{file} cannot be used as settings: {_said(problems, content, file)}",
            hint="docs/spec/sync.md has every field",
            code="settings",
        )
    return _settings(document.value, file.resolve().parent)


def _said(problems: list[Problem], content: bytes, file: Path) -> str:
    locator, entry = Locator(lambda _: content), BlobEntry(file.name, "", len(content))
    findings = [locator.in_blob(problem, entry) for problem in problems]
    return "; ".join(f"line {finding.origin.line}: {finding.message}" for finding in findings[:20])


def _deeper_problems(said: dict[str, Any]) -> Iterator[Problem]:
    """What the schema cannot say."""
    remotes: list[tuple[KeyPath, dict[str, Any]]] = [(("remote",), said["remote"])] if "remote" in said else []
    remotes += [(("repositories", name), inner) for name, inner in said.get("repositories", {}).items()]
    for path, remote in remotes:
        try:
            url = parse_remote_url(remote["url"])
        except LlmcfgError as error:
            yield Problem("settings", error.message, path=(*path, "url"), hint=error.hint)
            continue
        if url.scheme == "ssh" and "ssh" not in remote:
            yield Problem("settings", "an SSH remote needs ssh.known_hosts, the file of trusted host keys", path=path,
                          hint="write them with ssh-keyscan, and compare them with what the host's owner says")  # fmt: skip
    trusts = ("trust",) if "trust" in said else ("remote", "signers") if "signers" in said.get("remote", {}) else ()
    if trusts and "remote" in said and said["remote"].get("deployed", "remote") == "remote":
        yield Problem("settings", "deployed branches of a remote are not signed, so whoever can push one decides what runs here",
                      path=trusts, hint="keep them on this machine: deployed: local")  # fmt: skip
    if trusts == ("trust",) and "signers" in said.get("remote", {}):
        yield Problem("settings", "the root of trust says who signs, so a list of signers beside it is never read",
                      path=("remote", "signers"), hint="leave one of the two out")  # fmt: skip
    for path, argv in _commands(said):
        if not argv[0].startswith("/"):
            yield Problem("settings", f"the program {argv[0]!r} is not named by its absolute path", path=path,
                          hint="write where it lies: command -v shows it")  # fmt: skip
    port = int(said.get("webhook", {}).get("listen", _LISTEN).rpartition(":")[2])
    if not 0 <= port < 65536:
        yield Problem("settings", f"there is no port {port}", path=("webhook", "listen"),
                      hint="choose one from 1 to 65535, or 0 for any that is free")  # fmt: skip


def _commands(said: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, list[str]]]:
    for key, inner in said.items() if isinstance(said, dict) else ():
        if key == "command" and isinstance(inner, list):
            yield (*path, key), inner
        yield from _commands(inner, (*path, key))


def _settings(said: dict[str, Any], folder: Path) -> Settings:
    limits = said.get("limits", {})
    return Settings(
        remote=_remote(said["remote"], folder) if "remote" in said else None,
        environments=tuple(said.get("environments", ())),
        deliver_to=_path(said, "deliver_to", folder),
        state=_path(said, "state", folder),
        opened=_path(said, "opened", folder),
        poll_seconds=said.get("poll", 60),
        pass_seconds=limits.get("seconds", 600),
        memory_bytes=limits.get("memory", 4 << 30),
        webhook=_webhook(said["webhook"], folder) if "webhook" in said else None,
        signing=_signing(said["signing"], folder) if "signing" in said else None,
        trust=_path(said, "trust", folder),
        audit=_recording(said["audit"], folder) if "audit" in said else None,
        endpoints={name: _endpoint(name, inner, folder) for name, inner in said.get("endpoints", {}).items()},
        repositories={name: _target(name, inner, folder) for name, inner in said.get("repositories", {}).items()},
        hooks={name: _hook(name, inner, folder) for name, inner in said.get("hooks", {}).items()},
    )


def _remote(said: dict[str, Any], folder: Path) -> Remote:
    return Remote(
        access=_access(said, folder),
        branch=said.get("branch"),
        folder=said.get("folder", ""),
        deployed=said.get("deployed", "remote"),
        budget=_budget(said),
        signers=_path(said, "signers", folder),
    )


def _access(said: dict[str, Any], folder: Path) -> Access:
    credentials, ssh = said.get("credentials", {}), said.get("ssh", {})
    return Access(
        url=parse_remote_url(said["url"]),
        credentials_file=_path(credentials, "file", folder),
        credentials_command=tuple(credentials.get("command", ())),
        ssh_key=_path(ssh, "key", folder),
        known_hosts=_path(ssh, "known_hosts", folder),
        ca=_path(said, "ca", folder),
        proxy=said.get("proxy", ""),
    )


def _budget(said: dict[str, Any]) -> Budget:
    return Budget(**said.get("budget", {}))


def _target(name: str, said: dict[str, Any], folder: Path) -> GitTarget:
    return GitTarget(name, _access(said, folder), tuple(said.get("branches", ("*",))), _budget(said))


def _endpoint(name: str, said: dict[str, Any], folder: Path) -> Endpoint:
    return Endpoint(
        name,
        said["url"],
        _path(said, "secret_file", folder),
        _path(said, "ca", folder),
        said.get("timeout", 10),
        said.get("give_up", 86_400),
    )


def _webhook(said: dict[str, Any], folder: Path) -> Webhook:
    host, _, port = said.get("listen", _LISTEN).rpartition(":")
    return Webhook(host.strip("[]"), int(port), folder / said["secret_file"])


def _signing(said: dict[str, Any], folder: Path) -> Signing:
    return Signing(tuple(folder / key for key in said["keys"]), _path(said, "root", folder), said.get("days", 0))


def _recording(said: dict[str, Any], folder: Path) -> Recording:
    usual, checkpoint = Recording(), said.get("checkpoint", {})
    return Recording(
        said.get("keep_days", usual.keep_days),
        _path(said, "key", folder),
        checkpoint.get("entries", usual.checkpoint_entries),
        checkpoint.get("seconds", usual.checkpoint_seconds),
    )


def _hook(name: str, said: dict[str, Any], folder: Path) -> HookSpec:
    validate, signal, probe = said.get("validate", {}), said.get("signal", {}), said.get("probe")
    return HookSpec(
        name=name,
        validate=tuple(validate.get("command", ())),
        validate_seconds=validate.get("seconds", 60),
        signal=SignalSpec(
            pid_file=_path(signal, "pid_file", folder),
            signal=signal.get("signal", "HUP"),
            command=tuple(signal.get("command", ())),
            workers_replaced_within=signal.get("workers_replaced_within"),
        ),
        probe=None
        if probe is None
        else ProbeSpec(probe.get("url", ""), tuple(probe.get("command", ())), probe.get("seconds", 30)),
        show_output=said.get("show_output", False),
    )


def _path(said: dict[str, Any], key: str, folder: Path) -> Path | None:
    return folder / said[key] if key in said else None
