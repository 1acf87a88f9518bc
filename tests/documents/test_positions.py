"""Where keys and values stand."""

from __future__ import annotations

from hypothesis import given, settings

from documents.strategies_of_values import documents
from llmcfg.documents.positions import Place, find_places, nearest_place
from llmcfg.documents.writer import write_yaml

TEXT = b"""\
# top
name: openai   # quoted
models:
  - gpt-4
  - id: mini
    tags: [a, {b: c}]
note: |
  one
  two

gone: !delete
last: &x "y"
again: *x
"""


def test_every_path_has_the_place_of_its_key_and_value():
    places = find_places(TEXT)
    assert places[("name",)] == Place(2, 1, 2, 7, 2, 13)
    assert places[("models",)] == Place(3, 1, 4, 3, 6, 22)
    assert places[("models", 0)] == Place(4, 5, 4, 5, 4, 10)
    assert places[("models", 1, "id")] == Place(5, 5, 5, 9, 5, 13)
    assert places[("models", 1, "tags", 1, "b")] == Place(6, 16, 6, 19, 6, 20)
    assert places[("note",)] == Place(7, 1, 7, 7, 9, 6)
    assert places[("gone",)][:4] == (11, 1, 11, 7)
    assert places[("last",)] == Place(12, 1, 12, 7, 12, 13)
    assert places[("again",)] == Place(13, 1, 13, 8, 13, 10)
    assert places[()][:2] == (2, 1)


def test_the_nearest_place_is_that_of_the_closest_ancestor():
    places = find_places(TEXT)
    assert nearest_place(places, ("models", 1, "limits", "rpm")) == places[("models", 1)]
    assert nearest_place(places, ("absent",)) == places[()]


def test_places_of_a_broken_document_end_at_the_mistake():
    assert ("a",) in find_places(b"a: 1\nb: [\n")
    assert find_places(b"\xff") == find_places("\ufffd".encode())


@settings(max_examples=100, deadline=None)
@given(documents)
def test_every_path_of_a_value_has_a_place(value):
    def paths(node, path=()):
        yield path
        for step, child in (
            node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ())
        ):
            yield from paths(child, (*path, step))

    assert set(find_places(write_yaml(value).encode())) == set(paths(value))
