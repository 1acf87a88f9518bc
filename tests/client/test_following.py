"""A configuration that keeps itself up to date: what is delivered is used, once, whole, and told to those whom it concerns."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from queue import Queue

import pytest

import llmcfg.client
from llmcfg.client import ABSENT, NotFoundError, RefusedError, UsageError
from llmcfg.model.target import Target
from support.children import run_in_child, start_child, wait_for
from support.delivered import Delivered

from .conftest import DOCUMENTS


def changed(**documents):
    return {**DOCUMENTS, **documents}


def limits(rpm):
    return changed(limits={**DOCUMENTS["limits"], "rpm": rpm})


def said(delivered, instance):
    return json.loads(delivered.acks()[instance])


def eventually(condition, seconds=20):
    """Waits for what another thread or process does; fails when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


# what is new is used


def test_what_is_delivered_is_read_after_the_next_look(cfg, delivered):
    assert cfg["limits.rpm"] == 10
    delivered.put(limits(20))
    assert cfg["limits.rpm"] == 10
    cfg.refresh()
    assert cfg["limits.rpm"] == 20
    assert cfg.trouble == ""


def test_a_delivery_that_was_taken_back_is_followed_back(tmp_path, open_config):
    read = []

    class OnlyTens:
        """Takes what it is shown, and finds out that it is no good once it is in use."""

        def validate(self, staged, before):
            pass

        def settle(self, current, before):
            for cfg in read:
                cfg.refresh()
                if cfg["limits.rpm"] != 10:
                    raise RefusedError("only ten will do")

    delivered = Delivered(tmp_path / "watched", after_apply=OnlyTens())
    delivered.put(limits(10))
    cfg = open_config(delivered.address)
    read.append(cfg)
    with pytest.raises(RefusedError):
        delivered.put(limits(20))

    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (10, "")
    delivered.put(limits(10))
    assert (cfg["limits.rpm"], cfg.trouble) == (10, "")


def test_a_thread_looks_by_itself(open_config, delivered):
    cfg = open_config(follow=True, interval=0.01)
    delivered.put(limits(20))

    eventually(lambda: cfg["limits.rpm"] == 20)


def test_there_and_back_and_there_again(cfg, delivered):
    for rpm in (20, 10, 20, 10):
        delivered.put(limits(rpm))
        cfg.refresh()
        assert cfg["limits.rpm"] == rpm


def test_a_snapshot_stays_as_it_is(cfg, delivered):
    before = cfg.snapshot()
    delivered.put(limits(20))
    cfg.refresh()

    assert (before["limits.rpm"], cfg["limits.rpm"]) == (10, 20)
    assert (before["limits.tpm"], before.revision) == (4000, f"{1:040x}")


def test_reads_that_were_remembered_follow_what_they_depend_on(cfg, delivered):
    paths = ["limits.rpm", "limits", "models", "models.small.max_tokens", "routes.chat.weights", "."]
    before = {path: cfg[path] for path in paths}
    delivered.put(changed(limits={"rpm": 99}, **{"models/new": {"max_tokens": 1}}))
    cfg.refresh()

    assert cfg["limits.rpm"] == 99
    assert cfg["limits"] == {"rpm": 99}
    assert {*cfg["models"]} == {"gpt-4.1", "small", "new"}
    assert cfg["."]["models"]["new"] == {"max_tokens": 1}
    assert cfg["routes.chat.weights"] is before["routes.chat.weights"]
    delivered.put({"limits": {"rpm": 99}})
    cfg.refresh()
    assert "models" not in cfg
    assert cfg.get("routes.chat.weights") is None


def test_a_key_that_was_missing_is_found_once_it_is_there(cfg, delivered):
    assert "limits.new" not in cfg
    assert cfg.get("models.new") is None
    delivered.put(changed(limits={"new": 1}, **{"models/new": {"a": 1}}))
    cfg.refresh()

    assert cfg["limits.new"] == 1
    assert cfg["models.new"] == {"a": 1}


def test_a_mapping_grows_by_documents_below_it(cfg, delivered):
    assert cfg["limits"]["rpm"] == 10
    delivered.put(changed(**{"limits/inner": {"a": 1}}))
    cfg.refresh()

    assert cfg["limits"]["inner"] == {"a": 1}
    assert cfg["limits.inner.a"] == 1


