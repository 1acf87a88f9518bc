"""Regular expressions that are compiled when they are first used.

A process declares over a hundred and uses few of them; to compile one takes up to a hundred times as long as to declare it
(docs/adr/0043). So what common commands load declares its expressions with `regex`; the mistake of one shows when it is used, in its tests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    from re import Pattern


def regex(expression: AnyStr, flags: int = 0) -> Pattern[AnyStr]:
    """As `re.compile`; for its methods, and not as an argument of the functions of `re`."""
    return cast("Pattern[AnyStr]", _Regex(expression, flags))


class _Regex:
    """Asked for an attribute of the pattern, it takes it over: the second time nothing stands in between."""

    def __init__(self, expression: str | bytes, flags: int) -> None:
        self._expression = expression
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._expression, self._flags), name)
        setattr(self, name, found)
        return found
