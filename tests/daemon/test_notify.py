"""What a service supervisor is told, on a real socket."""

from __future__ import annotations

import socket

import pytest

from llmcfg.notify import Notifier


@pytest.fixture
def listen():
    """Listens at an address, as systemd does."""
    sockets = []

    def listen(address):
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        heard.bind(address)
        heard.settimeout(30)
        sockets.append(heard)
        return heard

    yield listen
    for heard in sockets:
        heard.close()


def test_each_state_is_told_in_its_words(listen, tmp_path):
    heard = listen(str(tmp_path / "notify"))
    notifier = Notifier(str(tmp_path / "notify"), watchdog_seconds=30)
    notifier.ready("started")
    notifier.alive()
    notifier.status("dev current")
    notifier.reloading()
    notifier.stopping()
    said = [heard.recv(4096).decode() for _ in range(5)]
    assert said[:3] == ["READY=1\nSTATUS=started", "WATCHDOG=1", "STATUS=dev current"]
    assert said[3].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert said[3].rpartition("=")[2].isdigit()
    assert said[4] == "STOPPING=1"


def test_an_address_may_be_abstract(listen):
    heard = listen("\0llmcfg-test-notify")
    Notifier("@llmcfg-test-notify").stopping()
    assert heard.recv(100) == b"STOPPING=1"


def test_a_status_is_one_line_that_fits(listen, tmp_path):
    heard = listen(str(tmp_path / "notify"))
    Notifier(str(tmp_path / "notify")).status("one\nREADY=1\n" + "x" * 10_000)
    said = heard.recv(65536).decode()
    assert said.startswith("STATUS=one READY=1 xxx")
    assert "\n" not in said
    assert len(said) < 300


def test_signs_of_life_come_twice_as_often_as_they_are_wanted_or_never(listen, tmp_path):
    heard = listen(str(tmp_path / "notify"))
    assert Notifier(str(tmp_path / "notify"), watchdog_seconds=30).interval == 15
    quiet = Notifier(str(tmp_path / "notify"))
    assert quiet.interval == 0
    quiet.alive()
    quiet.stopping()
    assert heard.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("address", ["", "/nonexistent/socket"])
def test_nobody_who_listens_is_no_failure(address):
    Notifier(address, watchdog_seconds=1).ready("started")
