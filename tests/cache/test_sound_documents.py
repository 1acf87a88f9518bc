"""One document of a bundle that is made alone is what it is in the bundle, or it is not made alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings

from cache.random_repositories import TODAY
from cache.test_still_sound import BASE, CHANGES, opened
from llmcfg.cache.store import DiskCache
from llmcfg.errors import FindingsError
from llmcfg.pipeline.build import build
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.onedocument import find_sound_document
from llmcfg.pipeline.validate import validate_configuration
from support.written import WrittenSnapshot

OTHERS = ("config/nothing.json", "config/", "config/.json", "manifest.json", "files/app.yaml", "config/plain", "")


def made_alone(file: Path, files: dict[str, str]) -> dict[tuple[str, str], bytes | None]:
    """What is said of every document of every target, and of paths that no document has."""
    whole = Configuration(WrittenSnapshot(files), Memo())
    built = build(whole, whole.targets).bundles
    cache, found = DiskCache(file), {}
    try:
        for target in whole.targets:
            configuration = opened(files, cache)
            there = built[target].files() if target in built else {}
            for path in (*OTHERS, *(path for path in there if path.startswith("config/"))):
                content = find_sound_document(configuration, target, path, TODAY)
                assert content is None or content == there[path]
                found[str(target), path] = content
    finally:
        cache.close()
    return found


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES)
def test_a_document_that_is_made_alone_is_that_of_its_bundle(changes):
    with TemporaryDirectory() as folder:
        file, files = Path(folder) / "c.sqlite", BASE
        cache = DiskCache(file)
        assert validate_configuration(opened(BASE, cache), as_of=TODAY) == ()
        cache.close()
        for edits in changes:
            files = {**files, **dict(edits)}
            try:
                made_alone(file, files)
            except FindingsError:
                continue


def test_documents_are_made_alone_where_nothing_is_found_and_only_there(tmp_path):
    file = tmp_path / "c.sqlite"
    assert {*made_alone(file, BASE).values()} == {None}
    cache = DiskCache(file)
    assert validate_configuration(opened(BASE, cache), as_of=TODAY) == ()
    cache.close()
    found = made_alone(file, {**BASE, "base/plain.yaml": "k: 2\n"})
    assert {path for (_, path), content in found.items() if content is None} == {*OTHERS}
    assert {*made_alone(file, {**BASE, "base/plain.yaml": "k: text\n"}).values()} == {None}
