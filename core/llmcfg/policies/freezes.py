"""Freezes: times at which nothing new is deployed to an environment. On the wall clock of a time zone, once or every week."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY: Final = re.compile(r"(mon|tue|wed|thu|fri|sat|sun) ([01]\d|2[0-3]):([0-5]\d)")
_ONCE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
_WEEK: Final = timedelta(days=7)


class Freeze(NamedTuple):
    """`start` and `end` are wall times in the zone; of a weekly one, times since Monday 00:00. `at` is its place in its file.

    Without environments it holds for all.
    """

    name: str
    environments: tuple[str, ...]
    zone: ZoneInfo
    start: datetime | timedelta
    end: datetime | timedelta
    at: int

    def ends_at(self, now: datetime) -> datetime | None:
        """When the freeze that is on at this moment ends; None if none is on."""
        local = now.astimezone(self.zone)
        if isinstance(self.start, datetime) and isinstance(self.end, datetime):
            end = self.end.replace(tzinfo=self.zone)
            return end if self.start.replace(tzinfo=self.zone) <= local < end else None
        assert isinstance(self.start, timedelta)
        assert isinstance(self.end, timedelta)
        length = (self.end - self.start) % _WEEK
        wall = local.replace(tzinfo=None)
        monday = datetime.combine(wall.date() - timedelta(days=wall.weekday()), time())
        since = (wall - monday - self.start) % _WEEK
        return (wall - since + length).replace(tzinfo=self.zone) if since < length else None


def parse_freeze(said: dict[str, Any], at: int) -> Freeze:
    """Raises UsageError with what is wrong with a time or the zone."""
    zone = _zone(said.get("timezone", "UTC"))
    weekly = said.get("weekly")
    start, end = (
        (_weekly(weekly["from"]), _weekly(weekly["until"])) if weekly else (_once(said["from"]), _once(said["until"]))
    )
    if start == end or (isinstance(start, datetime) and isinstance(end, datetime) and end < start):
        raise UsageError(f"the freeze {said['name']!r} ends before it begins", hint="write until after from")
    return Freeze(said["name"], tuple(said.get("environments", ())), zone, start, end, at)


def find_freeze(freezes: Iterable[Freeze], environment: str, now: datetime) -> tuple[Freeze, datetime] | None:
    """The freeze of this environment that lasts longest from now on, and its end."""
    on = [
        (end, freeze)
        for freeze in freezes
        if (not freeze.environments or environment in freeze.environments) and (end := freeze.ends_at(now))
    ]
    if not on:
        return None
    end, freeze = max(on, key=lambda each: each[0])
    return freeze, end


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"there is no time zone {name[:60]!r}",
            hint="write one such as Europe/Berlin; a system without time zones gets them with: pip install tzdata",
        ) from None


def _weekly(text: str) -> timedelta:
    match = _WEEKLY.fullmatch(text)
    if match is None:
        raise UsageError(f"{text[:60]!r} is no time of the week", hint="write it as: fri 16:00")
    return timedelta(days=_DAYS.index(match[1]), hours=int(match[2]), minutes=int(match[3]))


def _once(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if _ONCE.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise UsageError(f"{text[:60]!r} is no time", hint='write it on the clock of the timezone: "2026-12-20T18:00"')
    return moment
