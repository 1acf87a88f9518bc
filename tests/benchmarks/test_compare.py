"""Two revisions side by side: what the spread of their runs lets anybody say, and what the table says of each command."""

import random

from hypothesis import given
from hypothesis import strategies as st

from support.benchmarks import load

spread, compare = load("spread"), load("compare")
times = st.floats(1e-3, 1e3)
pairs = st.lists(st.tuples(times, times), min_size=1, max_size=40)
OPPOSITE = {"faster": "slower", "slower": "faster", "same": "same", "not clear": "not clear"}


def judged(taken):
    return spread.verdict(spread.ratios(*zip(*taken, strict=True)))


@given(pairs)
def test_sides_that_are_swapped_swap_the_verdict(taken):
    assert judged([(after, before) for before, after in taken]) == OPPOSITE[judged(taken)]


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_pairs_says_nothing(taken, chance):
    other = list(taken)
    chance.shuffle(other)
    assert judged(other) == judged(taken)


@given(pairs, st.sampled_from([0.25, 4.0]))
def test_a_machine_of_another_speed_comes_to_the_same_verdict(taken, speed):
    assert judged([(before * speed, after * speed) for before, after in taken]) == judged(taken)


@given(st.lists(st.tuples(times, times), max_size=spread.LEAST_PAIRS - 1).filter(len))
def test_too_few_pairs_never_say_anything(taken):
    assert judged(taken) == "not clear"


@given(st.lists(times, min_size=spread.LEAST_PAIRS, max_size=40), st.floats(1.1, 10))
def test_what_is_always_slower_is_slower_and_what_never_differs_is_the_same(taken, factor):
    assert judged([(once, once * factor) for once in taken]) == "slower"
    assert judged([(once, once) for once in taken]) == "same"


@given(st.lists(times, min_size=9, max_size=40), st.tuples(times, times), st.floats(1.1, 10))
def test_one_pair_that_something_disturbed_does_not_change_the_verdict(taken, disturbed, factor):
    assert judged([disturbed, *((once, once * factor) for once in taken[1:])]) == "slower"


@given(pairs)
def test_the_median_lies_within_its_bounds(taken):
    interval = spread.ratios(*zip(*taken, strict=True))
    assert interval.low <= interval.middle <= interval.high


def test_of_two_programs_that_take_the_same_hardly_any_are_told_apart():
    """One in twenty by the arithmetic, at most; with a seed, so that it is the same every time."""
    chance = random.Random(1)
    told = [
        judged([(chance.lognormvariate(0, 1), chance.lognormvariate(0, 1)) for _ in range(15)]) for _ in range(1_000)
    ]
    assert sum(verdict in ("faster", "slower") for verdict in told) <= 50


def test_a_command_that_fails_on_one_side_is_named_and_the_others_are_judged():
    run = load("processes").Run
    base, here = ({"--help": [run(second, second)] * 9, "plan": []} for second in (1.0, 0.5))
    columns = {
        "v1": compare.Column(base, {"plan": "llmcfg_cli plan ended with 2"}, {}),
        "here": compare.Column(here, {}, {}),
    }
    rows = [*compare.report(columns)]
    assert rows[2] == "| --help | 1.00 s | 500 ms | 0.50 (0.50 to 0.50) | faster | 0.50 (0.50 to 0.50) | faster |"
    assert rows[3] == "| plan | v1: llmcfg_cli plan ended with 2 | | | | | |"


def test_both_sides_take_turns_on_one_repository(tmp_path):
    """Each with its own cache, and the file that is changed is as it was afterwards."""
    load("repositories").write_repository(tmp_path / "repository", 300)
    overlay = next((tmp_path / "repository/environments/dev").rglob("*.yaml"))
    before = overlay.read_bytes()
    sides = {
        name: compare.Side(compare.sys.executable, tmp_path / "repository", tmp_path / name)
        for name in ("base", "here")
    }
    columns = compare.measure(sides, ["version", "validate, one key of an overlay"], 1)
    assert all(len(runs) == 1 for found in columns.values() for runs in found.runs.values())
    assert overlay.read_bytes() == before and all((tmp_path / name).is_dir() for name in sides)