def test_another_commit_with_the_same_content_is_told_to_nobody(cfg, delivered):
    heard = []
    cfg.on_change(".", heard.append)
    delivered.put(DOCUMENTS, files={"app.env": b"RPM=10\n"}, commit="ab" * 20)
    cfg.refresh()

    assert cfg.revision == "ab" * 20
    assert heard == []


def test_the_bundle_of_another_consumer_is_none_of_its_business(cfg, delivered):
    heard = []
    cfg.on_change(".", heard.append)
    before = cfg.snapshot()
    delivered.put(DOCUMENTS, files={"app.env": b"RPM=10\n"}, commit=cfg.revision, others=[Target("prod", None, "bot")])
    cfg.refresh()

    assert heard == []
    assert cfg.snapshot().reads is not None
    assert cfg.snapshot().digest == before.digest


# who is told


def test_listeners_hear_what_changed_below_their_prefix_with_old_and_new(cfg, delivered):
    heard = Queue()
    for prefix in (".", "limits", "limits.rpm", "limits.tpm", "models", "models.small", "routes"):
        cfg.on_change(prefix, heard.put)
    delivered.put(changed(limits={**DOCUMENTS["limits"], "rpm": 20}, **{"models/new": {"max_tokens": 1}}))
    cfg.refresh()

    updates = {}
    while not heard.empty():
        update = heard.get()
        updates[update.prefix] = update
    assert {*updates} == {".", "limits", "limits.rpm", "models"}
    assert updates["limits.rpm"].items == (("limits.rpm", 10, 20),)
    assert (updates["limits.rpm"].old, updates["limits.rpm"].new) == (10, 20)
    assert updates["limits"].items == (("limits.rpm", 10, 20),)
    assert updates["models"].items == (("models.new.max_tokens", ABSENT, 1),)
    assert [item.path for item in updates["."].items] == ["limits.rpm", "models.new.max_tokens"]


def test_a_prefix_that_comes_and_goes_with_its_document_is_told(cfg, delivered):
    heard = []
    cfg.on_change("models.small.max_tokens", heard.append)
    delivered.put({"limits": {"rpm": 1}})
    cfg.refresh()
    delivered.put(DOCUMENTS)
    cfg.refresh()

    assert [(update.old, update.new) for update in heard] == [(100, ABSENT), (ABSENT, 100)]


def test_what_a_listener_reads_is_what_it_is_told_of(cfg, delivered):
    seen = []
    cfg.on_change("limits.rpm", lambda update: seen.append((cfg["limits.rpm"], update.new, update.after["limits.rpm"])))
    delivered.put(limits(20))
    cfg.refresh()

    assert seen == [(20, 20, 20)]


def test_a_listener_that_cancels_hears_no_more(cfg, delivered):
    heard = []
    listener = cfg.on_change("limits", heard.append)
    listener.cancel()
    delivered.put(limits(20))
    cfg.refresh()

    assert heard == []


def test_a_function_is_decorated_to_listen(cfg, delivered):
    heard = []

    @cfg.on_change("limits")
    def hear(update):
        heard.append(update.prefix)

    delivered.put(limits(20))
    cfg.refresh()
    assert heard == ["limits"]


def test_a_listener_that_fails_is_logged_and_does_not_keep_others_from_hearing(cfg, delivered, caplog):
    heard = []

    def fail(update):
        raise ValueError("no")

    cfg.on_change("limits", fail)
    cfg.on_change("limits", heard.append)
    delivered.put(limits(20))
    with caplog.at_level(logging.WARNING):
        cfg.refresh()

    assert len(heard) == 1
    assert "a listener of limits failed" in caplog.text


def test_a_listener_may_cancel_listen_look_and_close(open_config, delivered):
    cfg = open_config()
    heard = []

    def hear(update):
        heard.append(update)
        listener.cancel()
        cfg.on_change("limits", heard.append)
        cfg.refresh()
        cfg.close()

    listener = cfg.on_change("limits", hear)
    delivered.put(limits(20))
    cfg.refresh()
    assert len(heard) == 1


