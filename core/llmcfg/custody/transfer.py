"""Taking secrets over from elsewhere: from another layer, or from variables of a file. No value is shown on the way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.custody.changes import Written, put_all, put_binary
from llmcfg.custody.places import BINARY, Place, choose_place
from llmcfg.custody.reveal import Wanted, open_values
from llmcfg.errors import ConflictError, NotAuthorisedError, UsageError
from llmcfg.secrets.amend import leaf_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.custody.files import Custody
    from llmcfg.custody.places import Held
    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.model import Leaf

State: TypeAlias = Literal["new", "changed", "same", "there"]


class Incoming(NamedTuple):
    """A value that is to be set. `state` is `there` when the value before cannot be opened to be compared."""

    place: Place
    leaf: Leaf
    state: State


def check_copy(source: Held, place: Place) -> None:
    """Raises UsageError for a copy that would be its own original."""
    if source.file == place.file and source.secret.name == place.name:
        raise UsageError(
            f"{place.name} of {place.file} would be copied onto itself",
            hint="say where to: --to-env, --to-tenant or --as",
        )


def copy(custody: Custody, source: Held, place: Place) -> Written:
    """Set at `place` what `source` holds now. Raises NotAuthorisedError when the source cannot be opened."""
    leaf = open_values(custody, [Wanted(source)])[source.secret.name]
    if place.file.endswith(BINARY):
        return put_binary(custody, place.file, leaf.reveal())
    if leaf.kind == "bytes":
        leaf = leaf_of(leaf.reveal())
    return put_all(custody, place.folder, {place.file: {place.path: leaf}})[0]


def compare(custody: Custody, folder: str, values: Iterable[tuple[Path, str]], file: str | None) -> list[Incoming]:
    """Where each value would go, and what would change. Raises ConflictError and UsageError as `choose_place` does."""
    found = [
        (choose_place(custody.configuration, folder, path, file), leaf_of(value.encode())) for path, value in values
    ]
    twice = [name for name, count in Counter(place.name for place, _ in found).items() if count > 1]
    if twice:
        raise ConflictError(f"{twice[0]} is set twice", hint="keep one of the two")
    if any(place.file.endswith(BINARY) for place, _ in found):
        raise UsageError("a .age file holds one value as a whole", hint="name a .yaml file, or none")
    before = _values_before(custody, [place for place, _ in found])
    return [Incoming(place, leaf, _state(place, leaf, before)) for place, leaf in found]


def take_over(custody: Custody, folder: str, incoming: Iterable[Incoming]) -> list[Written]:
    """Set all of them, by file; or none."""
    files: dict[str, dict[Path, Leaf]] = {}
    for one in incoming:
        if one.state != "same":
            files.setdefault(one.place.file, {})[one.place.path] = one.leaf
    return put_all(custody, folder, files)


def _values_before(custody: Custody, places: list[Place]) -> dict[str, Leaf | None]:
    """By name what there is; None for what cannot be opened."""
    by_file: dict[str, list[Held]] = {}
    for place in places:
        if place.held is not None and place.held.secret.is_set:
            by_file.setdefault(place.file, []).append(place.held)
    values: dict[str, Leaf | None] = {}
    for there in by_file.values():
        try:
            values.update(open_values(custody, map(Wanted, there)))
        except NotAuthorisedError:
            values.update(dict.fromkeys(held.secret.name for held in there))
    return values


def _state(place: Place, leaf: Leaf, before: dict[str, Leaf | None]) -> State:
    if place.name not in before:
        return "new"
    old = before[place.name]
    return "there" if old is None else "same" if old == leaf else "changed"
