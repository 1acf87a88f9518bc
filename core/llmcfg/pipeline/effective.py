"""The effective configuration of one scope: its documents as they hold there, and the secrets that it sees."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from msgspec import Struct

from llmcfg.errors import UnknownKeyError
from llmcfg.model.assembly import assemble
from llmcfg.model.keypath import format_key_path
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.reads import MISSING, Missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.model.laid import Laid
    from llmcfg.model.reference import SecretUse
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path, Scalar, Value
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.secrets.names import HeldValue, NamedSecret


class ScopedSecret(Struct, frozen=True):
    """A secret as a scope sees it: the highest layer that names it wins."""

    secret: NamedSecret
    entry: BlobEntry


class Effective(Struct, frozen=True, eq=False):
    """The effective configuration of one scope. `linked` are the names of the documents with references."""

    scope: Scope
    folders: tuple[str, ...]
    documents: Laid[Resolved]
    linked: tuple[str, ...]
    unreadable: frozenset[str]
    variables: Mapping[str, Scalar]
    secrets: Mapping[str, ScopedSecret]

    def has_secret(self, name: str) -> bool:
        return name in self.secrets

    def has_previous(self, name: str) -> bool:
        """Whether a secret is in the overlap of a rotation."""
        return name in self.secrets and self.secrets[name].secret.previous is not None

    def secret_names(self) -> frozenset[str]:
        return frozenset(self.secrets)

    def held(self, use: SecretUse) -> HeldValue | None:
        """The encrypted value that a use takes here; None for one that is not there."""
        scoped = self.secrets.get(use.name)
        return scoped.secret.held(use.selector) if scoped else None

    def tree(self) -> dict[str, Value]:
        """All documents as one nested mapping; it shares their values."""
        return self._tree_of(self.documents)

    def owner(self, path: Path) -> tuple[Resolved, Path] | None:
        """The document that a full key path lies in, and the path inside it."""
        for length in range(len(path), 0, -1):
            if all(isinstance(step, str) for step in path[:length]):
                resolved = self.documents.get("/".join(str(step) for step in path[:length]))
                if resolved is not None and _at(resolved.value, path[length:]) is not MISSING:
                    return resolved, path[length:]
        return None

    def value_at(self, path: Path) -> Value:
        """The value at a full key path. Raises UnknownKeyError with the nearest key that is there."""
        found = _at(self._tree_around(path), path)
        if found is not MISSING:
            return found
        value: Value = self.tree()
        for index, step in enumerate(path):
            inner = _inside(value, step)
            if inner is MISSING:
                raise UnknownKeyError(
                    f"{self.scope} has no key {format_key_path(path)}", hint=_suggest(path[: index + 1], value)
                )
            value = inner
        return value

    def keys_at(self, path: Path) -> frozenset[str]:
        """The keys of the mapping at a path; none where there is no mapping. Documents below it are not looked into."""
        way = _way(path)
        lie_below = all(isinstance(step, str) for step in path)
        below = {
            name.removeprefix(way).partition("/")[0] for name in self.documents if name.startswith(way) and lie_below
        }
        value = _at(self._tree_of(name for name in self.documents if way.startswith(f"{name}/")), path)
        return frozenset(below.union(value if isinstance(value, dict) else ()))

    def _tree_around(self, path: Path) -> dict[str, Value]:
        """The same tree at and below this path: of the documents that lie on the way to it, and below it."""
        way = _way(path)
        return self._tree_of(
            name for name in self.documents if way.startswith(f"{name}/") or f"{name}/".startswith(way)
        )

    def _tree_of(self, names: Iterable[str]) -> dict[str, Value]:
        return assemble((name, self.documents[name].value) for name in names)


def _way(path: Path) -> str:
    """The folders of documents that a path leads through, up to its first index."""
    return "".join(f"{step}/" for step in takewhile(lambda step: isinstance(step, str), path))


def _at(value: Value, path: Path) -> Value | Missing:
    found: Value | Missing = value
    for step in path:
        found = MISSING if isinstance(found, Missing) else _inside(found, step)
    return found


def _inside(value: Value, step: str | int) -> Value | Missing:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, MISSING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return MISSING


def _suggest(path: Path, around: Value) -> str:
    """The key beside which the last step of the path is not there."""
    if not isinstance(around, dict):
        return ""

    def full(key: str) -> str:
        return format_key_path((*path[:-1], key))

    shown = ", ".join(full(key) for key in islice(around, 6)) + (", …" if len(around) > 6 else "")
    return did_you_mean(str(path[-1]), around, f"there are: {shown}" if around else "", write=full)