def test_a_prefix_that_is_no_key_path_is_refused(cfg):
    with pytest.raises(UsageError):
        cfg.on_change("a..b", print)


def test_a_value_whose_secret_was_renewed_is_told_though_it_is_written_the_same(cfg, delivered):
    documents = changed(
        **{"providers/openai": {"key": {"$secret": "openai"}, "url": "x"}, "other": {"k": {"$secret": "b"}}}
    )
    delivered.put(documents, secrets={"openai": "1" * 64, "b": "2" * 64})
    cfg.refresh()
    heard = []
    for prefix in ("providers", "providers.openai.url", "other", "."):
        cfg.on_change(prefix, heard.append)
    delivered.put(documents, secrets={"openai": "3" * 64, "b": "2" * 64})
    cfg.refresh()

    assert [(update.prefix, [item.path for item in update.items]) for update in heard] == [
        ("providers", ["providers.openai.key"]),
        (".", ["providers.openai.key"]),
    ]


# asynchronous


def test_updates_are_iterated_and_end_when_the_configuration_is_closed(open_config, delivered):
    cfg = open_config(follow=True, interval=0.005)

    async def follow():
        heard = []
        updates = cfg.changes("limits.rpm")
        async for update in updates:
            heard.append((update.old, update.new))
            if update.new == 30:
                await asyncio.to_thread(cfg.close)
            else:
                await asyncio.to_thread(delivered.put, limits(30))
        return heard

    async def main():
        following = asyncio.create_task(follow())
        await asyncio.sleep(0)
        await asyncio.to_thread(delivered.put, limits(20))
        return await asyncio.wait_for(following, 20)

    assert asyncio.run(main()) == [(10, 20), (20, 30)]


def test_updates_that_come_meanwhile_become_one_and_one_that_is_taken_back_none(cfg, delivered):
    async def main():
        updates = cfg.changes("limits.rpm")
        for rpm in (20, 30, 40):
            delivered.put(limits(rpm))
            cfg.refresh()
        first = await asyncio.wait_for(anext(updates), 20)
        for rpm in (50, 40):
            delivered.put(limits(rpm))
            cfg.refresh()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(updates), 0.05)
        await updates.aclose()
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(updates), 20)
        return first

    first = asyncio.run(main())
    assert (first.old, first.new) == (10, 40)


def test_an_iterator_whose_loop_is_over_is_forgotten(cfg, delivered):
    async def main():
        return cfg.changes("limits")

    kept = asyncio.run(main())
    delivered.put(limits(20))
    cfg.refresh()
    assert cfg["limits.rpm"] == 20
    del kept


# the program's own check, and what is said to whoever delivers


def refuse_low(snapshot):
    if snapshot["limits.rpm"] < 10:
        raise ValueError(f"rpm {snapshot['limits.rpm']} is too low")


def test_what_is_used_is_acknowledged(open_config, delivered):
    open_config(instance="one")
    head = json.loads((delivered.root / "current/head.json").read_text())

    ack = said(delivered, "one")

    assert ack.pop("at").endswith("Z")
    assert ack == {
        "apiVersion": "llmcfg.dev/v1",
        "kind": "Acknowledgement",
        "instance": "one",
        "root": head["root"],
        "digest": head["bundles"]["acme/api"],
        "accepted": True,
        "reason": None,
    }
    assert (delivered.root / "acks/acme/api/one.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.fault("N07")
@pytest.mark.parametrize(
    ("accept", "reason"),
    [
        (refuse_low, "ValueError: rpm 5 is too low"),
        (lambda snapshot: snapshot["limits.rpm"] >= 10, "the program's check refused it"),
        (lambda snapshot: "too low" if snapshot["limits.rpm"] < 10 else None, "too low"),
    ],
)
def test_what_is_refused_is_not_used_and_the_reason_is_told(open_config, delivered, accept, reason):
    cfg = open_config(accept=accept, instance="one")
    heard = []
    cfg.on_change(".", heard.append)
    delivered.put(limits(5))
    cfg.refresh()

    assert cfg["limits.rpm"] == 10
    assert heard == []
    assert (said(delivered, "one")["accepted"], said(delivered, "one")["reason"]) == (False, reason)
    assert reason in cfg.trouble
    delivered.put(limits(50))
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble, said(delivered, "one")["accepted"]) == (50, "", True)
    assert [(update.before["limits.rpm"], update.after["limits.rpm"]) for update in heard] == [(10, 50)]


