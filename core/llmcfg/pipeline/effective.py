"""The effective configuration of one scope: its documents as they hold there, and the secrets that it sees."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from llmcfg.errors import UnknownKeyError
from llmcfg.model.assembly import assemble
from llmcfg.model.keypath import format_key_path
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.reads import MISSING, Missing

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        return assemble((name, resolved.value) for name, resolved in self.documents.items())

    def owner(self, path: Path) -> tuple[Resolved, Path] | None:
        """The document that a full key path lies in, and the path inside it."""
        for length in range(len(path), 0, -1):
            if all(isinstance(step, str) for step in path[:length]):
                resolved = self.documents.get("/".join(str(step) for step in path[:length]))
                if resolved is not None and _has(resolved.value, path[length:]):
                    return resolved, path[length:]
        return None

    def value_at(self, path: Path) -> Value:
        """The value at a full key path. Raises UnknownKeyError with the nearest key that is there."""
        value: Value = self.tree()
        for index, step in enumerate(path):
            inner = _inside(value, step)
            if inner is MISSING:
                raise UnknownKeyError(
                    f"{self.scope} has no key {format_key_path(path)}", hint=_suggest(path[: index + 1], value)
                )
            value = inner
        return value


def _has(value: Value, path: Path) -> bool:
    for step in path:
        inner = _inside(value, step)
        if inner is MISSING:
            return False
        value = inner
    return True


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
