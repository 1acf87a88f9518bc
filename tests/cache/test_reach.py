"""A comparison that looks only at what a change can reach says what one of everything says, whatever was remembered before."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.random_repositories import DOCUMENTS, REPOSITORIES, TODAY
from cache.test_laws import DAMAGES, damage
from cache.test_still_sound import BASE, TEXTS
from llmcfg.cache.store import DiskCache
from llmcfg.ci.choosing import Chosen, chosen_sides
from llmcfg.ci.sides import compare_sides, examine_side
from llmcfg.errors import FindingsError, UnknownKeyError
from llmcfg.model.keypath import parse_key_path
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.diff import compare, extent_of
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.reach import find_reach
from llmcfg.pipeline.readers import find_readers
from support.sealed import sealed
from support.written import WrittenSnapshot

QUICK = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SWEEP = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIRST = {
    **BASE,
    "consumers/other.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [plain.k, folder, secret]\nshared: true\n",
    "base/whole.yaml": "all: '{{config:folder}}'\n",
    "base/again.yaml": "k: '{{secret:key}}'\n",
}
OTHERS = {
    "base/again.yaml": ["k: 1\n", "k: '{{secret:kei}}'\n", None],
    "base/folder/new.yaml": ["k: 3\n", "k: '{{config:folder.in}}'\n", None],
    "base/folder/in.yaml": [None],
    "base/plain.yaml": [None],
    "base/secrets/k.yaml": [sealed("key: other\nkei: other\n"), sealed("key: one\n"), "key: [\n", None],
    "environments/prod/secrets/k.yaml": [sealed("key: prod\n"), None],
    "environments/prod/folder/in.yaml": ["k: 4\n", "k: [\n", None],
    "tenants/acme/environments/prod/plain.yaml": ["k: 8\n", "k: 1\n", None],
    "tenants/beta/lists.yaml": ["l: [5]\n", None],
    "policies/changes.yaml": ["limits: []\n", None],
    "consumers/other.yaml": ["apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [other]\n", "x: [\n", None],
    "llmcfg.yaml": [BASE["llmcfg.yaml"].replace("one: 1", "one: 2")],
    "README.md": ["Read me\n"],
    "base/plain.yml": ["k: 4\n", None],
}
EDITS = st.one_of(
    st.sampled_from([(path, text) for path, texts in TEXTS.items() for text in (*texts, BASE[path])]),
    st.sampled_from([(path, text) for path, texts in OTHERS.items() for text in (*texts, FIRST.get(path))]),
    st.tuples(st.sampled_from(["base/plain.yaml", "base/other.yaml", "base/uses.yaml", "tenants/acme/other.yaml"]), DOCUMENTS),
)  # fmt: skip
STEPS = st.lists(st.lists(EDITS, min_size=1, max_size=3), min_size=2, max_size=4)
CHOICES = st.sampled_from([Chosen(), Chosen(), Chosen(["prod"]), Chosen((), ["acme"]), Chosen((), (), ["app"])])


def edited(files, edits):
    changed = {**files, **dict(edits)}
    return {path: text for path, text in changed.items() if text is not None}


def compared(before, after, chosen, memo):
    """All that `diff` says of two states: what differs, what is left out, how much that stands for; or why it cannot tell."""
    try:
        sides = [Configuration(WrittenSnapshot(files), memo) for files in (before, after)]
        earlier, later = chosen_sides(*sides, chosen)
    except FindingsError as error:
        return error.message, error.findings
    broken = earlier.broken | later.broken
    return compare(earlier.without(broken), later.without(broken)), broken, extent_of(sides[1])


def with_cache(file, *asked):
    cache = DiskCache(file)
    try:
        return compared(*asked, Memo(cache))
    finally:
        cache.close()


def hold(steps, chosen, damages=()):
    """Of each state with the first one, and with the one before, whatever was kept meanwhile."""
    states = [FIRST]
    for edits in steps:
        states.append(edited(states[-1], edits))
    with TemporaryDirectory() as folder:
        file, broken, plain = Path(folder) / "c.sqlite", [*damages], Memo()
        with_cache(file, FIRST, FIRST, Chosen())
        for at in range(1, len(states)):
            for before in (states[at - 1], FIRST):
                expected = compared(before, states[at], chosen, plain)
                assert with_cache(file, before, states[at], chosen) == expected
            if broken:
                damage(file, *broken.pop())


@QUICK
@given(STEPS, CHOICES)
def test_what_a_change_can_reach_is_compared_as_everything_is(steps, chosen):
    hold(steps, chosen)


@QUICK
@given(STEPS, CHOICES, st.lists(DAMAGES, min_size=3, max_size=3))
def test_a_damaged_record_changes_no_comparison(steps, chosen, damages):
    hold(steps, chosen, damages)


@QUICK
@given(REPOSITORIES, REPOSITORIES)
def test_repositories_that_share_nothing_are_compared_as_without_a_record(before, after):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "c.sqlite"
        with_cache(file, before, before, Chosen())
        for sides in ((before, after), (after, before)):
            assert with_cache(file, *sides, Chosen()) == compared(*sides, Chosen(), Memo())


@pytest.mark.sweep
@SWEEP
@given(STEPS, CHOICES)
def test_what_many_changes_can_reach_is_compared_as_everything_is(steps, chosen):
    hold(steps, chosen)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("path", "text"), [(path, text) for texts in (TEXTS, OTHERS) for path, found in texts.items() for text in found]
)
def test_each_change_alone_is_compared_as_everything_is(path, text):
    hold([[(path, text)], [(path, FIRST.get(path))]], Chosen())


def reviewed(before, after, memo):
    """All that `ci` takes from two states: findings, what differs, and what all bundles are."""
    old = examine_side(lambda: Configuration(WrittenSnapshot(before), memo), TODAY)
    new = examine_side(lambda: Configuration(WrittenSnapshot(after), memo), TODAY, old.configuration)
    digests = [{str(target): it.digest for target, it in side.built.bundles.items()} for side in (old, new)]
    return old.findings, new.findings, compare_sides(old, new), digests


@QUICK
@given(STEPS)
def test_a_review_by_what_was_sound_says_what_one_of_everything_says(steps):
    before, plain = FIRST, Memo()
    with TemporaryDirectory() as folder:
        for edits in steps:
            after, cache = edited(before, edits), DiskCache(Path(folder) / "c.sqlite")
            assert reviewed(before, after, Memo(cache)) == reviewed(before, after, plain)
            cache.close()
            before = after if "llmcfg.yaml" in after else FIRST


KEYS = st.sampled_from(["plain.k", "other", "folder", "other.m.x", "secret", "nowhere.k", "llm_providers"])


def readers(files, key, memo):
    try:
        configuration = Configuration(WrittenSnapshot(files), memo)
        return find_readers(configuration, parse_key_path(key), configuration.scopes)
    except (FindingsError, UnknownKeyError) as error:
        return error.message, error.hint, getattr(error, "findings", ())


@QUICK
@given(STEPS, KEYS)
def test_who_reads_a_key_is_told_by_the_record_as_by_a_look_at_everything(steps, key):
    files = FIRST
    with TemporaryDirectory() as folder:
        with_cache(Path(folder) / "c.sqlite", FIRST, FIRST, Chosen())
        for edits in steps:
            files, cache = edited(files, edits), DiskCache(Path(folder) / "c.sqlite")
            assert readers(files, key, Memo(cache)) == readers(files, key, Memo())
            cache.close()


@pytest.fixture
def cache(tmp_path):
    cache = DiskCache(tmp_path / "c.sqlite")
    compared(FIRST, FIRST, Chosen(), Memo(cache))
    yield cache
    cache.close()


def reach(cache, edits, before=FIRST):
    sides = (Configuration(WrittenSnapshot(files), Memo(cache)) for files in (before, edited(before, edits)))
    return find_reach(*sides)


def test_a_change_reaches_what_asked_for_it_where_it_is_laid_and_the_bundles_that_select_it(cache):
    found = reach(cache, [("tenants/acme/other.yaml", "k: 12\n")])
    assert found.names >= {"other"}
    assert {scope.tenant for scope in found.scopes} == {"acme"}
    assert {target.consumer for target in found.targets} == {"app"}
    assert "uses" in found.names
    assert "lists" not in found.names


def test_a_document_that_comes_reaches_what_asked_for_its_folder(cache):
    assert "whole" in reach(cache, [("base/folder/new.yaml", "k: 3\n")]).names
    assert "whole" not in reach(cache, [("tenants/beta/lists.yaml", "l: [5]\n")]).names


def test_what_judges_a_change_reaches_nothing(cache):
    found = reach(cache, [("policies/changes.yaml", "limits: []\n")])
    assert (found.names, found.scopes, found.targets) == (frozenset(), (), ())


def test_two_files_of_one_document_are_compared_as_everything_is():
    hold([[("base/plain.yml", "k: 4\n"), ("base/plain.yaml", "k: 3\n")], [("base/plain.yaml", None)]], Chosen())


@pytest.mark.parametrize("path", ["llmcfg.yaml", "consumers/app.yaml", "templates/t.j2"])
def test_how_far_other_files_reach_is_not_known(path, cache):
    assert reach(cache, [(path, f"{FIRST[path]}\n")]) is None
    assert ("compare all", path) in cache.missed
