"""The effective configuration of a scope, asked for one place of it: the same as in the whole of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import UnknownKeyError
from llmcfg.model.target import Scope
from support.written import opened

STEPS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.integers(0, 3), lambda inner: st.dictionaries(STEPS, inner, max_size=3) | st.lists(inner, max_size=2)
)
DOCUMENTS = st.dictionaries(
    st.lists(STEPS, min_size=1, max_size=3).map("/".join), st.dictionaries(STEPS, VALUES, max_size=3), max_size=4
)
PATHS = st.lists(STEPS | st.integers(0, 1), max_size=4).map(tuple)
NOTHING = object()


def at(value, path):
    for step in path:
        inside = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list) and step < len(value)
        if not inside or (isinstance(step, str) and step not in value):
            return NOTHING
        value = value[step]
    return value


@given(DOCUMENTS, PATHS)
def test_a_place_holds_what_the_whole_tree_holds_there(documents, path):
    effective = opened({f"base/{name}.yaml": f"{value}\n" for name, value in documents.items()}).effective(
        Scope("prod", None)
    )
    expected = at(effective.tree(), path)
    try:
        assert effective.value_at(path) == expected
    except UnknownKeyError:
        assert expected is NOTHING
    assert effective.keys_at(path) == (expected.keys() if isinstance(expected, dict) else set())
