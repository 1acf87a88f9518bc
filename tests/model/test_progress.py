"""Long work that is watched: what is being done, and how much of it."""

from __future__ import annotations

from llmcfg.model.progress import Progress


def test_what_nobody_watches_is_gone_through_as_it_is() -> None:
    items = [1, 2, 3]
    assert Progress().over("reading", items) is items
    assert str(Progress()) == ""


def test_items_are_counted_when_they_are_done_and_the_count_goes_with_the_last() -> None:
    work, seen = Progress(), []
    with work.watched():
        for item in work.over("reading documents", ["a"] * 1201):
            seen.append((item, str(work)))
        assert str(work) == ""
    assert seen[0] == ("a", "reading documents 0 of 1,201")
    assert seen[-1] == ("a", "reading documents 1,200 of 1,201")


def test_counts_within_counts_are_said_from_the_outside() -> None:
    work, seen = Progress(), []
    with work.watched():
        for _ in work.over("building releases", range(2)):
            seen += [str(work) for _ in work.over("reading documents", range(30))]
            seen.append(str(work))
    assert seen[31] == "building releases 1 of 2, reading documents 0 of 30"
    assert seen[30] == "building releases 0 of 2"


def test_a_few_items_within_a_count_are_not_worth_telling() -> None:
    work = Progress()
    with work.watched():
        seen = [str(work) for _ in work.over("selecting", range(1)) for _ in work.over("reading documents", range(3))]
    assert seen == ["selecting 0 of 1"] * 3


def test_items_without_a_number_are_counted_without_one() -> None:
    work = Progress()
    with work.watched():
        commits = work.over("looking at commits", (number for number in range(2)))
        assert [str(work) for _ in commits] == ["looking at commits 0", "looking at commits 1"]


def test_work_that_only_says_when_one_is_done_is_counted_too() -> None:
    work = Progress()
    with work.watched():
        done = work.counter("rendering files", 2)
        seen = [str(work)]
        for _ in range(3):  # one was done twice
            done()
            seen.append(str(work))
    assert seen == ["rendering files 0 of 2", "rendering files 1 of 2", "", ""]


def test_work_that_is_given_up_leaves_no_count() -> None:
    work = Progress()
    with work.watched():
        for _ in work.over("reading documents", range(9)):
            break
        assert str(work) == ""
