"""The webhook: only who knows the secret may ask for a pass, quickly and briefly, and a storm is one reason."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.daemon.state import StateFolder, StoredRequest, Suspension
from llmcfg.daemon.triggers import Triggers
from llmcfg.daemon.webhook import MOST_BODY, TOLERANCE_SECONDS, Judge, WebhookServer, parse_headers
from llmcfg.errors import UsageError
from llmcfg.model.settings import Settings, Webhook
from llmcfg.model.standardwebhooks import key_of, signature
from support.servers import free_port
from support.written import MANIFEST, WrittenRepository

SECRET = b"it is a secret of thirty-two byte"
NOW = 1_700_000_000
BODY = b'{"ref": "refs/heads/main"}'


def hexed(secret=SECRET, body=BODY):
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def standard(name="msg_1", when=NOW, secret=SECRET, body=BODY):
    return {
        "webhook-id": name,
        "webhook-timestamp": str(when),
        "webhook-signature": signature(secret, name, when, body),
    }


def judge():
    return Judge(SECRET, lambda: NOW)


GOOD = {
    "GitHub": {"x-hub-signature-256": f"sha256={hexed()}", "x-github-event": "push"},
    "Gitea": {"x-gitea-signature": hexed(), "x-gitea-event": "push"},
    "GitLab": {"x-gitlab-token": SECRET.decode(), "x-gitlab-event": "Push Hook"},
    "standard": standard(),
}


@pytest.mark.parametrize("forge", GOOD)
def test_who_knows_the_secret_is_heard(forge):
    answer = judge().judge(GOOD[forge], BODY)
    assert answer.status == 202
    assert answer.event


@pytest.mark.parametrize("forge", ["GitHub", "Gitea", "standard"])
def test_another_body_or_another_secret_is_refused(forge):
    assert judge().judge(GOOD[forge], BODY + b" ").status == 401
    assert Judge(b"another secret of this length", lambda: NOW).judge(GOOD[forge], BODY).status == 401


@pytest.mark.fault("R14")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-github-event": "push"},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": f"sha1={hexed()}"},
        {"x-hub-signature": f"sha256={hexed()}"},
        {"x-gitea-signature": ""},
        {"x-gitlab-token": ""},
        {"x-gitlab-token": SECRET.decode()[:-1]},
        {**standard(), "webhook-signature": ""},
        {**standard(), "webhook-signature": "v1,AAAA"},
        {**standard(), "webhook-id": "msg_2"},
        {**standard(), "webhook-timestamp": str(NOW + 1)},
        {**standard(), "webhook-timestamp": "nan"},
        {**standard(), "webhook-timestamp": "\u0661"},
        {**standard(), "webhook-timestamp": "9" * 400},
    ],
)
def test_who_does_not_is_refused(headers):
    assert judge().judge(headers, BODY).status == 401


@given(
    st.dictionaries(st.sampled_from(sorted({name for one in GOOD.values() for name in one})), st.text(max_size=80)),
    st.binary(max_size=64),
)
def test_no_made_up_request_is_heard(headers, body):
    assert judge().judge(headers, body).status == 401


@pytest.mark.fault("R14", "A12")
@pytest.mark.parametrize("when", [NOW - TOLERANCE_SECONDS - 1, NOW + TOLERANCE_SECONDS + 1, 0])
def test_an_old_or_future_request_is_refused_although_it_is_signed(when):
    assert judge().judge(standard(when=when), BODY).status == 401


@pytest.mark.fault("R14", "A11")
def test_a_request_that_was_heard_is_not_heard_again():
    one = judge()
    assert [one.judge(standard(), BODY).status for _ in range(3)] == [202, 401, 401]
    assert one.judge(standard("msg_2"), BODY).status == 202


def test_one_of_several_signatures_is_enough():
    headers = standard()
    headers["webhook-signature"] = f"v1a,AAAA v1,BBBB {headers['webhook-signature']}"
    assert judge().judge(headers, BODY).status == 202


def test_a_secret_of_standard_webhooks_is_its_key_in_base64():
    assert key_of(b"whsec_aGVsbG8=") == b"hello"
    assert key_of(b"whsec_not base64!") == b"whsec_not base64!"
    assert signature(
        b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    ) == ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")


def test_a_ping_is_answered_and_asks_for_nothing():
    headers = {**GOOD["GitHub"], "x-github-event": "ping"}
    assert judge().judge(headers, BODY) == (200, "")


@given(st.lists(st.text(max_size=40), max_size=8))
def test_no_header_breaks_the_reader(lines):
    parse_headers(lines)


# over a socket


class Talk:
    """A server on loopback, and what it was asked for."""

    def __init__(self):
        self.asked = []

    async def __aenter__(self):
        self.server = WebhookServer(judge(), self.asked.append)
        self.port = await self.server.start("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        await self.server.stop()

    async def send(self, raw):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return int(answer.split()[1])


def request(headers=GOOD["GitHub"], body=BODY, method="POST", **extra):
    lines = {"Host": "x", "Content-Length": str(len(body)), **headers, **extra}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} /hook HTTP/1.1\r\n{head}\r\n".encode() + body


@pytest.mark.fault("R14", "A02", "A03", "A04")
@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request(), 202),
        (request({}), 401),
        (request(method="GET"), 405),
        (request(body=b""), 401),
        (request(**{"Content-Length": str(MOST_BODY + 1)}), 413),
        (request(**{"Content-Length": "9" * 30}), 413),
        (request(**{"Content-Length": "-1"}), 411),
        (request(**{"Content-Length": "+5"}), 411),
        (request(**{"Transfer-Encoding": "chunked"}), 411),
        (b"POST /hook HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"POST /hook HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /hook HTTP/1.1\r\n" + b"x: " + b"y" * 40_000 + b"\r\n\r\n", 431),
    ],
)
def test_requests_are_small_and_plain(raw, status):
    async def talk():
        async with Talk() as talk:
            return await talk.send(raw), talk.asked

    answered, asked = asyncio.run(talk())
    assert answered == status
    assert asked == (["push"] if status == 202 else [])


@pytest.mark.fault("A01")
def test_who_says_nothing_is_cut_off_and_others_are_served(monkeypatch):
    monkeypatch.setattr("llmcfg.daemon.webhook._REQUEST_SECONDS", 0.3)

    async def talk():
        async with Talk() as talk:
            silent = [await asyncio.open_connection("127.0.0.1", talk.port) for _ in range(20)]
            silent[0][1].write(b"POST /hook HTTP/1.1\r\n")
            answered = await talk.send(request())
            slow = [int((await reader.read()).split()[1]) for reader, _ in silent]
            for _, writer in silent:
                writer.close()
            return answered, slow

    answered, slow = asyncio.run(talk())
    assert answered == 202
    assert {*slow} == {408}


def test_more_connections_than_are_served_are_told_so():
    async def talk():
        async with Talk() as talk:
            held = [await asyncio.open_connection("127.0.0.1", talk.port) for _ in range(64)]
            await asyncio.sleep(0.2)
            answered = await talk.send(request())
            for _, writer in held:
                writer.close()
            await asyncio.sleep(0.2)
            return answered, await talk.send(request())

    assert asyncio.run(talk()) == (503, 202)


# R14: a storm


@pytest.fixture
def triggers(tmp_path):
    written = WrittenRepository(tmp_path / "r", {"llmcfg.yaml": MANIFEST})
    (tmp_path / "secret").write_bytes(SECRET)
    settings = Settings(webhook=Webhook("127.0.0.1", free_port(), tmp_path / "secret"), poll_seconds=3600)

    def now() -> datetime:
        return datetime.fromtimestamp(NOW, UTC)

    return lambda: Triggers(settings, StateFolder(tmp_path / "state"), written.path, random.Random(0), now)


@pytest.mark.fault("R14")
def test_a_storm_of_webhooks_is_a_pass_at_once_and_one_a_second_later(triggers):
    async def storm():
        one = triggers()
        await one.start()
        assert await one.wait(None) == {"start"}
        passes = []

        async def make_passes():
            while True:
                passes.append((await one.wait(None), asyncio.get_running_loop().time()))

        making = asyncio.create_task(make_passes())
        talk = Talk()
        talk.port = one.port
        answers = await asyncio.gather(*(talk.send(request()) for _ in range(400)))
        await asyncio.sleep(2.2)
        making.cancel()
        await one.stop()
        return answers, passes

    answers, passes = asyncio.run(storm())
    assert {*answers} <= {202, 503}
    assert answers.count(202) > 100
    assert {reason for reasons, _ in passes for reason in reasons} == {"webhook"}
    times = [at for _, at in passes]
    assert all(later - earlier >= 0.9 for earlier, later in pairwise(times))
    assert len(passes) <= 1 + (times[-1] - times[0]) + 1


# C23: hints that never come


@pytest.mark.fault("C23")
def test_what_no_event_tells_of_is_seen_all_the_same(tmp_path, triggers):
    async def look():
        one = triggers()
        await one.start()
        assert await one.wait(None) == {"start"}
        one._hints.stop()  # from now on the system tells nothing
        seen = []
        for change in (commit, ask, suspend):
            change()
            seen.append(await asyncio.wait_for(one.wait(None), 60))
        await one.stop()
        return seen

    written, state = WrittenRepository.__new__(WrittenRepository), StateFolder(tmp_path / "state")
    written.path, written._clock = tmp_path / "r", 1_700_009_000

    def commit():
        written.commit({"base/a.yaml": "a: 1\n"})

    def ask():
        state.ask(StoredRequest())

    def suspend():
        state.suspend("dev", Suspension(datetime.fromtimestamp(NOW, UTC), "ada"))

    assert asyncio.run(look()) == [{"refs"}, {"request"}, {"request"}]


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_a_webhook_without_a_good_secret_does_not_start(tmp_path, triggers, content):
    if content is None:
        (tmp_path / "secret").unlink()
    else:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(UsageError, match="secret"):
        asyncio.run(triggers().start())


def test_a_port_that_is_taken_is_named(triggers):
    async def twice():
        first = triggers()
        await first.start()
        try:
            with pytest.raises(UsageError, match="cannot listen"):
                await triggers().start()
        finally:
            await first.stop()

    asyncio.run(twice())
