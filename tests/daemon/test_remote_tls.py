"""A remote by https, as a forge has it: a real TLS server whose authority the settings name, or do not."""

from __future__ import annotations

import pytest

from llmcfg.model.failure import FailureKind
from support.authorities import Authority
from support.servers import free_port, git_over_http, relay, silent_port

from .following import SECRET, assert_it_goes_on, assert_only_fetching_failed, noise, point_at, with_budget


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("trusted") / "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger") / "authority")


@pytest.mark.parametrize("form", ["token", "pair", "command"])
def test_a_forge_is_fetched_from_and_pushed_to(tmp_path, origin, machine, authority, form):
    file = tmp_path / "credentials"
    user = "x-access-token" if form == "token" else "ada"
    file.write_text(f"{SECRET}\n" if form == "token" else f"username=ada\npassword={SECRET}\n")
    given = {"credentials_command": ("/bin/cat", str(file))} if form == "command" else {"credentials_file": file}
    with git_over_http(tmp_path, f"{user}:{SECRET}", authority.server()) as (address, _):
        point_at(machine, f"{address}/remote.git", ca=authority.certificate, **given)
        assert machine.look().failure is None
        origin.push({"base/limits.yaml": "rpm: 11\n"})
        assert machine.look().failure is None

    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    assert origin.run("rev-list", "--count", "deployed/dev") == "2"


@pytest.mark.fault("R11")
@pytest.mark.parametrize(
    "why", ["no authority", "another authority", "an empty file", "no file", "another host", "too old"]
)
def test_a_certificate_that_is_not_trusted_is_no_remote(tmp_path, origin, deployed, authority, stranger, why):
    (tmp_path / "empty.pem").write_text("")
    trusted = {
        "no authority": None,
        "another authority": stranger.certificate,
        "an empty file": tmp_path / "empty.pem",
        "no file": tmp_path / "nothing.pem",
    }
    server = {"another host": authority.server(address="127.0.0.2"), "too old": authority.server(days=-1)}
    (tmp_path / "token").write_text(f"{SECRET}\n")
    with git_over_http(tmp_path, f"x-access-token:{SECRET}", server.get(why, authority.server())) as (address, seen):
        point_at(
            deployed,
            f"{address}/remote.git",
            ca=trusted.get(why, authority.certificate),
            credentials_file=tmp_path / "token",
        )
        found = deployed.look()

    assert_only_fetching_failed(deployed, found, "remote-certificate", FailureKind.STALLED)
    assert "ca in the settings" in found.failure.hint
    assert seen == [], "nothing was asked, and no credentials were given"
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R11")
@pytest.mark.parametrize(
    ("given", "path", "code", "kind"),
    [
        ("wrong", "remote.git", "remote-refused", FailureKind.STALLED),
        (SECRET, "nothing.git", "remote-missing", FailureKind.RETRY),
    ],
)
def test_a_forge_that_says_no_is_understood(tmp_path, origin, deployed, authority, given, path, code, kind):
    (tmp_path / "token").write_text(f"{given}\n")
    with git_over_http(tmp_path, f"x-access-token:{SECRET}", authority.server()) as (address, _):
        point_at(deployed, f"{address}/{path}", ca=authority.certificate, credentials_file=tmp_path / "token")
        found = deployed.look()

    assert_only_fetching_failed(deployed, found, code, kind)
    assert SECRET not in found.failure.message
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R07")
def test_a_handshake_that_hangs_is_cut_off(origin, deployed, authority):
    with silent_port() as port:
        point_at(deployed, f"https://127.0.0.1:{port}/remote.git", ca=authority.certificate)
        with_budget(deployed, seconds=1)
        assert_only_fetching_failed(deployed, deployed.look(), "remote-timeout")
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R07")
def test_a_port_that_speaks_no_tls_or_is_closed_is_tried_again(tmp_path, origin, deployed, authority):
    with git_over_http(tmp_path) as (address, _):
        for url in (address.replace("http:", "https:"), f"https://127.0.0.1:{free_port()}"):
            point_at(deployed, f"{url}/remote.git", ca=authority.certificate)
            assert_only_fetching_failed(deployed, deployed.look(), "remote-unreachable")
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R08")
@pytest.mark.parametrize("change", ["cut", "flip"])
def test_a_stream_that_is_tampered_with_changes_nothing(tmp_path, origin, deployed, authority, change):
    noise(origin, 1)

    def tamper(chunk, before):
        if before < 100_000:
            return chunk
        return None if change == "cut" else chunk[:-1] + bytes([chunk[-1] ^ 1])

    with git_over_http(tmp_path, tls=authority.server()) as (address, _):
        host, port = address.removeprefix("https://").split(":")
        with relay((host, int(port)), tamper) as changed:
            point_at(deployed, f"https://127.0.0.1:{changed}/remote.git", ca=authority.certificate)
            found = deployed.look()

    assert found.failure.kind is FailureKind.RETRY
    assert_only_fetching_failed(deployed, found, found.failure.code)
    assert_it_goes_on(deployed, origin)
