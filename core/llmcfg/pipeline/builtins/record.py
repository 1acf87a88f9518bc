"""A mapping of the selected configuration, read by type. What is missing or of another kind says where, and what to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.model.value import Path, Value


class RecordError(Exception):
    """The records do not fit together, or do not say what the file needs."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Record:
    """`fields` as they stand at `path`. A field that is null counts as one that is not there."""

    path: Path
    fields: Mapping[str, Value]

    def __contains__(self, key: object) -> bool:
        return self.fields.get(str(key)) is not None

    def text(self, key: str, default: str = "") -> str:
        value = self.fields.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text")
        return value

    def number(self, key: str, default: float = 0) -> int | float:
        value = self.fields.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, value, "a number")
        return value

    def is_on(self, key: str, default: bool = False) -> bool:
        value = self.fields.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        items = self._items(key)
        texts = tuple(item for item in items if isinstance(item, str))
        if len(texts) != len(items):
            raise self._wrong(key, list(items), "a list of texts")
        return texts

    def numbers(self, key: str) -> tuple[int | float, ...]:
        items = self._items(key)
        numbers = tuple(item for item in items if isinstance(item, int | float) and not isinstance(item, bool))
        if len(numbers) != len(items):
            raise self._wrong(key, list(items), "a list of numbers")
        return numbers

    def record(self, key: str) -> Record:
        """The mapping at `key`; an empty one if it is not there."""
        value = self.fields.get(key)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self._wrong(key, value, "a mapping")
        return Record((*self.path, key), value)

    def records(self, key: str) -> tuple[Record, ...]:
        """The mappings of the list at `key`."""
        return tuple(self._listed(key, at, item) for at, item in enumerate(self._items(key)))

    def named(self) -> Iterator[tuple[str, Record]]:
        """Every field as a mapping, with its name."""
        for key in self.fields:
            if key in self:
                yield key, self.record(key)

    def need(self, key: str, why: str = "") -> str:
        """The text at `key`, which must be there."""
        value = self.text(key)
        if not value:
            raise RecordError(
                f"{self.at(key)} is missing{': ' + why if why else ''}", hint=f"set {self.at(key)}, and select it"
            )
        return value

    def at(self, key: str) -> str:
        return format_key_path((*self.path, key))

    def _items(self, key: str) -> Sequence[Value]:
        value = self.fields.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(key, value, "a list")
        return value

    def _listed(self, key: str, at: int, item: Value) -> Record:
        if not isinstance(item, dict):
            raise self._wrong(key, [item], "a list of mappings")
        return Record((*self.path, key, at), item)

    def _wrong(self, key: str, value: Value, wanted: str) -> RecordError:
        return RecordError(
            f"{self.at(key)} is a {kind_of(value)}, where the file needs {wanted}",
            hint="llmcfg explain says what sets it",
        )
