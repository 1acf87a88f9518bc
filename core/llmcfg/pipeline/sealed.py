"""What is wrong with the secret files of a snapshot, and with the rules of who can open them. Needs no key.

A file by itself is looked at once for its content, so what did not change costs nothing. What depends on its path, the rule that it falls
under, and on other files, copies of values, is compared anew.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llmcfg.model.findings import Finding, Origin, Problem
from llmcfg.pipeline.marks import marks_of
from llmcfg.secrets.creation import CONFIG, CreationRules, read_creation_rules
from llmcfg.secrets.inspection import Inspected, inspect_file
from llmcfg.secrets.keychange import fits_header, key_change
from llmcfg.secrets.sops.keys import short_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.creation import CreationRule
    from llmcfg.secrets.sops.rules import Rule

_SYNC = "llmcfg secret recipients sync"
_MOVE = "move it into secrets/ of its layer: elsewhere its values are read as the text ENC[…]"
_SHOWN = 3


def sealed_findings(configuration: Configuration) -> Iterator[Finding]:
    """Every finding about secret files and `.sops.yaml`, but for the names of secrets."""
    rules, problems = creation_rules(configuration)
    config = configuration.snapshot.entries.get(CONFIG)
    if config is not None:
        yield from (configuration.locator.in_blob(problem, config) for problem in problems)
    seen: dict[bytes, tuple[BlobEntry, int, int, int]] = {}
    named = {entry.path for entry in _named_entries(configuration)}
    for entry in secret_entries(configuration):
        inspected = inspected_file(configuration, entry)
        if entry.path not in named:
            problem = Problem("secret-outside", "this is a SOPS file, and it lies outside of secrets/", hint=_MOVE)
            yield configuration.locator.in_blob(problem, entry)
        elif not configuration.secret_file(entry).is_readable:
            continue
        for problem in inspected.problems:
            yield configuration.locator.in_blob(problem, entry)
        if rules.rules and not problems:
            yield from _against_rule(configuration, entry, inspected, rules)
        yield from _copies(configuration, entry, inspected, seen)


def creation_rules(configuration: Configuration) -> tuple[CreationRules, tuple[Problem, ...]]:
    """The rules of the snapshot, none where it has no `.sops.yaml`; and what is wrong with them."""
    entry = configuration.snapshot.entries.get(CONFIG)
    if entry is None:
        return CreationRules(), ()
    known = configuration.memo.creation_rules.get(entry.oid)
    if known is None:
        rules, problems = read_creation_rules(configuration.snapshot.read(entry.oid))
        known = configuration.memo.creation_rules[entry.oid] = CreationRules(rules), problems
    return known


def secret_entries(configuration: Configuration) -> Iterator[BlobEntry]:
    """The secret files of all layers, and whatever else is a SOPS file, by path."""
    named = {entry.path for entry in _named_entries(configuration)}
    for path, entry in configuration.snapshot.entries.items():
        if path in named or (path != CONFIG and is_sealed(configuration, entry)):
            yield entry


def inspected_file(configuration: Configuration, entry: BlobEntry) -> Inspected:
    key = (PurePosixPath(entry.path).suffix, entry.oid)
    known = configuration.memo.inspected.get(key)
    if known is None:
        known = configuration.memo.inspected[key] = inspect_file(entry.path, configuration.snapshot.read(entry.oid))
    return known


def _named_entries(configuration: Configuration) -> Iterator[BlobEntry]:
    for layer in configuration.layout.layers.values():
        yield from layer.secret_files


def is_sealed(configuration: Configuration, entry: BlobEntry) -> bool:
    """Whether a file that is no secret file by its place is one by its content."""
    known = configuration.memo.sealed.get(entry.oid)
    if known is None:
        looks_so = marks_of(configuration, entry).sealed
        known = looks_so and inspected_file(configuration, entry) != Inspected(())
        configuration.memo.sealed[entry.oid] = known
    return known


def _against_rule(
    configuration: Configuration, entry: BlobEntry, inspected: Inspected, rules: CreationRules
) -> Iterator[Finding]:
    if inspected.metadata is None and inspected.header is None:
        return
    rule = _chosen_rule(configuration, entry, rules)
    if rule is None:
        problem = Problem("secret-no-rule", f"no creation rule of {CONFIG} matches this file", inspected.line,
                          inspected.column, "add a rule whose path_regex matches it")  # fmt: skip
        yield configuration.locator.in_blob(problem, entry)
        return
    related = (Origin(CONFIG, rule.line, rule.column),)
    for problem in _differences(inspected, rule):
        yield configuration.locator.in_blob(problem, entry)._replace(related=related)


def _chosen_rule(configuration: Configuration, entry: BlobEntry, rules: CreationRules) -> CreationRule | None:
    key = (configuration.snapshot.entries[CONFIG].oid, entry.path)
    chosen = configuration.memo.chosen_rules
    if key not in chosen:
        chosen[key] = rules.find(entry.path)
    return chosen[key]


def _differences(inspected: Inspected, rule: CreationRule) -> Iterator[Problem]:
    at = inspected.line, inspected.column
    if inspected.header is not None and not fits_header(inspected.header, rule):
        yield Problem(
            "secret-recipients", "the recipients are not those of its rule: their number or kinds differ", *at, _SYNC
        )
    if inspected.metadata is None:
        return
    change = key_change(inspected.metadata, rule)
    if not change.is_empty:
        says = [
            *([f"{_some(change.added)} cannot open it"] if change.added else []),
            *([f"{_some(change.removed)} can, and should not"] if change.removed else []),
        ]
        text = "; ".join(says) or "its key groups differ, or how many of them are needed"
        yield Problem("secret-recipients", f"the recipients are not those of its rule: {text}", *at, _SYNC)
    if inspected.metadata.rule.kind and inspected.metadata.rule != rule.rule:
        yield Problem("secret-selection", f"the file has {_says(inspected.metadata.rule)}, its rule {_says(rule.rule)}", *at,
                      "encrypt it anew: llmcfg secret decrypt, then encrypt")  # fmt: skip


def _copies(
    configuration: Configuration,
    entry: BlobEntry,
    inspected: Inspected,
    seen: dict[bytes, tuple[BlobEntry, int, int, int]],
) -> Iterator[Finding]:
    """Values that stand in an earlier file with the same nonce. Of a copied file, the first is enough."""
    told: set[tuple[str, str]] = set()
    for nonce, (ciphertext, line, column) in inspected.nonces.items():
        other, known, first, first_column = seen.setdefault(nonce, (entry, ciphertext, line, column))
        if other is entry:
            continue
        rule = "secret-repeated" if known == ciphertext else "secret-nonce-reuse"
        if (rule, other.path) in told:
            continue
        told.add((rule, other.path))
        found = configuration.locator.in_blob(
            Problem(rule, _COPIES[rule].format(other.path), line, column, _ANEW), entry
        )
        yield found._replace(related=(Origin(other.path, first, first_column),))


_COPIES = {
    "secret-repeated": "the same ciphertext stands in {}: one file is a copy of the other, with its data key",
    "secret-nonce-reuse": "another value has the same nonce in {}: under one data key, both can be found out",
}
_ANEW = "encrypt one of the two files anew: llmcfg secret decrypt, then encrypt"


def _some(names: tuple[str, ...]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(short_name(name) for name in names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _says(rule: Rule) -> str:
    return f"{rule.kind} {rule.text!r}"
