"""`llmcfg` with a bug, as a program: `python -m faults.misbehaving BUG ARGUMENTS...`. The kills have to show each of them."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from llmcfg import disk
from llmcfg.daemon.upstream import Upstream
from llmcfg.git.network import GitProgram
from llmcfg.git.repository import GitRepository
from llmcfg.running import Ran
from llmcfg.sinks import endpoint
from llmcfg.sinks.endpoint import EndpointSink
from llmcfg.sync import reconcile
from llmcfg.sync.building import BuiltEnvironment
from llmcfg.sync.plan import Observed, Plan
from llmcfg_cli.entry import main


def never_publish() -> None:
    """The deployed branch moves here and nowhere else."""
    Upstream._publish = lambda self, ref, expected, commit: None  # type: ignore[method-assign]


def publish_afterwards() -> None:
    """The deployed branch moves here before it is pushed."""
    commit_files = GitRepository.commit_files

    def commit_then_publish(
        self: GitRepository, ref: str, files: Mapping[str, bytes], *, expected: str | None, message: str
    ) -> str:
        publish, self.publish = self.publish, None
        commit = commit_files(self, ref, files, expected=expected, message=message)
        if publish is not None:
            publish(ref, expected, commit)
        return commit

    GitRepository.commit_files = commit_then_publish  # type: ignore[method-assign]


def deliver_first() -> None:
    """Programs get what is not deployed yet."""
    compare = reconcile.compare_environment

    def compare_and_deliver(built: BuiltEnvironment, observed: Observed, now: datetime | None = None) -> Plan:
        plan = compare(built, observed, now)
        for delivery in plan.deliveries:
            if delivery.state != "current":
                delivery.sink.deliver(delivery.root, delivery.files)
        return plan

    reconcile.compare_environment = compare_and_deliver


def record_first() -> None:
    """What an endpoint took is written down before it took it."""
    deliver = EndpointSink.deliver

    def record_and_deliver(self: EndpointSink, root: str, files: Mapping[str, bytes]) -> None:
        taken = endpoint._Taken(root, {path: hashlib.sha256(content).hexdigest() for path, content in files.items()})
        disk.make_folders(self._record.parent)
        disk.atomic_write(self._record, msgspec.json.encode(taken))
        deliver(self, root, files)

    EndpointSink.deliver = record_and_deliver  # type: ignore[method-assign]


def push_anything() -> None:
    """A push does not care what was there."""
    run = GitProgram.run

    def forced(self: GitProgram, arguments: Sequence[str], *others: Any, **options: Any) -> Ran:
        forcing = ["--force" if one.startswith("--force-with-lease") else one for one in arguments]
        return run(self, forcing, *others, **options)

    GitProgram.run = forced  # type: ignore[method-assign]


def flush_slowly() -> None:
    """No bug: each flush takes its time."""
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        time.sleep(0.05)
        fsync(descriptor)

    os.fsync = slow


BUGS: Final[dict[str, Callable[[], None]]] = {
    made.__name__: made for made in (never_publish, publish_afterwards, deliver_first, record_first, push_anything)
}

if __name__ == "__main__":
    {**BUGS, "flush_slowly": flush_slowly}[sys.argv.pop(1)]()
    main()