def test_going_back_from_what_was_refused_is_acknowledged_without_another_check(open_config, delivered):
    checked = []

    def accept(snapshot):
        checked.append(snapshot["limits.rpm"])
        refuse_low(snapshot)

    cfg = open_config(accept=accept, instance="one")
    for rpm in (5, 10):
        delivered.put(limits(rpm), files={"app.env": b"RPM=10\n"})
        cfg.refresh()

    assert said(delivered, "one")["accepted"]
    assert checked == [10, 5]


def test_a_check_that_refuses_the_first_bundle_ends_the_start_and_is_told(delivered):
    delivered.put(limits(5))

    with pytest.raises(RefusedError, match="rpm 5 is too low"):
        llmcfg.client.open(delivered.address, accept=refuse_low, instance="one")

    assert said(delivered, "one")["reason"] == "ValueError: rpm 5 is too low"


def test_a_reason_is_cut_and_never_holds_a_secret(open_config, delivered):
    cfg = open_config(accept=lambda snapshot: "x" * 9000 if snapshot["limits.rpm"] == 20 else None, instance="one")
    delivered.put(limits(20))
    cfg.refresh()

    assert said(delivered, "one")["reason"] == "x" * 500


def test_each_process_acknowledges_by_itself_and_withdraws_when_it_closes(open_config, delivered):
    cfg = open_config()
    assert [*delivered.acks()] == [f"{os.uname().nodename}-{os.getpid()}"]

    cfg.close()

    assert delivered.acks() == {}


@pytest.mark.parametrize("instance", ["", "../x", "a/b", ".hidden", "x" * 200])
def test_a_name_that_could_leave_the_folder_is_refused(delivered, instance):
    with pytest.raises(UsageError):
        llmcfg.client.open(delivered.address, instance=instance)


def test_a_folder_where_nothing_can_be_told_is_no_obstacle(open_config, delivered):
    (delivered.root / "acks").write_text("a file")

    cfg = open_config()
    delivered.put(limits(20))
    cfg.refresh()

    assert cfg["limits.rpm"] == 20


# what goes wrong on the way


@pytest.mark.fault("N15")
def test_a_damaged_file_is_not_used_and_the_next_delivery_is(cfg, delivered):
    delivered.put(limits(20))
    content = bytearray(delivered.file.read_bytes())
    content[20] ^= 1
    delivered.file.write_bytes(content)
    cfg.refresh()

    assert cfg["limits.rpm"] == 10
    assert "damaged" in cfg.trouble
    delivered.put(limits(30))
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (30, "")


def test_a_consumer_that_is_gone_from_the_delivery_keeps_what_it_has(cfg, delivered):
    other = Delivered(delivered.root, Target("prod", None, "bot"))
    other.put({"x": {"a": 1}})
    cfg.refresh()

    assert cfg["limits.rpm"] == 10
    assert "no bundle" in cfg.trouble


@pytest.mark.fault("N01")
def test_a_source_that_is_gone_leaves_what_was_in_use(cfg, delivered):
    (delivered.root / "current").unlink()
    cfg.refresh()

    assert cfg["limits.rpm"] == 10
    assert "nothing was delivered" in cfg.trouble


def test_a_source_that_is_back_as_it_was_is_no_trouble_any_more(cfg, delivered):
    link = delivered.root / "current"
    delivery = link.readlink()
    link.unlink()
    cfg.refresh()
    assert cfg.trouble
    link.symlink_to(delivery)
    cfg.refresh()

    assert cfg.trouble == ""


@pytest.mark.fault("S12")
def test_a_bundle_for_another_target_is_refused(cfg, delivered):
    other = Delivered(delivered.root.parent / "other", Target("dev", "acme", "api"))
    other.put(limits(99))
    (delivered.root / "current").unlink()
    (delivered.root / "current").symlink_to(other.root / "current")
    cfg.refresh()

    assert cfg["limits.rpm"] == 10
    assert "this program reads prod/acme/api" in cfg.trouble


