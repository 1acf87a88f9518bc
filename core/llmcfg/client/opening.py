"""`open`: from an address to a configuration that keeps itself up to date."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcfg.client.admission import Admission
from llmcfg.client.config import Config
from llmcfg.client.directory import find_directory
from llmcfg.client.following import Follower
from llmcfg.client.lastgood import LastGood
from llmcfg.clock import now
from llmcfg.errors import UsageError
from llmcfg.model.target import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.client.admission import Accept, OpenSecrets
    from llmcfg.client.directory import ReadClaims
    from llmcfg.client.secrets import GivenIdentity
    from llmcfg.client.source import Source
    from llmcfg.client.trust import OnStale, Trust

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+]+):")
_INSTANCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def open(
    address: str | Path,
    *,
    tenant: str | None = None,
    consumer: str | None = None,
    environment: str | None = None,
    identity: GivenIdentity | None = None,
    accept: Accept | None = None,
    state: str | Path | None = None,
    instance: str | None = None,
    follow: bool = True,
    interval: float = 0.05,
    verify: bool = False,
    root: str | Path | None = None,
    on_stale: OnStale = "keep",
) -> Config:
    """The configuration of one consumer.

    `address` is `dir:PATH` or a Path: the folder that a directory sink delivers to, with `consumer` and its `tenant`; or a bundle's folder,
    behind the sink's `current` or as `llmcfg render` writes it. Or it is `unix:PATH`, the socket of the agent of this host, with `consumer`
    and its `tenant`. With `environment`, bundles of any other one are refused.

    `identity` is the consumer's key file, or a function that gives the text of one. With it secrets are opened, in memory alone, and a
    bundle whose secrets do not open is refused. It is asked for whenever sealed files changed.

    `accept` is the program's own check. It gets each Snapshot, and refuses by raising, or by returning False or a reason. What is refused
    is not used, and whoever delivered it sees the reason. `state` is a folder of the program's own, where the last configuration is kept:
    the program starts from it when there is no other, and nothing older takes its place. `instance` names this process in
    acknowledgements. With `follow`, a thread looks for another bundle every `interval` seconds. With `verify`, all of the first bundle is
    read and checked before this returns, and not only what is used.

    `root` is the file of a root of trust, and only bundles that are signed for this consumer, as the root demands, are used: none that is
    older, forged or somebody else's. Newer versions of the root are taken over as they are delivered; with `state`, what was taken stays
    known. What has expired, or is not what the heartbeat of the environment says, may be out of date: with `on_stale="keep"` it is used and
    `trouble` says so, with "stop" every read raises StaleError.

    Raises NotFoundError, IntegrityError or RefusedError when there is no configuration to use, and NotAuthorisedError when the identity
    does not open it.
    """
    if instance is not None and not is_instance(instance):
        raise UsageError(
            f"{instance!r} cannot name an instance", hint="use letters, digits, '.', '_' and '-', at most 128 of them"
        )
    named = process_name if instance is None else lambda: instance
    kept = Path(state) if state is not None else None
    trust = None if root is None else _trust(Path(root), environment, tenant, consumer, kept, on_stale)
    source = find_source(address, tenant, consumer, named, trust)
    follower = Follower(
        source,
        Admission(accept, _opener(source, identity), environment, trust),
        last_good=LastGood(kept) if kept is not None else None,
        instance=named,
        interval=interval,
    )
    config = Config(follower)
    follower.begin(verify=verify)
    if follow:
        follower.start()
    else:
        follower.tell()
    return config


def find_source(
    address: str | Path,
    tenant: str | None,
    consumer: str | None,
    instance: Callable[[], str],
    trust: Trust | None = None,
) -> Source:
    """Raises UsageError for an address of a kind that is not known.

    Who trusts a root reads who signed a plain folder, and has an agent tell of roots that follow.
    """
    read_claims = _claims_reader() if trust is not None else None
    if isinstance(address, Path):
        return find_directory(address, tenant, consumer, read_claims)
    scheme = _SCHEME.match(address)
    if scheme is None:
        raise UsageError(f"{address!r} does not say what it is an address of", hint=f"write dir:{address}")
    path = Path(address[scheme.end() :])
    if scheme[1] == "dir":
        return find_directory(path, tenant, consumer, read_claims)
    if scheme[1] != "unix":
        raise UsageError(
            f"{address!r}: configuration cannot be read from {scheme[1]!r} yet",
            hint="read a directory, dir:/path, or from an agent, unix:/path",
        )
    if consumer is None:
        raise UsageError(f"{address!r} serves many bundles", hint="choose one by consumer and tenant")
    from llmcfg.client.agentsource import AgentSource

    return AgentSource(path, tenant, consumer, instance, (lambda: trust.root.version) if trust is not None else int)


def is_instance(name: str) -> bool:
    """Whether a name can stand for a process among acknowledgements."""
    return _INSTANCE.fullmatch(name) is not None


def _claims_reader() -> ReadClaims:
    from llmcfg.signing.statement import with_claims  # brings the cryptography

    return with_claims


def _trust(
    root: Path, environment: str | None, tenant: str | None, consumer: str | None, state: Path | None, on_stale: OnStale
) -> Trust:
    from llmcfg.client.trust import Trust
    from llmcfg.signing.verdict import Wanted

    folder = f"{tenant or SHARED}/{consumer}" if consumer is not None else None
    return Trust(root, Wanted(environment, folder), state=state, on_stale=on_stale, now=now)


def _opener(source: Source, identity: GivenIdentity | None) -> OpenSecrets | None:
    """Who opens secrets: this program with its own key, else the source, if it does."""
    if identity is None:
        return source.open_secrets
    from llmcfg.client.secrets import Opener  # brings the cryptography

    return Opener(identity)


def process_name() -> str:
    return f"{os.uname().nodename}-{os.getpid()}"
