"""Whatever was changed in a log is found, and the entry is named."""

from __future__ import annotations

import shutil

import pytest

from llmcfg.audit.log import Log
from llmcfg.audit.verify import check_log

from .conftest import Written


@pytest.fixture
def filled(written):
    written.add("a", "b")
    written.add("c")
    written.add("d", "e")
    return written


def found(written):
    return [(problem.number, problem.message) for problem in check_log(written.log, ()).problems]


def segment(written):
    return written.log.segments()[0].path


def change_lines(written, change):
    path = segment(written)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_a_sound_log_has_no_problem(filled):
    assert found(filled) == []


def flips(content, step):
    for at in range(0, len(content) * 8, step):
        flipped = bytearray(content)
        flipped[at // 8] ^= 1 << at % 8
        yield at // 8, bytes(flipped)


def assert_every_flip_is_found(written, step):
    path = segment(written)
    content = path.read_bytes()
    for at, flipped in flips(content, step):
        path.write_bytes(flipped)
        first = found(written)[0]
        assert first[0] == content.count(b"\n", 0, at), (at, first)
    path.write_bytes(content)
    head = written.log.folder / "head"
    before = head.read_bytes()
    for at, flipped in flips(before, step * 16):
        head.write_bytes(flipped)
        assert found(written), at
    head.write_bytes(before)
    assert found(written) == []


@pytest.mark.fault("O04")
def test_a_flipped_bit_is_found_at_its_entry(filled):
    assert_every_flip_is_found(filled, 37)


@pytest.mark.sweep
def test_every_flipped_bit_is_found_at_its_entry(filled):
    assert_every_flip_is_found(filled, 1)


@pytest.mark.parametrize("number", range(6))
def test_a_removed_entry_is_missed(filled, number):
    change_lines(filled, lambda lines: lines[:number] + lines[number + 1 :])
    assert found(filled)[0][0] == number


@pytest.mark.parametrize("number", range(5))
def test_entries_that_change_places_are_found(filled, number):
    change_lines(filled, lambda lines: [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]])
    assert found(filled)[0] == (number, f"entry {number + 1} stands in its place")


@pytest.mark.parametrize("number", range(6))
def test_an_inserted_entry_is_found(filled, number):
    change_lines(filled, lambda lines: [*lines[: number + 1], lines[number], *lines[number + 1 :]])
    assert found(filled)[0] == (number + 1, f"entry {number} stands in its place")


def test_a_cut_tail_is_missed(filled):
    change_lines(filled, lambda lines: lines[:-2])
    assert found(filled) == [(4, "entries from 4 to 5 are gone")]


def test_an_entry_of_another_log_is_found(filled, tmp_path):
    other = Written(Log(tmp_path / "tenants" / "acme", "tenants/acme"))
    other.add("a", "b")
    shutil.copy(filled.log.folder / "key", other.log.folder / "key")
    lines = other.log.segments()[0].path.read_bytes().splitlines(keepends=True)
    change_lines(filled, lambda mine: [*mine[:1], lines[1], *mine[2:]])
    assert found(filled)[0][0] == 1


def test_what_follows_a_changed_entry_is_not_blamed_for_it(filled):
    change_lines(filled, lambda lines: [*lines[:2], lines[2].replace(b'"b"', b'"x"'), *lines[3:]])
    assert [number for number, _ in found(filled)][:1] == [2]
    assert all("follow" not in message for _, message in found(filled))
