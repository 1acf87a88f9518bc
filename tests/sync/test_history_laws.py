"""What history says is the same with a cache, without one, and after a look at everything or at nothing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from llmcfg.model.target import Scope
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.sync.effects import Remembered
from llmcfg.sync.history import commit_history, key_history
from llmcfg.wiring import Workspace
from support.written import CONSUMER, MANIFEST, WrittenRepository

if TYPE_CHECKING:
    from pathlib import Path

TENANTS = "tenants: {acme: {variables: {tier: gold}}, acme-eu: {parent: acme}, other: {}}\n"
PLACES = ("base", "environments/dev", "environments/prod", "tenants/acme", "tenants/acme-eu/environments/prod")
DOCUMENTS = ("a", "b", "folder/c", "folder/d")
SCOPES = (Scope("prod", None), Scope("dev", "other"), Scope("prod", "acme-eu"))


def manifest(number: int) -> str:
    return f"{MANIFEST}{TENANTS}variables: {{tier: none, size: {number}}}\n"


def values(chance: random.Random) -> str:
    number = chance.randint(1, 3)
    return chance.choice(
        [
            f"x: {number}\nz: {number}\n",
            f"x: {number}\nlist: [{number}]\nz: {number}\n",
            f"x: '{{{{var:tier}}}} {number}'\nz: 1\n",
            f"x: '{{{{config:{chance.choice(('a', 'b'))}.z}}}}'\nz: {number}\n",
            f"$extends: patterns.p\nz: {number}\n",
            "x: [\n" if chance.random() < 0.2 else f"z: {{deep: {number}}}\n",
        ]
    )


def commit_something(written: WrittenRepository, chance: random.Random, number: int) -> None:
    paths = [f"{place}/{name}.yaml" for place in PLACES for name in DOCUMENTS]
    files: dict[str, str | None] = {}
    for path in chance.sample(paths, chance.randint(1, 3)):
        there = (written.path / path).exists()
        files[path] = None if there and chance.random() < 0.3 else values(chance)
    if chance.random() < 0.2:
        files["consumers/app.yaml"] = f"{CONSUMER}# {number}\n"
    if chance.random() < 0.15:
        files["llmcfg.yaml"] = manifest(number)
    written.commit(files, f"commit {number}")


def told(workspace: Workspace) -> list[object]:
    repository, open_at = workspace.repository, workspace.configuration_at
    start = repository.resolve("HEAD")
    remembered = Remembered(workspace.cache, workspace.git_folder)
    found: list[object] = []
    for environment in (None, "prod"):
        changes = commit_history(repository, open_at, start, environment, remembered)
        found += [(change.facts.commit, environment, change.values) for change in changes]
    for scope in SCOPES:
        for path in (("a", "x"), ("folder", "c"), ("folder",), ("b", "list", 0)):
            found += [
                (scope, path, change.facts.commit, repr(change.before), repr(change.after), change.is_known)
                for change in key_history(repository, open_at, start, scope, path)
            ]
    if workspace.cache is not None:
        workspace.cache.keep()
    return found


@pytest.mark.parametrize("seed", range(4))
def test_history_is_the_same_with_and_without_a_cache(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    base = {"base/a.yaml": "x: 1\nz: 1\n", "base/b.yaml": "z: 2\n", "base/patterns.yaml": "p: {x: 7}\n"}
    written = WrittenRepository(tmp_path / "r", base | {"llmcfg.yaml": manifest(0)})
    cache = tmp_path / "cache"
    for number in range(12):
        commit_something(written, chance, number)
        if number % 4 == 1:
            validate_configuration(Workspace(written.path, cache=cache).configuration())
        if number % 4 == 3:
            plain = told(Workspace(written.path))
            assert told(Workspace(written.path, cache=cache)) == plain, "what was remembered of earlier commits"
            assert told(Workspace(written.path, cache=cache)) == plain, "what was remembered of all"
    fresh = tmp_path / "fresh"
    Workspace(written.path, cache=fresh)
    assert told(Workspace(written.path, cache=fresh)) == plain


def test_an_effect_is_that_of_a_commit_after_another_in_one_environment(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "r", {"base/a.yaml": "x: 1\n"})
    cache = Workspace(written.path, cache=tmp_path / "cache").cache
    remembered = Remembered(cache)
    remembered.keep("a" * 40, "b" * 40, None, 3)

    assert remembered.find("a" * 40, "b" * 40, None) == 3
    assert remembered.find("a" * 40, "b" * 40, "prod") is None
    assert remembered.find(None, "b" * 40, None) is None
    assert Remembered(cache, "inner/").find("a" * 40, "b" * 40, None) is None
