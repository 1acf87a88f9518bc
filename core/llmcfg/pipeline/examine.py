"""A look at everything: every finding of a snapshot and the bundles that could be built, which are built once for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.findings import merge_findings
from llmcfg.pipeline.allowed import with_allowances
from llmcfg.pipeline.build import start_build
from llmcfg.pipeline.checks import CHECKS, Look, find_all
from llmcfg.pipeline.filefindings import every_document
from llmcfg.pipeline.platforms import all_readable, without_echoes
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
    documents = every_document(configuration)
    with start_build(configuration, wanted) as building:
        look = Look(
            configuration,
            Sharing(configuration, scopes),
            documents,
            scopes=scopes,
            judged=scopes,
            prompted=scopes,
            selections=building.selections,
            as_of=as_of,
            since=since,
            has_all_uses=targets is None,
        )
        found = [*find_all(look)]
        built = building.finish()
    found += built.findings
    if as_of is None:
        return Examined(merge_findings(found), built)
    is_whole = targets is None and all_readable(configuration, scopes)
    told = with_allowances(configuration, documents, merge_findings(without_echoes(found)), as_of, is_whole=is_whole)
    return Examined(told, built)


def lint_secrets(configuration: Configuration) -> tuple[Finding, ...]:
    """The findings about secret files alone: what their names say, and everything else that needs no key."""
    look = Look(configuration, Sharing(configuration, ()))
    return merge_findings(finding for check in CHECKS if check.per == "secret file" for finding in check.find(look))
