"""Every row of docs/spec/faults.md is shown by a test or says why not, and every test that names a row is told there."""

from __future__ import annotations

from collections import Counter

from .catalogue import marked, rows, shown_in

ANEW = "write it anew with python -m tests.faults.catalogue, and read the change"


def test_every_row_stands_there_once_and_in_order():
    names = [row.name for row in rows()]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert len(names) >= 228
    for letter in {name[0] for name in names}:
        numbers = [int(name[1:]) for name in names if name[0] == letter]
        assert numbers == list(range(1, len(numbers) + 1))


def test_every_row_names_the_tests_that_show_it():
    found = marked()
    assert {row.name: row.shown for row in rows()} == {row.name: shown_in(found.get(row.name, [])) for row in rows()}, (
        ANEW
    )


def test_a_row_that_no_test_shows_says_so_and_no_other_does():
    found = marked()
    silent = [row.name for row in rows() if row.name not in found and not row.is_open]
    assert silent == [], (
        "nothing shows these: mark a test with @pytest.mark.fault, or begin what happens with Not built or Not tested"
    )
    wrong = [row.name for row in rows() if row.name in found and row.outcome in ("Not built", "Not tested")]
    assert wrong == [], "a test shows these: say what happens"


def test_every_mark_is_a_row():
    assert set(marked()) - {row.name for row in rows()} == set()
