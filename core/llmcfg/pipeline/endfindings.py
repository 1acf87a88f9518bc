"""Findings about values with an end: a warning ahead and an error after; about values to be reviewed, warnings.

They depend on the day, so nothing that is built does on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from llmcfg.model.findings import Finding
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.schema.ends import End
    from llmcfg.pipeline.sharing import Sharing

AHEAD_DAYS: Final = 30
_REVIEW: Final = "look whether it is still right, then move its day in the schema"


def end_findings(configuration: Configuration, sharing: Sharing, as_of: date) -> Iterator[Finding]:
    for resolved in sharing.resolved:
        schema = configuration.schema_for(resolved.name)
        if schema is None or not schema.has_ends:
            continue
        from llmcfg.pipeline.schema.ends import find_ends

        reach = [str(scope) for scope in sharing.scopes_of(resolved)]
        rule_at = configuration.merge_rules(resolved.name)[1]
        for end in find_ends(schema, resolved.value):
            key = format_key_path((*resolved.name.split("/"), *end.path))
            for problem in _problems(end, key, as_of):
                yield configuration.locator.in_sources(problem, resolved.composed.sources, reach, rule_at)


def _problems(end: End, key: str, as_of: date) -> Iterator[Problem]:
    whose = f" (owner: {end.owner})" if end.owner else ""
    hint = "take it out, or move its day in the schema"
    if end.expires is not None and end.expires < as_of:
        yield Problem("value-expired", f"{key} expired on {end.expires}{whose}", path=end.path, hint=hint)
    elif _is_near(end.expires, as_of):
        yield Problem("value-expires", f"{key} expires on {end.expires}{whose}", path=end.path, hint=hint)
    if end.review_by is not None and end.review_by < as_of:
        yield Problem(
            "value-review", f"{key} was to be reviewed by {end.review_by}{whose}", path=end.path, hint=_REVIEW
        )
    elif _is_near(end.review_by, as_of):
        yield Problem("value-review", f"{key} is to be reviewed by {end.review_by}{whose}", path=end.path, hint=_REVIEW)


def _is_near(day: date | None, as_of: date) -> bool:
    return day is not None and (day - as_of).days <= AHEAD_DAYS
