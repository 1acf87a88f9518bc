"""The digest tree: a map with one digest for one content, whatever the way to it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmcfg.bundlefile.bundle import make_leaf
from llmcfg.bundlefile.nodes import LEAVES, Branch
from llmcfg.bundlefile.tree import Tree, build_tree
from llmcfg.errors import UsageError

NAMES = st.text("ab/.", min_size=1, max_size=6) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
)
MAPS = st.dictionaries(NAMES, st.sampled_from([b"1", b"2"]), max_size=80)


def tree(contents):
    return build_tree({name: make_leaf(content) for name, content in contents.items()})


def contents(made):
    return {name: leaf.place for name, leaf in made.below()}


@given(MAPS)
def test_what_is_put_in_is_found_and_nothing_else(wanted):
    made = tree(wanted)

    assert contents(made) == wanted
    assert len(made) == len(wanted)
    assert all(made.find(name).sha256 == hashlib.sha256(content).digest() for name, content in wanted.items())
    assert all(made.find(name + "x") is None for name in wanted if name + "x" not in wanted)


@given(MAPS, MAPS)
@example({f"a/{number}": b"1" for number in range(40)}, {"b": b"1"})
@example({f"a/{number}": b"1" for number in range(40)}, {f"a/{number}": b"1" for number in range(16)})
@example({f"a/{number}": b"1" for number in range(17)} | {"b": b"1"}, {f"a/{number}": b"1" for number in range(17)})
def test_the_way_to_a_content_does_not_matter(before, after):
    changes = {name: None for name in before if name not in after}
    changes |= {name: make_leaf(content) for name, content in after.items()}

    changed = tree(before).changed(changes)

    assert contents(changed) == after
    assert changed.digest == tree(after).digest


@given(MAPS, MAPS)
def test_equal_roots_mean_equal_contents(one, other):
    assert (tree(one).digest == tree(other).digest) == (one == other)


@given(MAPS, MAPS)
@example({f"a/b/{number}": b"1" for number in range(40)}, {f"a/b/{number}": b"1" for number in range(40)} | {"c": b"1"})
@example({f"a/b/{number}": b"1" for number in range(40)}, {f"x/y/{number}": b"1" for number in range(40)})
def test_differences_are_exactly_what_differs(before, after):
    found = {change.name: change for change in tree(before).differences(tree(after))}

    assert {*found} == {name for name in {*before, *after} if before.get(name) != after.get(name)}
    for name, change in found.items():
        assert (change.before and change.before.place, change.after and change.after.place) == (
            before.get(name),
            after.get(name),
        )


@given(MAPS, st.text("ab/.", max_size=3))
def test_what_is_below_a_prefix_comes_in_the_order_of_its_bytes(wanted, prefix):
    found = [name for name, _ in tree(wanted).below(prefix)]

    assert found == sorted((name for name in wanted if name.startswith(prefix)), key=str.encode)


def test_a_change_makes_few_nodes_anew_and_shares_the_rest():
    before = tree({f"config/d{number:05d}.json": b"1" for number in range(5_000)})

    after = before.changed({"config/d02500.json": make_leaf(b"2")})

    assert len(_nodes(after) - _nodes(before)) <= 6
    assert len(_nodes(after)) > 500


def test_a_part_that_is_not_there_can_be_taken_out():
    made = tree({f"n{number}": b"1" for number in range(40)})

    assert made.changed({"other": None, "n1x": None}).digest == made.digest


def test_names_that_begin_one_another_are_kept_apart():
    wanted = {"a" * length: b"1" for length in range(1, 60)}

    assert contents(tree(wanted)) == wanted
    assert contents(Tree(tree({}).root).changed({name: make_leaf(b"1") for name in wanted})) == wanted


@pytest.mark.parametrize("name", ["a\0b", "n" * 5000])
def test_a_name_that_cannot_be_stored_is_refused(name):
    with pytest.raises(UsageError):
        tree({name: b""})


@settings(max_examples=20)
@given(st.integers(0, 40))
def test_a_bucket_holds_sixteen_parts_and_a_branch_more(count):
    made = tree({f"n{number:02d}": b"1" for number in range(count)})

    assert isinstance(made.root, Branch) == (count > LEAVES)


def _nodes(made):
    found = set()

    def visit(node):
        found.add(id(node))
        if isinstance(node, Branch):
            for child in node.children.values():
                visit(child)

    visit(made.root)
    return found
