"""Fields of a mapping with their places. What is not of the kind that is asked for counts as absent: schemas say that, not rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from llmcfg.llm.platform import Given, Rate, Spot, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Node(Struct, frozen=True):
    """A value and its place. Anything that is no mapping has no fields."""

    value: Any
    spot: Spot

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.value if isinstance(self.value, dict) else {}

    def at(self, *steps: str | int) -> Node:
        """The node at a way in; its value is None where there is none."""
        value: Any = self.value
        for step in steps:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                value = None
        return Node(value, self.spot.at(*steps))

    def __contains__(self, key: str) -> bool:
        return key in self.fields

    def items(self) -> Iterator[tuple[str, Node]]:
        """The fields of a mapping."""
        return ((key, Node(value, self.spot.at(key))) for key, value in self.fields.items())

    def each(self) -> Iterator[Node]:
        """The items of a list."""
        items = self.value if isinstance(self.value, list) else ()
        return (Node(value, self.spot.at(index)) for index, value in enumerate(items))

    def given(self, *names: str) -> Given[Any] | None:
        """The first of these fields that is there and not null."""
        fields = self.fields
        for name in names:
            value = fields.get(name)
            if value is not None:
                return Given(value, self.spot.at(name))
        return None

    def text(self, *names: str) -> Given[str] | None:
        found = self.given(*names)
        return found if found is not None and isinstance(found.value, str) else None

    def number(self, *names: str) -> Given[float] | None:
        """A number, or a text that is one."""
        found = self.given(*names)
        value = None if found is None else number_of(found.value)
        return None if found is None or value is None else Given(value, found.spot)

    def count(self, *names: str) -> Given[int] | None:
        found = self.number(*names)
        return None if found is None or not float(found.value).is_integer() else Given(int(found.value), found.spot)

    def texts(self, *names: str) -> Given[tuple[str, ...]] | None:
        """A list of texts, or one text."""
        found = self.given(*names)
        if found is None or not isinstance(found.value, list | str):
            return None
        items = [found.value] if isinstance(found.value, str) else found.value
        return Given(tuple(item for item in items if isinstance(item, str)), found.spot)

    def each_text(self, name: str) -> Iterator[Given[str]]:
        """The texts of a list, each with its own place; or one text."""
        node = self.at(name)
        if isinstance(node.value, str):
            yield Given(node.value, node.spot)
        yield from (Given(item.value, item.spot) for item in node.each() if isinstance(item.value, str))

    def flag(self, name: str, otherwise: bool) -> bool:
        value = self.fields.get(name)
        return value if isinstance(value, bool) else otherwise

    def given_fields(self) -> dict[str, Given[Any]]:
        """All fields that are not null."""
        return {key: Given(node.value, node.spot) for key, node in self.items() if node.value is not None}

    def rate(self) -> Rate:
        return Rate(
            self.count("rpm", "requests_per_minute"),
            self.count("tpm", "tokens_per_minute"),
            self.count("max_parallel", "max_parallel_requests", "concurrency"),
        )


def number_of(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def waiting_of(timeouts: Node, retries: Node) -> Waiting:
    """From the fields of records: `timeouts.request_seconds`, `retries.max`."""
    return Waiting(
        timeouts.number("request_seconds", "request"),
        timeouts.number("stream_idle_seconds", "stream_idle"),
        retries.count("max"),
    )
