"""Times as people write them: `2025-03-31`, `2025-03-31T18:00`, `2025-03-31 18:00:00+02:00` (ISO 8601).

A time without zone is UTC; a date without time is the end of that day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from llmcfg.errors import UsageError
from llmcfg.regex import regex

_TIME = regex(r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}){0,2}(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def parse_moment(text: str) -> datetime | None:
    """None for text that is not written as a time. Raises UsageError for one that no calendar or clock has."""
    if _TIME.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time: {error}", hint="write it as 2025-03-31T18:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1, microseconds=-1) if len(text) == len("2025-03-31") else moment
