"""No file descriptors left, in the middle of work: a failure that comes back, and never the end of the daemon."""

from __future__ import annotations

import asyncio
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmcfg.daemon.child import Child, ChildEnded
from llmcfg.daemon.passes import Request
from llmcfg.daemon.state import StateFolder, StoredRequest
from llmcfg.daemon.wire import Build, Start
from llmcfg.errors import StorageError
from llmcfg.model.settings import Settings


@contextmanager
def no_descriptors():
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


@pytest.mark.fault("C18")
def test_a_child_that_cannot_be_started_is_one_that_ended():
    child = Child("llmcfg.daemon.builder", Start(Path(), Path(), Settings(), "", "", ""), {})

    async def say():
        with no_descriptors():
            await child.say(Build(Request()))

    with pytest.raises(ChildEnded, match="cannot be started: Too many open files"):
        asyncio.run(say())
    assert not child.is_running


@pytest.mark.fault("C18")
def test_requests_that_cannot_be_read_are_told_and_stay(tmp_path):
    state = StateFolder(tmp_path / "state")
    name = state.ask(StoredRequest())
    with no_descriptors(), pytest.raises(StorageError, match="Too many open files"):
        state.requests()
    assert list(state.requests()) == [name]
