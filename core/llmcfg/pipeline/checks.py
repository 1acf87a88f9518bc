"""All checks of a configuration, in one list, which every look at one runs: at everything, or at what changed since nothing was found.

A check asks the look what to look at. So one that is added here is asked in both, and none can be left out of one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from llmcfg.pipeline.endfindings import end_findings
from llmcfg.pipeline.filefindings import document_findings, file_findings, quota_findings, secret_name_findings
from llmcfg.pipeline.idle import idle_findings
from llmcfg.pipeline.platforms import change_findings, platform_findings
from llmcfg.pipeline.scopefindings import (
    composition_findings,
    findings_of_policies,
    findings_of_prompts,
    overlap_findings,
    resolution_findings,
)
from llmcfg.pipeline.selectionfindings import selection_findings
from llmcfg.pipeline.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope, Target
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.select import Selection


class Look(Struct, frozen=True):
    """What is looked at.

    `documents` are files, `names` the documents that they are of, and `tenants` those whose layers they lie in; None stands for all.
    `judged` are the scopes for the rules about LLM platforms. `prompted` are those for the rules about prompts, which are not asked where
    it is None. Rules that depend on the day are left out without one, and those about what changed without `since`. `has_all_uses` says
    whether no scope is left out, but for those that see the same as before.
    """

    configuration: Configuration
    sharing: Sharing
    documents: Sequence[BlobEntry] = ()
    scopes: Sequence[Scope] = ()
    judged: Sequence[Scope] = ()
    prompted: Sequence[Scope] | None = None
    selections: Mapping[Target, Selection] = {}
    names: AbstractSet[str] | None = None
    tenants: AbstractSet[str] | None = None
    as_of: date | None = None
    since: Configuration | None = None
    has_all_uses: bool = True


Per: TypeAlias = Literal["file", "secret file", "document", "scope", "target", "platform"]
OF_FILES: Final[frozenset[Per]] = frozenset({"file", "secret file"})
"""What these say depends on files that are no documents, and on which files there are: a look at changed documents passes them over."""


class Check(NamedTuple):
    """`per` is what it is asked of each of."""

    per: Per
    find: Callable[[Look], Iterable[Finding]]


def _known(look: Look) -> Iterator[Finding]:
    """What was seen when the configuration was opened."""
    configuration = look.configuration
    yield from configuration.snapshot.findings
    yield from configuration.manifest_findings
    yield from configuration.layout.findings
    yield from configuration.consumer_findings


def _sealed(look: Look) -> Iterable[Finding]:
    from llmcfg.pipeline.sealed import sealed_findings

    return sealed_findings(look.configuration)


def _rotations(look: Look) -> Iterable[Finding]:
    from llmcfg.pipeline.rotations import rotation_findings

    return rotation_findings(look.configuration)


def _schema_files(look: Look) -> Iterable[Finding]:
    from llmcfg.pipeline.filefindings import schema_file_findings

    return schema_file_findings(look.configuration)


def _idle(look: Look) -> Iterable[Finding]:
    """Of overlays that do nothing here, which may do something in scopes that are not looked at."""
    if not look.has_all_uses:
        return ()
    used = look.sharing
    if look.names is not None:
        names = {composed.name for composed in used.composed if composed.idle}
        used = Sharing(look.configuration, look.configuration.scopes if names else (), names)
    return idle_findings(used.composed, look.configuration.locator)


def _prompts(look: Look) -> Iterable[Finding]:
    return () if look.prompted is None else findings_of_prompts(look.configuration, look.prompted, look.as_of)


def _ends(look: Look) -> Iterable[Finding]:
    return () if look.as_of is None else end_findings(look.configuration, look.sharing, look.as_of)


def _platforms(look: Look) -> Iterable[Finding]:
    return () if look.as_of is None else platform_findings(look.configuration, look.judged, look.as_of)


def _changes(look: Look) -> Iterable[Finding]:
    if look.as_of is None or look.since is None:
        return ()
    return change_findings(look.since, look.configuration, look.scopes)


CHECKS: Final = (
    Check("file", _known),
    Check("file", lambda look: file_findings(look.configuration)),
    Check("document", lambda look: document_findings(look.configuration, look.documents)),
    Check("secret file", lambda look: secret_name_findings(look.configuration)),
    Check("secret file", _sealed),
    Check("secret file", _rotations),
    Check("file", _schema_files),
    Check("document", lambda look: composition_findings(look.configuration, look.sharing)),
    Check("document", _idle),
    Check("document", lambda look: resolution_findings(look.configuration, look.sharing)),
    Check("scope", lambda look: overlap_findings(look.configuration, look.scopes, look.names)),
    Check("target", lambda look: selection_findings(look.configuration, look.selections, look.names)),
    Check("scope", lambda look: quota_findings(look.configuration, look.tenants)),
    Check("platform", _prompts),
    Check("scope", lambda look: findings_of_policies(look.configuration, look.scopes)),
    Check("platform", _platforms),
    Check("document", _ends),
    Check("platform", _changes),
)


def find_all(look: Look, but: AbstractSet[Per] = frozenset()) -> Iterator[Finding]:
    """What the checks find, but for those that are asked of these."""
    for check in CHECKS:
        if check.per not in but:
            yield from check.find(look)
