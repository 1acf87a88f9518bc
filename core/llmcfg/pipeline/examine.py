"""A look at everything: every finding of a snapshot and the bundles that could be built, which are built once for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.findings import merge_findings
from llmcfg.pipeline.allowed import with_allowances
from llmcfg.pipeline.build import start_build
from llmcfg.pipeline.endfindings import end_findings
from llmcfg.pipeline.filefindings import (
    every_document,
    file_findings,
    quota_findings,
    schema_file_findings,
    secret_name_findings,
)
from llmcfg.pipeline.idle import idle_findings
from llmcfg.pipeline.platforms import all_readable, change_findings, platform_findings, without_echoes
from llmcfg.pipeline.rotations import rotation_findings
from llmcfg.pipeline.scopefindings import (
    composition_findings,
    findings_of_policies,
    findings_of_prompts,
    overlap_findings,
    resolution_findings,
)
from llmcfg.pipeline.sealed import sealed_findings
from llmcfg.pipeline.selectionfindings import selection_findings
from llmcfg.pipeline.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Target
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.configuration import Configuration


class Examined(NamedTuple):
    findings: tuple[Finding, ...]
    built: Built


def examine(
    configuration: Configuration,
    targets: Iterable[Target] | None = None,
    *,
    as_of: date | None = None,
    since: Configuration | None = None,
) -> Examined:
    """The findings of an opened snapshot and the bundles that could be built, which are built once for both.

    With `as_of`, also those of the rules about LLM platforms, which depend on the day: what is built does not. With `since`, also those
    about what changed from there.
    """
    examined = _examine(configuration, targets, as_of, since)
    if configuration.memo.disk is not None:
        configuration.memo.disk.keep()
    return examined


def _examine(
    configuration: Configuration, targets: Iterable[Target] | None, as_of: date | None, since: Configuration | None
) -> Examined:
    wanted = configuration.targets if targets is None else tuple(targets)
    scopes = configuration.scopes if targets is None else tuple(dict.fromkeys(target.scope for target in wanted))
    with start_build(configuration, wanted) as building:
        sharing = Sharing(configuration, scopes)
        found = [
            *configuration.snapshot.findings,
            *configuration.manifest_findings,
            *configuration.layout.findings,
            *configuration.consumer_findings,
            *file_findings(configuration),
            *sealed_findings(configuration),
            *rotation_findings(configuration),
            *schema_file_findings(configuration),
            *composition_findings(configuration, sharing),
            *idle_findings(sharing.composed if targets is None else (), configuration.locator),
            *resolution_findings(configuration, sharing),
            *overlap_findings(configuration, scopes),
            *selection_findings(configuration, building.selections),
            *quota_findings(configuration),
            *findings_of_prompts(configuration, scopes, as_of),
            *findings_of_policies(configuration, scopes),
        ]
        built = building.finish()
    found += built.findings
    if as_of is None:
        return Examined(merge_findings(found), built)
    found += platform_findings(configuration, scopes, as_of)
    found += end_findings(configuration, sharing, as_of)
    found += change_findings(since, configuration, scopes) if since is not None else ()
    is_whole = targets is None and all_readable(configuration, scopes)
    told = with_allowances(
        configuration, every_document(configuration), merge_findings(without_echoes(found)), as_of, is_whole=is_whole
    )
    return Examined(told, built)


def lint_secrets(configuration: Configuration) -> tuple[Finding, ...]:
    """The findings about secret files alone: what their names say, and everything else that needs no key."""
    return merge_findings(
        [
            *secret_name_findings(configuration),
            *sealed_findings(configuration),
            *rotation_findings(configuration),
        ]
    )
