"""A platform that was judged, and what the rules say of others that differ from it in some documents.

Only what reads a document that differs is judged anew. The rules are the same functions as for a whole platform; each says what it looks at
(`Check.whole`). The tests hold what is said here against judging every platform whole.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, get_args

from msgspec.structs import replace

from llmcfg.llm.records.document import NOTHING
from llmcfg.llm.records.links import Links, names_in
from llmcfg.llm.records.platform import models_of, names_of, providers_by_name, put_together, references_of, routes_of
from llmcfg.llm.rules.engine import CHECKS, with_severities
from llmcfg.llm.rules.ground import Part
from llmcfg.model.later import Later

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from llmcfg.llm.platform import Complaint, Platform, Setting
    from llmcfg.llm.records.document import Readings, Records
    from llmcfg.llm.rules.ground import Ground

PARTS: Final[tuple[Part, ...]] = get_args(Part)


class Judged:
    """The platform of documents of which these are the records. All platforms that are compared with it have the same setting."""

    def __init__(self, said: Mapping[str, Records], setting: Setting, ground: Ground, readings: Readings) -> None:
        self._said = dict(sorted(said.items()))
        self._ground = ground
        self._readings = readings
        self._platform = put_together(self._said, setting, readings)
        self._found = {check: tuple(check.find(self._platform, ground)) for check in CHECKS}
        self._links: Links | None = None

    def complaints(self) -> tuple[Complaint, ...]:
        return self._told(chain.from_iterable(self._found.values()))

    def with_changes(self, said: Mapping[str, Records]) -> tuple[Complaint, ...]:
        """What the rules say when these documents are otherwise, each thing once; `NOTHING` is said by one that is not there."""
        before = [self._said.get(name, NOTHING) for name in said]
        if _names(before) != _names(said.values()):
            platform = put_together(self._all(said), self._platform.setting, self._readings)
            return self._told(chain.from_iterable(check.find(platform, self._ground) for check in CHECKS))
        links = self._links = self._links or Links(self._said)
        judged = links.reading(said)
        part = self._part(judged, links.read_by(judged, said), said)
        touched = _parts([*before, *said.values()])
        whole = Later(lambda: self._whole(said, touched))
        found: list[Complaint] = []
        for check in CHECKS:
            if not check.whole:
                found += (each for each in self._found[check] if each.spot.document not in judged)
                found += check.find(part, self._ground)
            elif check.whole.isdisjoint(touched):
                found += self._found[check]
            else:
                found += check.find(whole.get(), self._ground)
        return self._told(found)

    def _all(self, said: Mapping[str, Records]) -> Mapping[str, Records]:
        return (
            {**self._said, **said} if said.keys() <= self._said.keys() else dict(sorted({**self._said, **said}.items()))
        )

    def _whole(self, said: Mapping[str, Records], touched: AbstractSet[Part]) -> Platform:
        """All of it, for who looks at parts and not at what is named: only these parts are made anew."""
        records = tuple(self._all(said).values())
        parts: dict[Part, object] = {
            part: tuple(chain.from_iterable(getattr(each, part) for each in records))
            for part in touched - {"providers", "models", "routes"}
        }
        if "models" in touched:
            providers = providers_by_name(records)
            parts["providers"] = tuple(providers.values())
            parts["models"] = models_of(records, providers, self._readings)
        if "routes" in touched:
            parts["routes"] = routes_of(records)
        return replace(self._platform, **parts)

    def _part(self, judged: AbstractSet[str], read: AbstractSet[str], said: Mapping[str, Records]) -> Platform:
        """A platform of the documents that are judged, beside which those lie that they read."""

        def records_of(documents: AbstractSet[str]) -> list[Records]:
            return [said.get(name) or self._said.get(name, NOTHING) for name in sorted(documents)]

        records, others = records_of(judged), records_of(read - judged)
        providers = providers_by_name(records_of(read))
        platform = put_together(
            {str(index): each for index, each in enumerate(records)}, self._platform.setting, self._readings
        )
        names = self._platform.names
        return replace(
            platform,
            models=models_of(records, providers, self._readings),
            references=references_of(records, names["provider"]),
            names=names,
            beside=(
                models_of(others, providers, self._readings),
                routes_of(others),
            ),
        )

    def _told(self, complaints: Iterable[Complaint]) -> tuple[Complaint, ...]:
        return with_severities(dict.fromkeys(complaints), self._platform)


def _names(records: Iterable[Records]) -> object:
    """All that others may refer to."""
    records = tuple(records)
    return names_of(records), frozenset(name for each in records for name in names_in(each).defines)


def _parts(records: Sequence[Records]) -> set[Part]:
    """The parts of platforms that are of these. A model is of its provider too."""
    found: set[Part] = {part for each in records for part in PARTS if getattr(each, part)}
    if "providers" in found or any(each.inner_models for each in records):
        found.add("models")
    if any(each.inner_routes for each in records):
        found.add("routes")
    return found
