"""The http sink: signed, taken or refused, busy or away; what was taken is what is observed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from llmcfg.errors import NotAuthorisedError, RefusedError, RemoteError
from llmcfg.model.settings import Endpoint
from llmcfg.model.standardwebhooks import signature
from llmcfg.sinks.endpoint import EndpointSink
from support.authorities import Authority
from support.servers import Consumer, free_port, silent_port

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ONE, TWO = {"head.json": b"1", "_shared/api/config/a.json": b'{"a":1}'}, {"head.json": b"2"}
SECRET = b"whsec_aGVsbG8gaGVsbG8gaGVsbG8="


@pytest.fixture
def consumer():
    return Consumer()


@pytest.fixture
def make(tmp_path):
    (tmp_path / "secret").write_bytes(SECRET + b"\n")

    def make(url, **fields):
        endpoint = Endpoint("gateway", url, **{"secret_file": tmp_path / "secret", "timeout_seconds": 2, **fields})
        return EndpointSink(endpoint, "prod", tmp_path / "records", lambda: NOW)

    return make


def digests(files):
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def test_a_delivery_is_posted_signed_and_remembered(consumer, make):
    with consumer.serving() as address:
        sink = make(f"{address}/config?x=1")
        assert (sink.observe(), sink.delivered()) == (None, None)
        sink.deliver("root1", ONE)
        assert (sink.observe(), sink.delivered()) == (digests(ONE), "root1")
    headers = consumer.headers[0]
    seconds = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signature(SECRET, headers["webhook-id"], seconds, consumer.bodies[0])
    assert consumer.files() == ONE
    assert consumer.taken[0]["type"] == "llmcfg.delivery"


def test_a_delivery_by_https_goes_to_who_the_authority_vouches_for_and_to_nobody_else(tmp_path, consumer, make):
    trusted, stranger = Authority(tmp_path / "trusted"), Authority(tmp_path / "stranger")
    with consumer.serving(trusted.server()) as address:
        make(address, ca=trusted.certificate).deliver("root1", ONE)
        for authority in (stranger.certificate, None):
            with pytest.raises(NotAuthorisedError, match="has no certificate that is trusted") as refused:
                make(address, ca=authority).deliver("root2", TWO)
            assert refused.value.code == "endpoint-certificate"
    assert (consumer.count, consumer.root_of()) == (1, "root1")


@pytest.mark.fault("N09")
def test_every_attempt_at_one_delivery_has_one_id_and_another_delivery_another(consumer, make):
    consumer.status = lambda count: 500 if count == 1 else 200
    with consumer.serving() as address:
        with pytest.raises(RemoteError):
            make(address).deliver("root1", ONE)
        make(address).deliver("root1", ONE)
        make(address).deliver("root2", TWO)
    first, again, other = (headers["webhook-id"] for headers in consumer.headers)
    assert first == again != other


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422, 301, 302, 307])
def test_what_is_refused_or_sent_elsewhere_is_not_taken(consumer, make, status):
    consumer.status = lambda _: status
    with consumer.serving() as address:
        with pytest.raises(RefusedError):
            make(address).deliver("root1", ONE)
        assert make(address).delivered() is None


@pytest.mark.fault("N07")
def test_the_reason_of_a_refusal_is_shown_and_nothing_else_of_the_answer(consumer, make):
    consumer.status = lambda _: 422
    consumer.answer = b'{"reason": "rpm is \\u001b[31mtoo high", "echo": "canary"}'
    with consumer.serving() as address, pytest.raises(RefusedError, match="too high") as caught:
        make(address).deliver("root1", ONE)
    assert "canary" not in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("42", 42), ("Mon, 05 Jan 2026 09:01:00 GMT", 60), ("9999999", 3600), ("soon", None), ("-1", None)],
)
def test_who_is_busy_says_for_how_long(consumer, make, retry_after, seconds):
    consumer.status = lambda _: 503
    consumer.extra = {"Retry-After": retry_after}
    with consumer.serving() as address, pytest.raises(RemoteError) as caught:
        make(address).deliver("root1", ONE)
    assert (caught.value.code, caught.value.wait_seconds) == ("endpoint-busy", seconds)


@pytest.mark.fault("N04")
def test_who_is_away_or_silent_or_slow_is_cut_off(consumer, make):
    with pytest.raises(RemoteError) as away:
        make(f"http://127.0.0.1:{free_port()}").deliver("root1", ONE)
    with silent_port() as port, pytest.raises(RemoteError) as silent:
        make(f"http://127.0.0.1:{port}", timeout_seconds=0.3).deliver("root1", ONE)
    assert away.value.code == silent.value.code == "endpoint-unreachable"


def test_what_the_endpoint_says_that_it_holds_counts_more_than_what_it_took(consumer, make):
    with consumer.serving() as address:
        make(address).deliver("root1", ONE)
        consumer.root = "root1"
        assert make(address).observe() == digests(ONE)
        consumer.root = "something else"
        assert make(address).observe() != digests(ONE)


def test_a_key_that_cannot_be_read_stops_the_delivery(consumer, make, tmp_path):
    (tmp_path / "secret").unlink()
    with consumer.serving() as address, pytest.raises(NotAuthorisedError):
        make(address).deliver("root1", ONE)
    assert consumer.count == 0


@pytest.mark.fault("C13")
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_record_that_cannot_be_read_is_none(consumer, make, tmp_path, content):
    with consumer.serving() as address:
        make(address).deliver("root1", ONE)
        (tmp_path / "records/prod.gateway.json").write_bytes(content)
        assert make(address).observe() is None
        make(address).deliver("root1", ONE)
        assert make(address).observe() == digests(ONE)
