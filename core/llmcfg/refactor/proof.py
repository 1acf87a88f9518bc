"""Proof that a refactoring changes nothing: every value of every scope and bundle, every rendered file, secret and recipient as before.

A key that was moved is compared at its new path. What both sides share, by identity, is not looked into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.documents.paths import has_path, value_at, with_value, without_value
from llmcfg.documents.relocate import outermost
from llmcfg.errors import FindingsError, UsageError
from llmcfg.model.difference import diff_values
from llmcfg.model.keypath import format_key_path
from llmcfg.model.severity import Severity
from llmcfg.pipeline.examine import examine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from llmcfg.model.value import Value
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.bundle import Bundle
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.select import Selection
    from llmcfg.refactor.edits import Renaming


_OF_DEPLOYING: Final = frozenset({"secret-empty"})
"""Rules about what may not be deployed yet, and is built all the same."""


class Proved(NamedTuple):
    """How much was looked at and is the same."""

    scopes: int
    bundles: int


def prove(before: Configuration, after: Configuration, renaming: Renaming | None, as_of: date) -> Proved:
    """Raises FindingsError where a side has errors, and UsageError with the first thing that would change."""
    old = _sound(before, as_of, "the configuration has errors, so nothing can be proved about it")
    new = _sound(after, as_of, "the configuration would have errors; nothing is written")
    if before.scopes != after.scopes or before.targets != after.targets:
        raise _change("there would be other bundles")
    comparison = _Comparison(renaming)
    for scope in before.scopes:
        comparison.values(str(scope), before.effective(scope), after.effective(scope))
    for target in before.targets:
        comparison.values(str(target), old.selections[target], new.selections[target])
        _compare_rest(str(target), old.bundles[target], new.bundles[target])
    return Proved(len(before.scopes), len(before.targets))


def _sound(configuration: Configuration, as_of: date, otherwise: str) -> Built:
    configuration.require_consumers()
    examined = examine(configuration, as_of=as_of)
    errors = [
        finding
        for finding in examined.findings
        if finding.severity is Severity.ERROR and finding.rule_id not in _OF_DEPLOYING
    ]
    if errors:
        raise FindingsError(otherwise, findings=errors)
    return examined.built


class _Comparison:
    """Of all values in places; what is the same pair in many of them is compared once."""

    def __init__(self, renaming: Renaming | None) -> None:
        self._renaming = renaming
        self._equal: dict[
            tuple[tuple[int, ...], tuple[int, ...]], object
        ] = {}  # with what is compared, so that no id comes again

    def values(self, where: str, before: Effective | Selection, after: Effective | Selection) -> None:
        """Raises UsageError for the first value that differs."""
        pair = tuple(map(id, before.documents.values())), tuple(map(id, after.documents.values()))
        if pair in self._equal:
            return
        change = next(diff_values(_moved(before.tree(), self._renaming), after.tree()), None)
        if change is not None:
            raise _change(f"{format_key_path(change.path)} would be another in {where}")
        self._equal[pair] = before, after


def _moved(tree: Value, renaming: Renaming | None) -> Value:
    """The values as they are to be: the key at its new path, and no mapping left that held nothing else."""
    if renaming is None or not has_path(tree, renaming.old):
        return tree
    gone = outermost(tree, renaming.old)
    rest: Value = without_value(tree, gone) if gone else {}
    return with_value(rest, renaming.new, value_at(tree, renaming.old))


def _compare_rest(where: str, before: Bundle, after: Bundle) -> None:
    """Raises UsageError where something of a bundle differs that is no value."""
    files = [_files(bundle) for bundle in (before, after)]
    for path in sorted({*files[0], *files[1]}):
        if files[0].get(path) != files[1].get(path):
            raise _change(f"{path} of {where} would be another")
    if before.secrets != after.secrets:
        raise _change(f"{where} would use other secrets")
    if before.recipients != after.recipients:
        raise _change(f"{where} would be sealed to others")


def _files(bundle: Bundle) -> Mapping[str, str]:
    return {path: part.sha256 for path, part in bundle.parts.items() if path.startswith("files/")}


def _change(what: str) -> UsageError:
    return UsageError(f"{what}; nothing is written", hint="see who takes part in it: llmcfg impact KEY")
