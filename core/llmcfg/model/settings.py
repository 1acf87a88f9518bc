"""What the operator of a machine defines for sync, as parsed from the settings file: addresses, keys, programs, budgets.

Paths are absolute here. Secrets are named by the files that hold them and are read when they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

from llmcfg.model.remoteurl import RemoteUrl

Argv = tuple[str, ...]


class Access(NamedTuple):
    """A remote repository and how to get in. Credentials come from the file or from what the program prints."""

    url: RemoteUrl
    credentials_file: Path | None = None
    credentials_command: Argv = ()
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    ca: Path | None = None
    proxy: str = ""


class Budget(NamedTuple):
    """What one exchange with a remote may take: seconds, and bytes that it may add to the disk."""

    seconds: float = 120
    bytes: int = 1 << 30


USUAL_BUDGET: Final = Budget()


@dataclass(frozen=True, slots=True)
class Remote:
    """The configuration's repository. Without `branch`, the one that the remote calls HEAD when it is first seen.

    `signers` is the list of those whose commits and tags are followed; without it, all are.
    """

    access: Access
    branch: str | None = None
    folder: str = ""
    deployed: Literal["remote", "local"] = "remote"
    budget: Budget = USUAL_BUDGET
    signers: Path | None = None


class GitTarget(NamedTuple):
    """A repository that sinks may push to, and the branches there (globs)."""

    name: str
    access: Access
    branches: tuple[str, ...] = ("*",)
    budget: Budget = USUAL_BUDGET


class Endpoint(NamedTuple):
    """Where bundles are posted. `secret_file` holds the key that requests are signed with."""

    name: str
    url: str
    secret_file: Path | None = None
    ca: Path | None = None
    timeout_seconds: float = 10
    give_up_seconds: float = 86_400


class SignalSpec(NamedTuple):
    """How a program is told: a signal to the process that a file names, or a command. Neither is possible too.

    `workers_replaced_within` are the seconds in which the children that the process had at the signal have to be gone; None does not wait.
    """

    pid_file: Path | None = None
    signal: str = "HUP"
    command: Argv = ()
    workers_replaced_within: float | None = None


NO_SIGNAL: Final = SignalSpec()


class ProbeSpec(NamedTuple):
    """How to see that a program is well: an address that answers with 2xx, or a command that ends with 0."""

    url: str = ""
    command: Argv = ()
    seconds: float = 30


@dataclass(frozen=True, slots=True)
class HookSpec:
    """What `after_apply` of a consumer stands for. `{bundle}` in an argument is the folder of the consumer's bundle."""

    name: str
    validate: Argv = ()
    validate_seconds: float = 60
    signal: SignalSpec = NO_SIGNAL
    probe: ProbeSpec | None = None
    show_output: bool = False


class Signing(NamedTuple):
    """Who signs bundles here: files of private keys, and of the root of trust that lets them. Signatures last `days`; 0 is for ever.

    Without `root` it is the newest one that this machine trusts.
    """

    keys: tuple[Path, ...]
    root: Path | None = None
    days: float = 0


class Recording(NamedTuple):
    """How the audit log is kept here. `key` signs its checkpoints, each of which is due after so many entries or seconds."""

    keep_days: int = 365
    key: Path | None = None
    checkpoint_entries: int = 64
    checkpoint_seconds: int = 3600


class Webhook(NamedTuple):
    """Where forges may say that something was pushed. Only a signed request counts."""

    host: str
    port: int
    secret_file: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Without `remote` the local repository is followed. No `environments` are all that the manifest names.

    `trust` is the file of the root of trust; without it, the one that the clone pinned, if it did. Without `audit` acts are recorded where
    somebody began that.
    """

    remote: Remote | None = None
    environments: tuple[str, ...] = ()
    deliver_to: Path | None = None
    state: Path | None = None
    opened: Path | None = None
    poll_seconds: float = 60
    pass_seconds: float = 600
    memory_bytes: int = 4 << 30
    webhook: Webhook | None = None
    signing: Signing | None = None
    trust: Path | None = None
    audit: Recording | None = None
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    repositories: Mapping[str, GitTarget] = field(default_factory=dict)
    hooks: Mapping[str, HookSpec] = field(default_factory=dict)
