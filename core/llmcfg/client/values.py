"""What reads give: read-only mappings and lists, and references to secrets in a type of their own.

Values are shared between all who read them, so nobody may change one: mutators raise TypeError, and `copy.deepcopy` gives plain ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.bundlefile.sealed import SealedValue

    Resolve = Callable[["SecretReference"], Any]


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("configuration is read-only; copy.deepcopy() gives values that may be changed")


_READ_ONLY: Any = _refuse


class ReadOnlyDict(dict[str, Any]):
    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _READ_ONLY
    clear = pop = popitem = setdefault = update = _READ_ONLY

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: plain(item) for key, item in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _READ_ONLY
    append = clear = extend = insert = pop = remove = reverse = sort = _READ_ONLY

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [plain(item) for item in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


class SecretReference:
    """Stands where a value needs secrets that were not opened. `parts` are texts and the names of secrets, in their order."""

    __slots__ = ("names", "parts")

    def __init__(self, parts: tuple[str | SecretName, ...]) -> None:
        self.parts = parts
        self.names = tuple(part for part in parts if isinstance(part, SecretName))

    def __str__(self) -> str:
        """As configuration writes it."""
        return "".join("{{secret:" + part + "}}" if isinstance(part, SecretName) else part for part in self.parts)

    def __repr__(self) -> str:
        return f"SecretReference({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretReference) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)


class SecretName(str):
    """The name of a secret among the texts of a reference."""

    __slots__ = ()


class SecretText(str):
    """The value of a secret, or a text with one in it. It is a `str` for whoever uses it, and shows nothing in a repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretText('***')"


class SecretBytes(bytes):
    """The value of a binary secret, as SecretText is that of a text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretBytes('***')"


class Secret:
    """The value of a secret. Only `reveal` shows it."""

    __slots__ = ("_value",)

    def __init__(self, value: SealedValue) -> None:
        self._value = value

    def reveal(self) -> SealedValue:
        """Text, a number or a boolean, as the secret file has it; bytes for a binary secret."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (type(self._value), self._value) == (type(other._value), other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('***')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret stays in its process")


def read_only(value: Any, resolve: Resolve) -> Any:
    """A value of a bundle as reads give it. `resolve` says what a reference to secrets becomes."""
    if isinstance(value, dict):
        if is_reference(value):
            return resolve(parse_reference(value))
        return ReadOnlyDict({key: read_only(item, resolve) for key, item in value.items()})
    if isinstance(value, list):
        return ReadOnlyList([read_only(item, resolve) for item in value])
    return value


def plain(value: Any) -> Any:
    """Mappings and lists that may be changed."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def is_reference(value: dict[str, Any]) -> bool:
    return len(value) == 1 and ("$secret" in value or "$text" in value)


def parse_reference(value: dict[str, Any]) -> SecretReference:
    """`{"$secret": name}`, or `{"$text": [...]}` with such and texts in it (docs/spec/bundle.md)."""
    if "$secret" in value:
        return SecretReference((SecretName(value["$secret"]),))
    parts = value["$text"]
    return SecretReference(tuple(part if isinstance(part, str) else SecretName(part["$secret"]) for part in parts))
