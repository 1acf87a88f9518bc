"""Every finding of a snapshot: of its files, of every scope, of every target, each said once with its reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import FindingsError
from llmcfg.model.findings import merge_findings
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.lastsound import find_last_sound, keep_last_sound
from llmcfg.pipeline.readsets import keep_if_outdated
from llmcfg.pipeline.stillsound import is_still_sound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Target
    from llmcfg.pipeline.memo import Memo
    from llmcfg.ports import Snapshot


def validate(snapshot: Snapshot, memo: Memo, as_of: date | None = None) -> tuple[Finding, ...]:
    """All findings, in the order of files and lines. A manifest that cannot be built from leaves only the findings up to there."""
    try:
        configuration = Configuration(snapshot, memo)
    except FindingsError as error:
        return merge_findings(error.findings)
    return validate_configuration(configuration, as_of=as_of)


def is_known_sound(configuration: Configuration, as_of: date) -> bool:
    """Whether nothing at all is found, by a look at what changed since nothing was; False where that takes a look at everything."""
    last = find_last_sound(configuration, as_of)
    return last is not None and is_still_sound(configuration, last, as_of)


def validate_configuration(
    configuration: Configuration,
    targets: Iterable[Target] | None = None,
    *,
    as_of: date | None = None,
    since: Configuration | None = None,
) -> tuple[Finding, ...]:
    """The findings of an opened snapshot. With `targets`, only these and their scopes are composed and rendered.

    `as_of` and `since` as `examine` has them. All of it is looked at again only where something may have been found since nothing was.
    """
    day = as_of if targets is None and since is None else None
    if day is not None and is_known_sound(configuration, day):
        return ()
    from llmcfg.pipeline.examine import examine

    findings, built = examine(configuration, targets, as_of=as_of, since=since)
    if day is not None and not findings:
        keep_last_sound(configuration, day)
    elif targets is None:
        keep_if_outdated(configuration, built.bundles)
    return findings
