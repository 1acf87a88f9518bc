"""Digests that are remembered are those of the files, whatever happens to them."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llmcfg.sinks.digests import Digests

LONG_AGO = 1_700_000_000


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path):
    for name, content in (("a", b"one"), ("b", b"two"), ("in/c", b"three")):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(content)
        os.utime(tmp_path / "d" / name, (LONG_AGO, LONG_AGO))
    return tmp_path / "d"


@pytest.fixture
def reads(monkeypatch):
    """The files that are read."""
    seen, opened = [], os.open

    def watch(path, *arguments, **options):
        seen.append(Path(path).name)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", watch)
    return seen


def now():
    return datetime.now(UTC)


def test_files_that_stay_are_read_once(folder, reads):
    digests = Digests(now)
    first = digests.below(folder)
    assert first == {"a": sha256(b"one"), "b": sha256(b"two"), "in/c": sha256(b"three")}
    assert sorted(reads) == ["a", "b", "c"]
    del reads[:]
    assert digests.below(folder) == first
    assert reads == []


def test_without_a_clock_nothing_is_remembered(folder, reads):
    digests = Digests()
    digests.below(folder)
    digests.below(folder)
    assert sorted(reads) == ["a", "a", "b", "b", "c", "c"]


def test_what_was_written_just_now_is_read_again(folder, reads):
    (folder / "a").write_bytes(b"new")
    digests = Digests(now)
    digests.below(folder)
    del reads[:]
    digests.below(folder)
    assert reads == ["a"]


def in_place(path):
    path.write_bytes(b"ONE")
    os.utime(path, (LONG_AGO, LONG_AGO))


def replaced(path):
    other = path.with_name("other")
    other.write_bytes(b"ONE")
    os.utime(other, (LONG_AGO, LONG_AGO))
    other.rename(path)


@pytest.mark.parametrize("change", [in_place, replaced])
def test_a_change_that_hides_its_time_is_seen(folder, change):
    """The time of the last change of a file's facts cannot be set."""
    digests = Digests(now)
    digests.below(folder)
    change(folder / "a")
    assert digests.below(folder)["a"] == sha256(b"ONE")


def test_a_linked_file_is_known_by_its_other_name_too(folder, tmp_path, reads):
    digests = Digests(now)
    digests.below(folder)
    del reads[:]
    (tmp_path / "next").mkdir()
    digests.link(folder / "a", tmp_path / "next" / "x")
    assert digests.below(tmp_path / "next") == {"x": sha256(b"one")}
    assert digests.below(folder)["a"] == sha256(b"one")
    assert reads == []


def test_a_linked_file_that_was_changed_since_is_read_again(folder, tmp_path):
    digests = Digests(now)
    digests.below(folder)
    in_place(folder / "a")
    (tmp_path / "next").mkdir()
    digests.link(folder / "a", tmp_path / "next" / "x")
    assert digests.below(tmp_path / "next") == {"x": sha256(b"ONE")}


def test_a_clock_that_goes_wrong_costs_time_and_nothing_else(folder):
    for hours in (-24, 24):
        digests = Digests(lambda hours=hours: now() + timedelta(hours=hours))
        digests.below(folder)
        in_place(folder / "a")
        assert digests.below(folder)["a"] == sha256(b"ONE")
        (folder / "a").write_bytes(b"one")
        os.utime(folder / "a", (LONG_AGO, LONG_AGO))


def test_what_is_no_file_has_words_in_its_place(folder):
    (folder / "link").symlink_to("a")
    os.mkfifo(folder / "pipe")
    seen = Digests(now).below(folder)
    assert (seen["link"], seen["pipe"]) == ("symbolic link", "not a regular file")
