"""A sink whose trouble stays its own: what goes wrong while it is opened or looked at is raised when it is delivered to.

So one sink that is not defined here, or does not answer, keeps no other from being looked after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import LlmcfgError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmcfg.model.manifest import SinkSpec
    from llmcfg.ports import Sink
    from llmcfg.sync.deliveries import MakeSink


class ShieldedSink:
    """`sink` is None when it could not even be opened, and `trouble` says why."""

    def __init__(self, name: str, sink: Sink | None, trouble: LlmcfgError | None = None) -> None:
        self._name = name
        self._sink = sink
        self._trouble = trouble

    @property
    def name(self) -> str:
        return self._sink.name if self._sink else self._name

    @property
    def folder(self) -> Path | None:
        return self._sink.folder if self._sink else None

    def observe(self) -> Mapping[str, str] | None:
        if self._sink is None:
            return {}
        try:
            return self._sink.observe()
        except LlmcfgError as error:
            self._trouble = error
            return {}

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        if self._trouble is not None:
            raise self._trouble
        if self._sink is not None:
            self._sink.deliver(root, files)

    def delivered(self) -> str | None:
        if self._sink is None or self._trouble is not None:
            return None
        try:
            return self._sink.delivered()
        except LlmcfgError as error:
            self._trouble = error
            return None


def shielded(make_sink: MakeSink) -> MakeSink:
    """Makes the same sinks, shielded."""

    def make(spec: SinkSpec, environment: str) -> Sink | None:
        try:
            sink = make_sink(spec, environment)
        except LlmcfgError as error:
            return ShieldedSink(f"{spec.kind} {spec.name or spec.path}", None, error)
        return None if sink is None else ShieldedSink(sink.name, sink)

    return make
