"""Bundles that a change can reach are built as everything is, and all others are what they were, whatever was remembered before."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.random_repositories import REPOSITORIES
from cache.test_laws import DAMAGES, damage
from cache.test_reach import EDITS, OTHERS, edited
from cache.test_reach import FIRST as COMPARED
from cache.test_still_sound import TEXTS
from llmcfg.bundlefile.sealed import SealedFile
from llmcfg.cache.store import DiskCache
from llmcfg.errors import FindingsError
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.bundle import Stamp, environment_files
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.stored import NOTHING_STORED, read_stored
from llmcfg.sync.building import build_all, build_environment
from support.sealed import NAMES, sealed
from support.written import WrittenSnapshot

QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SWEEP = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIRST = {
    **COMPARED,
    "consumers/other.yaml": COMPARED["consumers/other.yaml"] + f"recipients: [{NAMES[1]}]\n",
}
PLAIN = {
    **FIRST,
    "consumers/app.yaml": FIRST["consumers/app.yaml"].split("outputs:")[0] + f"recipients: [{NAMES[0]}]\n",
}
MANIFEST = FIRST["llmcfg.yaml"]
LIMITS = "apiVersion: llmcfg.dev/v1\nkind: ChangeLimits\n"
DECIDED = {
    "llmcfg.yaml": [
        MANIFEST.replace("beta: {}", "beta: {}, gamma: {parent: acme}"),
        MANIFEST.replace(", beta: {}", ""),
        MANIFEST.replace("beta: {}", "beta: {quota: {keys: 0}}"),
        MANIFEST.replace("inherits: dev, ", "") + "sinks: []\n",
        "x: [\n",
    ],
    "base/folder.yaml": ["in: {k: 1}\n", "more: 1\n", None],
    "base/secrets/k.yaml": [sealed("key: ''\nkei: other\n"), sealed("key: one\nkei: new\n")],
    "base/secrets/more.yaml": [sealed("key: two\n"), sealed("other: two\n"), None],
    "tenants/acme/environments/prod/lists.yaml": ["l: !append [5]\n", "l: [\n", None],
    "tenants/gamma/plain.yaml": ["k: 4\n", None],
    "policies/steps.yaml": [LIMITS, "x: [\n", None],
}
CHANGES = st.one_of(
    EDITS, EDITS, st.sampled_from([(path, text) for path, texts in DECIDED.items() for text in (*texts, FIRST.get(path))])
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(["prod", "prod", "dev"]), st.lists(CHANGES, max_size=3)), min_size=1, max_size=4
)


class Committed(WrittenSnapshot):
    revision = Revision("c" * 40, "main")


def told(files, environment, memo, stored=NOTHING_STORED):
    """What is built of an environment, to the byte; or why it is not."""
    try:
        built = build_environment(Configuration(Committed(files), memo), environment, lambda: stored)
    except FindingsError as error:
        return error.message, error.findings
    bundles = built.bundles_of([*built.manifests]).bundles
    files = {str(target): dict(bundles[target].files()) for target in built.manifests}
    return built.root, built.manifests, files


def with_cache(file, files, environment, stored=NOTHING_STORED):
    cache = DiskCache(file)
    try:
        return told(files, environment, Memo(cache), stored)
    finally:
        cache.close()


def deployed(files, environment, before):
    """The bundles as they are stored once they were deployed; those before where there are errors."""
    try:
        bundles = build_all(Configuration(Committed(files), Memo()), environment).bundles
    except FindingsError:
        return before
    sealed = {target: dict.fromkeys(bundle.sealed, SealedFile(b"sealed", 1)) for target, bundle in bundles.items()}
    return read_stored(environment_files(environment, bundles, None, Stamp(1, None), sealed))


def hold_amended(steps):
    """Where all bundles of the last build are deployed, so that few of them are laid over what is stored."""
    with TemporaryDirectory() as folder:
        file, files = Path(folder) / "c.sqlite", PLAIN
        stored = {environment: deployed(files, environment, NOTHING_STORED) for environment in ("dev", "prod")}
        for environment in stored:
            with_cache(file, files, environment)
        for environment, edits in steps:
            files = edited(files, edits)
            if "llmcfg.yaml" in files:
                assert with_cache(file, files, environment, stored[environment]) == told(files, environment, Memo())
                stored[environment] = deployed(files, environment, stored[environment])


def hold(steps, damages=(), first=FIRST):
    with TemporaryDirectory() as folder:
        file, broken, files = Path(folder) / "c.sqlite", [*damages], first
        for environment in ("dev", "prod"):
            with_cache(file, files, environment)
        for environment, edits in steps:
            files = edited(files, edits)
            if "llmcfg.yaml" in files:
                assert with_cache(file, files, environment) == told(files, environment, Memo())
            if broken:
                damage(file, *broken.pop())


@QUICK
@given(STEPS)
def test_what_changed_since_the_last_build_is_built_as_everything_is(steps):
    hold(steps)


@QUICK
@given(STEPS)
def test_what_is_laid_over_what_is_stored_is_what_is_built(steps):
    hold_amended(steps)


@QUICK
@given(STEPS, st.lists(DAMAGES, min_size=3, max_size=3))
def test_a_damaged_record_changes_no_build(steps, damages):
    hold(steps, damages)


@QUICK
@given(REPOSITORIES, REPOSITORIES)
def test_repositories_that_share_nothing_are_built_as_without_a_record(before, after):
    steps = [
        (environment, [*gone(before, files), *files.items()])
        for files in (after, before)
        for environment in ("prod", "dev")
    ]
    hold(steps, first=before)


def gone(before, after):
    return [(path, None) for path in before.keys() - after.keys()]


@pytest.mark.sweep
@SWEEP
@given(STEPS)
def test_what_many_changes_reach_is_built_as_everything_is(steps):
    hold(steps)
    hold_amended(steps)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("path", "text"),
    [(path, text) for texts in (TEXTS, OTHERS, DECIDED) for path, found in texts.items() for text in found],
)
def test_each_change_alone_is_built_as_everything_is(path, text):
    steps = [("prod", [(path, text)]), ("prod", [(path, FIRST.get(path))]), ("dev", [(path, text)])]
    hold(steps)
    hold_amended(steps)


@pytest.fixture
def cache(tmp_path):
    cache = DiskCache(tmp_path / "c.sqlite")
    build_environment(Configuration(Committed(FIRST), Memo(cache)), "prod")
    cache.missed.clear()
    yield cache
    cache.close()


def built(cache, edits):
    """The steps about builds that were taken, and what about."""
    build_environment(Configuration(Committed(edited(FIRST, edits)), Memo(cache)), "prod")
    return [(step, about) for step, about in cache.missed if step.startswith("build")]


def test_only_bundles_that_a_change_can_reach_are_built(cache):
    assert built(cache, [("tenants/acme/other.yaml", "k: 12\n")]) == [("build", "prod/acme/app")]


def test_of_a_bundle_that_is_stored_only_what_a_change_can_reach_is_made(tmp_path):
    files = {**PLAIN, "consumers/app.yaml": PLAIN["consumers/app.yaml"].replace("schema: schemas/lists.json\n", "")}
    cache, stored = DiskCache(tmp_path / "c.sqlite"), deployed(files, "prod", NOTHING_STORED)
    build_environment(Configuration(Committed(files), Memo(cache)), "prod")
    memo, changed = Memo(cache), Committed({**files, "tenants/acme/plain.yaml": "k: 12\n"})
    found = build_environment(Configuration(changed, memo), "prod", lambda: stored)
    differing = [target.folder for target, said in found.manifests.items() if not stored.has(target.folder, said)]
    assert differing == ["acme/app"]
    assert "lists" not in {composed.name for composed in memo.resolve.plain}
    cache.close()


def test_nothing_is_built_where_nothing_changed(cache):
    assert built(cache, []) == []


def test_what_was_built_by_reach_is_remembered(cache):
    assert built(cache, [("tenants/acme/other.yaml", "k: 12\n")])
    cache.missed.clear()
    assert built(cache, [("tenants/acme/other.yaml", "k: 12\n")]) == []


@pytest.mark.parametrize("path", ["llmcfg.yaml", "consumers/app.yaml", "templates/t.j2", "schemas/plain.json"])
def test_what_is_no_document_has_everything_built(cache, path):
    assert built(cache, [(path, f"{FIRST[path]}\n")]) == [("build all", path)]


def test_what_judges_changes_has_everything_built(cache):
    assert built(cache, [("policies/changes.yaml", LIMITS)]) == [("build all", "policies/changes.yaml")]


def test_a_change_of_another_environment_builds_nothing_here(cache):
    assert built(cache, [("environments/dev/plain.yaml", "k: 1\n")]) != [("build all", "environments/dev/plain.yaml")]


def test_an_error_has_everything_looked_at(cache):
    with pytest.raises(FindingsError):
        built(cache, [("base/plain.yaml", "k: [\n")])
    assert ("build all", "an error") in cache.missed
