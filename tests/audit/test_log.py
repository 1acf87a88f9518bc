"""A log on the disk: what is entered stays, in order, through crashes, other writers and disks that refuse."""

from __future__ import annotations

import errno
import multiprocessing
import os
from datetime import timedelta

import pytest

from llmcfg import failpoints
from llmcfg.audit.log import Log
from llmcfg.audit.verify import check_log
from llmcfg.errors import IntegrityError, PendingError, StorageError
from llmcfg.limits import AUDIT_SEGMENT_BYTES, AUDIT_TEXT_CHARACTERS

from .conftest import YEAR, Written


def problems(written):
    return [(found.number, found.message) for found in check_log(written.log, ()).problems]


def last_segment(written):
    return written.log.segments()[-1].path


def test_entries_come_back_in_order_behind_the_one_that_names_the_log(written):
    written.add("a", "b")
    written.add("c")
    assert written.acts() == ["audit.begin", *["secret.get"] * 3]
    assert written.subjects() == ["a", "b", "c"]
    assert problems(written) == []


def test_an_entry_says_who_what_and_when(written):
    written.add("openai")
    entry = list(written.log.entries())[1]
    assert (entry.number, entry.at, entry.actor, entry.user) == (
        1, "2026-01-05T09:00:00.000Z", "Ada <ada@example.com>", "ada"
    )  # fmt: skip


