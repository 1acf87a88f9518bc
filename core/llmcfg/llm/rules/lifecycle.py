"""Rules about the time that a model has left, and about names that move."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check, is_reference
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from llmcfg.llm.catalogue.model import CatalogueModel
    from llmcfg.llm.platform import Model, Platform
    from llmcfg.llm.rules.ground import Ground

_MOVING: Final = re.compile(r"(?:^|[-./@:])(preview|experimental|exp|beta|latest|alpha)(?=$|[-./@:0-9])")
_URGENT_DAYS: Final = 30
_NO_HASTE: Final = 180
"""Days that a suggested replacement should have left at least."""


def find_retired(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for model in _running(platform):
        entry, day = ground.known(model), ground.last_day(model)
        name = model.upstream.value
        if day is not None and day < ground.as_of:
            yield Complaint("LLM012", f"{name} is retired since {day}", model.upstream.spot, _successor(model, ground))
        elif entry is not None and entry.gone_after and model.retires is None:
            source = ground.catalogue.head
            message = f"{name} is gone from the catalogue: {source.source} {entry.gone_after} had it, {source.version} has not"
            severity = None if ground.is_named_exactly(model) else Severity.WARNING
            yield Complaint("LLM012", message, model.upstream.spot, _successor(model, ground), severity)
        elif model.status is not None and model.status.value == "retired":
            yield Complaint(
                "LLM012", f"{model.name} has the status retired", model.status.spot, _successor(model, ground)
            )


def find_retiring(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for model in _running(platform):
        day = ground.last_day(model)
        entry = ground.known(model)
        if day is None or day < ground.as_of or (entry and entry.gone_after):
            continue
        left = (day - ground.as_of).days
        if left <= ground.retire_within:
            is_mild = platform.setting.is_protected and left >= _URGENT_DAYS
            yield Complaint("LLM013", f"{model.upstream.value} retires on {day}, in {left} days", model.upstream.spot,
                            _successor(model, ground), Severity.WARNING if is_mild else None)  # fmt: skip


def find_moving(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for model in _running(platform):
        name = model.base_model.value if model.base_model else model.upstream.value
        if model.is_pattern or is_reference(name):
            continue
        moving = _MOVING.search(name)
        if model.status is not None and model.status.value in ("preview", "experimental"):
            yield Complaint("LLM014", f"{model.name} has the status {model.status.value}", model.status.spot,
                            "route to a model that is generally available")  # fmt: skip
        elif moving:
            meaning = "moves on to other models" if moving[1] == "latest" else f"is a {moving[1]} version"
            yield Complaint("LLM014", f"{name} {meaning}", model.upstream.spot, "name a released version")


def replacement_of(model: Model, ground: Ground) -> str:
    """The catalogued model of the same maker's line that stays longest, of the same mode and with no less context; empty if none is seen.

    Of several it is the one of the highest version.
    """
    entry = ground.known(model)
    if entry is None:
        return ""
    line = _line(entry.id)
    later = [
        other
        for other in ground.catalogue
        if (other.provider, other.mode) == (entry.provider, entry.mode)
        and _line(other.id) == line
        and _is_good(other, ground.as_of)
    ]
    enough = [other for other in later if other.id != entry.id and (other.context or 0) >= (entry.context or 0)]
    return max(enough, key=lambda other: (_version(other.id), -len(other.id))).id if enough else ""


def _is_good(model: CatalogueModel, as_of: date) -> bool:
    """Whether one can move to it and stay."""
    has_time = model.retires is None or (model.retires - as_of).days > _NO_HASTE
    return has_time and not model.gone_after and not _MOVING.search(model.id)


def _running(platform: Platform) -> Iterator[Model]:
    return (model for model in platform.models if model.is_on)


def _successor(model: Model, ground: Ground) -> str:
    if model.replacement is not None:
        return f"move to {model.replacement.value}"
    found = replacement_of(model, ground)
    return f"move to another model, such as {found}" if found else "move to another model"


def _line(name: str) -> str:
    """`claude-sonnet` of `claude-3-5-sonnet-20240620`: the words without versions, dates and places."""
    words = re.findall(r"[a-z]+", re.sub(r"^.*/", "", name.lower()))
    return "-".join(
        sorted(word for word in words if word not in ("v", "preview", "latest", "exp", "eu", "us", "apac", "global"))
    )


def _version(name: str) -> tuple[int, ...]:
    """Its version, as far as the name has one; dates do not count."""
    return tuple(int(number) for number in re.findall(r"\d+", re.sub(r"^.*/", "", name)) if len(number) < 4)


CHECKS: Final = (Check("LLM012", find_retired), Check("LLM013", find_retiring), Check("LLM014", find_moving))
