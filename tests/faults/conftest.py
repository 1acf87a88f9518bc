"""Hosts to be harmed."""

from __future__ import annotations

import pytest

from support.servers import Consumer

from .hosts import Host


@pytest.fixture(scope="session")
def endpoint():
    consumer = Consumer()
    with consumer.serving() as url:
        yield consumer, url


@pytest.fixture(scope="session")
def prepared(endpoint, tmp_path_factory):
    """A host that runs the first configuration, and has seen it through everywhere."""
    made = Host(tmp_path_factory.mktemp("prepared") / "host", *endpoint)
    assert made.sync() == 0, made.said
    assert [made.delivered(), made.posted(), made.branched(), made.deployed()] == [1, 1, 1, 1]
    return made


@pytest.fixture
def host(prepared, endpoint, tmp_path):
    endpoint[0].taken.clear()
    endpoint[0].count = 0
    return prepared.copy(tmp_path / "host", endpoint[1])
