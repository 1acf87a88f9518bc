"""Merge tags that are left after layers were laid together: what they still mean, and what becomes of them in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import MergeTag, Path, Tagged, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[Problem], None]

DELETED: Final = Tagged(MergeTag.DELETE, True)
"""A `!delete` that did find its value, kept for the pattern's: it need not find anything more."""


def has_tags(value: Value) -> bool:
    """Whether a merge tag is left anywhere in the value."""
    if isinstance(value, Tagged):
        return True
    if isinstance(value, dict):
        return any(has_tags(item) for item in value.values())
    return isinstance(value, list) and any(has_tags(item) for item in value)


def find_tags(value: Value, at: Path = ()) -> Iterator[tuple[Path, Tagged]]:
    """Every merge tag in the value, with its path."""
    if isinstance(value, Tagged):
        yield at, value
        value = value.value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from find_tags(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_tags(item, (*at, index))


def settle(value: Value, report: Report, at: Path = ()) -> Value:
    """The value without the tags that found nothing beneath, each of them reported."""
    if isinstance(value, dict):
        settled = {
            key: settle(item, report, (*at, key))
            for key, item in value.items()
            if not deletes_nothing(item, report, (*at, key))
        }
        return value if all(settled.get(key) is item for key, item in value.items()) else settled
    if isinstance(value, list):
        items = [settle(item, report, (*at, index)) for index, item in enumerate(value)]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, Tagged):
        if value.tag is MergeTag.REPLACE:
            return settle(value.value, report, at)
        report(
            Problem("merge-append-missing", f"{value.tag} finds no list at {format_key_path(at)}", path=at,
                    hint=f"write the list without {value.tag}, or check the key's spelling")
        )  # fmt: skip
        before, after = additions(value)
        return settle([*before, *after], report, at)
    return value


def no_hint() -> str:
    return "nothing beneath sets this key: remove the line, or check its spelling"


def deletes_nothing(value: Value, report: Report, at: Path, hint: Callable[[], str] = no_hint) -> bool:
    """Whether the value is a `!delete` that is left, which is reported if it never found anything."""
    if not isinstance(value, Tagged) or value.tag is not MergeTag.DELETE:
        return False
    if value.value is None:
        report(
            Problem("merge-delete-missing", f"!delete finds nothing at {format_key_path(at)}", path=at,
                    hint=hint())
        )  # fmt: skip
    return True


def additions(tagged: Tagged) -> tuple[list[Value], list[Value]]:
    """What `!append` and `!prepend` put before and after a list."""
    if isinstance(tagged.value, dict):
        both = tagged.value["before"], tagged.value["after"]
        assert isinstance(both[0], list)
        assert isinstance(both[1], list)
        return both[0], both[1]
    items: list[Value] = tagged.value if isinstance(tagged.value, list) else [tagged.value]
    return ([], items) if tagged.tag is MergeTag.APPEND else (items, [])


def pending(before: list[Value], after: list[Value]) -> Tagged:
    """Additions to a list that a pattern may still give. On both sides, they are kept in a mapping."""
    if not before:
        return Tagged(MergeTag.APPEND, after)
    if not after:
        return Tagged(MergeTag.PREPEND, before)
    return Tagged(MergeTag.APPEND, {"before": before, "after": after})


def is_deletion(value: Value) -> bool:
    return isinstance(value, Tagged) and value.tag is MergeTag.DELETE
