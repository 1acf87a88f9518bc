"""The wall clock. Everything else is given a time, or a `ports.Clock`."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