def test_nobody_else_can_read_a_log(written):
    written.add("a")
    for path in [written.log.folder, *written.log.folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_key_that_others_may_read_is_refused(written):
    written.add("a")
    (written.log.folder / "key").chmod(0o644)
    with pytest.raises(IntegrityError, match="others may read"):
        written.add("b")


@pytest.mark.parametrize("text", ["line\nbreak", "\x1b[31mred", '{"json": 1}', "\udcff", "\u202eturned", "=1+1"])
def test_what_callers_say_stays_in_one_line(written, text):
    written.add(text)
    content = last_segment(written).read_bytes()
    assert content.count(b"\n") == 2
    assert b"\x1b" not in content
    assert problems(written) == []


def test_a_long_text_is_cut_and_its_digest_stands_for_the_rest(written):
    written.add("x" * 1_000_000)
    (subject,) = written.subjects()
    assert subject.startswith("x" * AUDIT_TEXT_CHARACTERS + "… sha256:")
    assert len(subject) < AUDIT_TEXT_CHARACTERS + 100


def test_a_torn_entry_is_cut_and_noted(written):
    written.add("a")
    with last_segment(written).open("ab") as file:
        file.write(b'{"act":"secr')
    written.add("b")
    assert written.acts() == ["audit.begin", "secret.get", "audit.cut", "secret.get"]
    assert list(written.log.entries())[2].facts["bytes"] == "12"
    assert problems(written) == []


@pytest.mark.parametrize("point", ["audit.before_entries", "audit.after_entries", "audit.after_head"])
def test_an_error_at_any_step_leaves_a_log_that_goes_on(written, point):
    written.add("a")
    failpoints.arm(f"{point}=raise:EIO")
    try:
        with pytest.raises(OSError, match="Input/output"):
            written.add("b")
    finally:
        failpoints.ARMED.clear()
    written.add("c")
    assert written.subjects() in (["a", "c"], ["a", "b", "c"])
    assert problems(written) == []


def test_a_full_disk_leaves_nothing_of_what_it_refused(written, monkeypatch):
    written.add("a")
    before = last_segment(written).read_bytes()
    real = os.write

    def full(descriptor, content):
        if len(content) > 1:
            return real(descriptor, bytes(content)[: len(content) // 2]) and _no_room()
        return _no_room()

    def _no_room():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match=r"cannot write .*000000000000.jsonl: No space"):
        written.add("b")
    monkeypatch.undo()
    assert last_segment(written).read_bytes() == before
    written.add("c")
    assert written.subjects() == ["a", "c"]


def test_a_log_that_was_cut_takes_no_entry(written):
    written.add("a", "b")
    path = last_segment(written)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(IntegrityError, match="ends before what the head counts"):
        written.add("c")


def test_a_log_whose_last_segment_is_gone_takes_no_entry(written):
    written.add("a")
    last_segment(written).unlink()
    with pytest.raises(IntegrityError, match="entry 1 is gone"):
        written.add("b")


def test_a_log_whose_head_is_gone_is_not_begun_anew(written):
    written.add("a")
    (written.log.folder / "head").unlink()
    with pytest.raises(IntegrityError, match="head is gone"):
        written.add("b")


def test_another_writer_is_waited_for_and_then_named(written, monkeypatch):
    monkeypatch.setattr("llmcfg.audit.log._LOCK_SECONDS", 0.05)
    with written.log.locked(), pytest.raises(PendingError, match="another process holds"):
        written.add("a")


def _write_many(folder, name):
    written = Written(Log(folder, "platform"))
    for number in range(20):
        written.add(f"{name}-{number}")


def test_processes_that_write_at_once_make_one_chain(written):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(written.log.folder, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert sorted(written.subjects()) == sorted(f"{name}-{number}" for name in "abc" for number in range(20))
    assert problems(written) == []


def test_a_segment_ends_when_it_is_large(written):
    text = "x" * 900
    for _ in range(6):
        written.add(*[text] * 800)
    sizes = [segment.path.stat().st_size for segment in written.log.segments()]
    assert len(sizes) == 2
    assert sizes[0] >= AUDIT_SEGMENT_BYTES > sizes[1]
    assert problems(written) == []


def test_a_segment_ends_after_a_month(written):
    written.add("a")
    written.now += timedelta(days=32)
    written.add("b")
    assert [segment.first for segment in written.log.segments()] == [0, 2]
    assert written.subjects() == ["a", "b"]
    assert problems(written) == []


def test_the_next_segment_that_a_killed_writer_began_is_used(written):
    written.add("a")
    written.log.segment(2).path.write_bytes(b'{"torn')
    written.add("b")
    written.add("c")
    assert [segment.first for segment in written.log.segments()] == [0, 2]
    assert written.acts() == ["audit.begin", "secret.get", "audit.cut", "secret.get", "secret.get"]
    assert problems(written) == []


def monthly(written, months):
    for month in range(months):
        written.add(f"month {month}")
        written.now += timedelta(days=32)


def test_entries_go_when_their_segment_is_a_year_old_and_not_before(written):
    monthly(written, 13)  # the last on day 384, and its segment comes to its end
    assert written.subjects()[0] == "month 0"
    written.add("day 416")
    assert written.subjects()[0] == "month 1"
    assert written.acts().count("audit.delete") == 1
    assert problems(written) == []


def a_year_later(written):
    """The second of these segments is the one before which everything is old."""
    written.now += YEAR
    written.add("now")
    written.now += timedelta(days=32)
    written.add("later")


def test_a_deletion_is_on_record_and_the_rest_is_still_a_chain(written):
    monthly(written, 3)
    a_year_later(written)
    deleted = next(entry for entry in written.log.entries() if entry.act == "audit.delete")
    assert (deleted.facts["first"], deleted.facts["last"]) == ("0", "3")
    assert written.subjects() == ["now", "later"]
    assert problems(written) == []
    written.add("more")
    assert problems(written) == []


def test_a_deletion_that_was_killed_is_finished_by_the_next(written):
    monthly(written, 2)
    kept = {segment.path: segment.path.read_bytes() for segment in written.log.segments()}
    a_year_later(written)
    for path, content in kept.items():
        path.write_bytes(content)
    assert written.subjects() == ["now", "later"]
    assert problems(written) == []
    a_year_later(written)
    assert [path for path in kept if path.exists()] == []
    assert written.log.segments()[0].first == written.log.head_file().read().base.size
    assert problems(written) == []


# clocks that are wrong


def test_a_clock_that_is_far_ahead_for_a_while_deletes_nothing(written):
    monthly(written, 2)
    right, written.now = written.now, written.now + 70 * YEAR
    written.add("far ahead", "and again")
    written.now = right
    written.add("right again")
    assert written.subjects() == ["month 0", "month 1", "far ahead", "and again", "right again"]
    assert problems(written) == []


def test_a_segment_that_was_begun_by_a_clock_that_was_set_back_comes_to_its_end(written):
    right, written.now = written.now, written.now + 70 * YEAR
    written.add("far ahead")
    written.now = right
    monthly(written, 14)
    assert [segment.first for segment in written.log.segments()][:2] == [0, 2]
    assert written.subjects()[:2] == ["far ahead", "month 0"]
    assert problems(written) == []


def test_entries_keep_the_order_that_they_were_written_in_though_the_clock_was_set_back(written):
    written.add("first")
    written.now -= timedelta(hours=3)
    written.add("second")
    first, second = list(written.log.entries())[1:]
    assert (first.subject, second.subject) == ("first", "second")
    assert first.at > second.at
    assert problems(written) == []