@pytest.mark.fault("S12", "C21")
def test_an_older_bundle_is_refused(cfg, delivered):
    old = (delivered.root / "current").readlink()
    for rpm in (20, 30):
        delivered.put(limits(rpm))
        cfg.refresh()
    (delivered.root / "current").unlink()
    (delivered.root / "current").symlink_to(old)
    cfg.refresh()

    assert cfg["limits.rpm"] == 30
    assert "older than the one before it" in cfg.trouble


# another process


def test_a_forked_process_follows_by_itself_and_acknowledges_under_its_own_name(open_config, delivered):
    cfg = open_config(follow=True, interval=0.005)
    assert cfg["limits.rpm"] == 10

    def follow():
        eventually(lambda: cfg["limits.rpm"] == 20)
        cfg["models"]

    child = start_child(follow)
    delivered.put(limits(20))

    eventually(lambda: cfg["limits.rpm"] == 20)
    eventually(lambda: any(name.endswith(f"-{child}") for name in delivered.acks()))
    assert wait_for(child) == 0


def test_processes_that_are_forked_while_threads_read_and_update_do_not_hang(open_config, delivered):
    cfg = open_config(follow=True, interval=0.001)
    stop = threading.Event()

    def read():
        number = 0
        while not stop.is_set():
            number += 1
            cfg.get(f"limits.k{number % 50000}")

    def use():
        cfg["models"]
        cfg.on_change("models", print)
        cfg.refresh()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        assert [run_in_child(use) for _ in range(20)] == [0] * 20
    finally:
        stop.set()
        for reader in readers:
            reader.join()


# many at once


@pytest.mark.fault("N20")
def test_no_read_is_torn_while_bundles_are_swapped(open_config, delivered):
    """Two documents always hold the same number, and whoever reads both at once never sees two."""

    def pair(number):
        return {"one": {"n": number, "same": {"n": number}}, "two": {"n": number}}

    delivered.put(pair(0))
    cfg = open_config(follow=True, interval=0.001)
    torn, counts = [], []

    def read():
        count = last = 0
        while last < 100:
            snapshot, whole = cfg.snapshot(), cfg["."]
            if snapshot["one.n"] != snapshot["two.n"] or whole["one"]["n"] != whole["two"]["n"]:
                torn.append((snapshot["one.n"], snapshot["two.n"], whole))
            before, number, last = snapshot["one.n"], cfg["one.same"]["n"], cfg["one.n"]
            if not before <= number <= last:
                torn.append((before, number, last))
            count += 7
        counts.append(count)

    def write():
        for number in range(1, 101):
            delivered.put(pair(number))

    child = start_child(write)
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert wait_for(child) == 0
    assert torn == []
    assert sum(counts) > 1_000


def test_reads_that_are_many_are_forgotten_and_made_again(open_config, delivered):
    count = 40_000
    delivered.put({"many": {f"k{number}": number for number in range(count)}})
    cfg = open_config()

    assert all(cfg[f"many.k{number}"] == number for number in range(count))
    assert len(cfg.snapshot().reads) < count
    delivered.put({"many": {f"k{number}": -number for number in range(count)}})
    cfg.refresh()
    assert all(cfg[f"many.k{number}"] == -number for number in range(count))


def test_closing_ends_the_thread_and_reads_go_on(open_config, delivered):
    cfg = open_config(follow=True, interval=0.005)
    before = {thread.name for thread in threading.enumerate()}
    assert "llmcfg-follow" in before
    with cfg:
        pass

    assert "llmcfg-follow" not in {thread.name for thread in threading.enumerate()}
    delivered.put(limits(20))
    assert cfg["limits.rpm"] == 10
    assert cfg["models.small.max_tokens"] == 100
    cfg.close()


def test_nothing_delivered_yet_is_said_at_once(tmp_path):
    with pytest.raises(NotFoundError, match="nothing was delivered"):
        llmcfg.client.open(f"dir:{tmp_path}", consumer="api")
