from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.remotes import Machine, Origin


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


@pytest.fixture
def machine(tmp_path: Path, origin: Origin) -> Machine:
    return Machine(tmp_path / "machine", origin.bare)


@pytest.fixture
def make_machine(tmp_path: Path, origin: Origin) -> Callable[..., Machine]:
    return lambda name, **settings: Machine(tmp_path / name, settings.pop("remote", origin.bare), **settings)


@pytest.fixture
def deployed(origin, machine):
    """A machine that has deployed, and a remote that has something newer."""
    machine.look()
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    return machine
