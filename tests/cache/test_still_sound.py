"""What is concluded from the last sound configuration is what a look at everything says, whatever changed and however often."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.random_repositories import CONSUMERS, DOCUMENTS, MODELS, PROMPTS, TODAY, run
from cache.test_dependencies import ALLOWED, FILES
from llmcfg.cache.store import DiskCache
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.lastsound import find_last_sound
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.stillsound import is_still_sound
from llmcfg.pipeline.validate import validate_configuration
from support.sealed import NAMES, sealed
from support.written import WrittenSnapshot

BASE = {
    **FILES,
    "llmcfg.yaml": FILES["llmcfg.yaml"].replace(", protected: true", ""),
    "consumers/app.yaml": FILES["consumers/app.yaml"] + f"recipients: [{NAMES[0]}]\n",
    "base/models/main.yaml": ALLOWED,
    "base/prices.yaml": "k: 1\n",
    "base/secret.yaml": "m: {k: '{{secret:key}}'}\n",
    "base/secrets/k.yaml": sealed("key: one\nkei: other\n"),
    "prompts/t.yaml": "id: t\ncurrent: 1.0.0\nversions:\n  1.0.0: {template: Hello}\n",
    "tenants/acme/budgets.yaml": "tenant: {amount: 50}\n",
}
TEXTS = {
    "base/plain.yaml": [
        "k: 2\n",
        "k: true\n",
        "k: '{{config:other.k}}'\n",
        "k: 1\ns: AKIAQYLPMN5HFIQR7XYA\n",
        "k: [\n",
        "k: 1\nother: {k: 1}\n",
    ],
    "base/other.yaml": [
        "k: 9\nm: {x: 1}\n",
        "k: 7\n",
        "k: '{{config:plain.k}}'\nm: {x: 2}\n",
        "k: '{{config:uses.from}}'\nm: {x: 1}\n",
    ],
    "base/uses.yaml": [
        "one: 1\n",
        "one: '{{config:plain.k}}'\nfrom: '{{config:pattern.p.x}}'\n",
        "from: '{{secret:kei}}'\n",
        "from: '{{secret:gone}}'\n",
    ],
    "base/folder/in.yaml": ["k: 2\n", "k: '{{config:plain.k}}'\n", "in: {k: 1}\n"],
    "base/lists.yaml": ["l: [3]\n", "l: 1\n", "l: [2]\n"],
    "environments/prod/lists.yaml": ["l: [1]\n", "l: !append [4]\n", "l: !delete\n"],
    "tenants/acme/other.yaml": ["k: 10\n", "k: 7\n", "m: !delete\n"],
    "tenants/acme/budgets.yaml": ["tenant: {amount: 500}\n", "tenant: {amount: lots}\n"],
    "base/models/main.yaml": [
        ALLOWED.replace("gpt-4", "gpt-4o"),
        "provider: openai\nmodel: gpt-4\n",
        "provider: nowhere\nmodel: gpt-4o\n",
    ],
    "base/llm_providers/openai.yaml": [
        "base_url: http://api.openai.com/v1\nresidency: [us]\n",
        "base_url: https://api.openai.com/v1\nresidency: [eu]\ntimeouts: {request_seconds: 120}\n",
    ],
    "base/secret.yaml": [
        "m: {k: '{{secret:kei}}'}\n",
        "m: {k: '{{secret:key@previous}}'}\n",
        "m: {}\n",
        "k: 1\nsops: {mac: 'ENC[AES256_GCM,data:x]'}\n",
    ],
    "base/prices.yaml": [
        "k: 1 # llmcfg: allow LLM001 until 2027-01-31 because of tests\n",
        "k: ENC[AES256_GCM,data:x]\n",
    ],
    "prompts/t.yaml": [
        "id: t\ncurrent: 2.0.0\nversions:\n  1.0.0: {template: Hello}\n",
        "id: t\ncurrent: 1.0.0\nversions:\n  1.0.0: {template: '{{ name'}\n",
    ],
}
EDITS = st.one_of(
    st.sampled_from([(path, text) for path, texts in TEXTS.items() for text in (*texts, BASE[path])]),
    st.sampled_from([(path, text) for path, texts in TEXTS.items() for text in (*texts, BASE[path])]),
    st.tuples(st.sampled_from(["base/plain.yaml", "base/other.yaml", "base/uses.yaml", "tenants/acme/other.yaml"]), DOCUMENTS),
    st.tuples(st.just("base/models/main.yaml"), MODELS),
    st.tuples(st.just("prompts/t.yaml"), PROMPTS),
    st.tuples(st.just("consumers/part.yaml"), CONSUMERS),
)  # fmt: skip
CHANGES = st.lists(st.lists(EDITS, min_size=1, max_size=3), min_size=1, max_size=3)
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SWEEP = settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def with_cache(file: Path, files: dict[str, str]):
    cache = DiskCache(file)
    try:
        return run(files, Memo(cache))
    finally:
        cache.close()


def hold(changes):
    with TemporaryDirectory() as folder:
        file, files = Path(folder) / "c.sqlite", BASE
        with_cache(file, files)
        for edits in changes:
            files = {**files, **dict(edits)}
            found, expected = with_cache(file, files), run(files, Memo())
            assert found == expected
            assert found.findings == found.examined


@QUICK
@given(CHANGES)
def test_what_changed_since_nothing_was_found_is_judged_as_everything_is(changes):
    hold(changes)


@pytest.mark.sweep
@SWEEP
@given(CHANGES)
def test_many_changes_since_nothing_was_found_are_judged_as_everything_is(changes):
    hold(changes)


@pytest.mark.sweep
@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in TEXTS.items() for text in texts])
def test_each_change_alone_is_judged_as_everything_is(path, text):
    hold([[(path, text)], [(path, BASE[path])]])


def opened(files: dict[str, str], cache: DiskCache) -> Configuration:
    return Configuration(WrittenSnapshot(files), Memo(cache))


@pytest.fixture
def cache(tmp_path):
    cache = DiskCache(tmp_path / "c.sqlite")
    assert validate_configuration(opened(BASE, cache), as_of=TODAY) == ()
    yield cache
    cache.close()


def is_told_by_what_changed(files: dict[str, str], cache: DiskCache) -> bool:
    configuration = opened(files, cache)
    last = find_last_sound(configuration, TODAY)
    return last is not None and is_still_sound(configuration, last, TODAY)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"base/plain.yaml": "k: 2\n"},
        {"base/other.yaml": "k: 9\nm: {x: 3}\n", "tenants/acme/other.yaml": "k: 11\n"},
        {"base/budgets.yaml": "tenant: {amount: 101}\n"},
    ],
)
def test_a_sound_change_of_documents_is_looked_at_alone(changed, cache):
    assert is_told_by_what_changed({**BASE, **changed}, cache)


@pytest.mark.parametrize(
    "changed",
    [
        {"base/plain.yaml": "k: text\n"},
        {"base/new.yaml": "k: 2\n"},
        {"llmcfg.yaml": FILES["llmcfg.yaml"].replace("one: 1", "one: 2")},
        {"templates/t.j2": "{{ config.plain.k }}\n"},
    ],
)
def test_everything_is_looked_at_where_something_is_found_or_more_than_documents_changed(changed, cache):
    assert not is_told_by_what_changed({**BASE, **changed}, cache)


def test_what_is_remembered_is_renewed_when_much_changed(cache):
    for number in range(20):
        files = {**BASE, **{f"base/many/{each}.yaml": f"k: {each <= number}\n" for each in range(20)}}
        assert validate_configuration(opened(files, cache), as_of=TODAY) == ()
    last = find_last_sound(opened(files, cache), TODAY)
    assert last is not None
    assert len(last.reads.differing(WrittenSnapshot(files).entries)) <= 16
