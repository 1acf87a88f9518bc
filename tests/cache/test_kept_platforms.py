"""Records, and what prompts and services say, are remembered: what is found of a platform by that is what is found without it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.random_repositories import TODAY
from llm.test_judged import TEXTS as RECORDS
from llmcfg.cache.store import DiskCache
from llmcfg.documents.loader import load_document
from llmcfg.llm.records import document
from llmcfg.model.target import Scope
from llmcfg.pipeline import records
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.examine import examine
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.records import decode_records, encode_records
from llmcfg.pipeline.validate import validate_configuration
from support.sealed import sealed
from support.written import WrittenSnapshot

MANIFEST = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: test
environments: {dev: {}, prod: {variables: {model: own}}}
tenants: {acme: {}, beta: {}}
variables: {model: chat}
"""
PROMPT = """
id: t
current: {}
versions:
  1.0.0: {{status: draft, messages: [{{role: user, content: 'Say {{{{ name }}}} {}'}}], models_tested: [{}]{}}}
"""
VARIABLES = ", variables: {name: {type: string, max_chars: 40}}"
PROMPTS = st.builds(
    PROMPT.format,
    st.sampled_from(["1.0.0", "1.0.0", "1.0.0", "2.0.0"]),
    st.sampled_from(["", "more", "{{{{"]),
    st.sampled_from(["chat", "r", "gpt-4", ""]),
    st.sampled_from([VARIABLES, VARIABLES, ""]),
)
SERVICES = st.builds(
    "{}\nprompts: {{use: {{prompt: {}, route: {}, {}}}}}\n".format,
    st.sampled_from(["route: r", "routes: [chat]", "master_key: null"]),
    st.sampled_from(["t", "t", "gone"]),
    st.sampled_from(["r", "chat", "s"]),
    st.sampled_from(["supplies: [name]", "variables: {name: Ada}", "supplies: [other]"]),
)
REFERRING = st.sampled_from(
    [
        "targets: [{model: '{{var:model}}'}]\n",
        "targets: [{model: chat, weight: 2}, {model: own, weight: 1.5}]\n",
        "targets: '{{config:routes.s.targets}}'\n",
    ]
)
SIZED = st.builds(
    "chat: {{provider: a, upstream_model: own, limits: {{context: {}}}, {}}}\n".format,
    st.sampled_from([5, 20, 1000, 5.0, True]),
    st.sampled_from(["mode: chat", "rate: {rpm: 1}", "pricing: {input_per_million: 3}"]),
)
DOCUMENTS = {
    **RECORDS,
    "prompts/t": PROMPTS,
    "prompts/u/v": PROMPTS,
    "services/y": SERVICES,
    "routes/r": RECORDS["routes/r"] | REFERRING,
    "models/m": SIZED | RECORDS["models/m"],
}
LAYERS = ("base", "base", "environments/prod", "tenants/acme", "tenants/acme/environments/prod")
FIRST = {
    "llmcfg.yaml": MANIFEST,
    "base/secrets/k.yaml": sealed("one: value\n"),
    "base/budgets.yaml": "tenant: {amount: 50}\n",
    "base/llm_providers/a.yaml": "type: openai\nbase_url: https://api.openai.com/v1\napi_key: '{{secret:one}}'\n"
    "timeouts: {request_seconds: 60}\n",
    "base/models/m.yaml": "chat: {provider: a, upstream_model: gpt-4o, timeouts: {request_seconds: 2.5}}\n",
    "base/routes/r.yaml": "targets: [{model: chat}]\n",
    "base/services/y.yaml": "route: r\nprompts: {use: {prompt: t, route: r, supplies: [name]}}\n",
    "base/prompts/t.yaml": PROMPT.format("1.0.0", "", "chat", VARIABLES),
}
EDITS = st.sampled_from(sorted(DOCUMENTS)).flatmap(
    lambda name: st.tuples(st.sampled_from(LAYERS).map(lambda layer: f"{layer}/{name}.yaml"), st.none() | DOCUMENTS[name] | DOCUMENTS[name])
)  # fmt: skip
STEPS = st.lists(st.lists(EDITS, min_size=1, max_size=2), min_size=1, max_size=4)


def exact(value):
    """Of which two are equal only if no program can tell them apart."""
    if isinstance(value, msgspec.Struct):
        return type(value), [exact(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, Mapping):
        return dict, [(exact(key), exact(item)) for key, item in value.items()]
    if isinstance(value, frozenset):
        return frozenset, sorted(value)
    if isinstance(value, list | tuple):
        return type(value), [exact(item) for item in value]
    return type(value), repr(value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(RECORDS)).flatmap(lambda name: st.tuples(st.just(name), DOCUMENTS[name])))
def test_records_come_back_as_they_were(named):
    name, text = named
    loaded, _ = load_document(text.encode())
    assert loaded is not None
    read = document.read_document(name, loaded.value)
    content = encode_records(read)
    assert content is not None
    assert exact(decode_records(content)) == exact(read)


def test_records_that_would_come_back_otherwise_are_not_kept():
    amount = document.Given(5, document.Spot("budgets"))
    read = document.Records(references=(document.Reference("model", amount, "budget"),))
    assert encode_records(read) is None


def found(files, memo):
    configuration = Configuration(WrittenSnapshot(files), memo)
    validated = validate_configuration(configuration, as_of=TODAY)
    return validated, examine(configuration, as_of=TODAY).findings


def hold(steps):
    with TemporaryDirectory() as folder:
        files = FIRST
        for edits in [[], *steps]:
            files = {path: text for path, text in {**files, **dict(edits)}.items() if text is not None}
            cache = DiskCache(Path(folder) / "c.sqlite")
            try:
                assert found(files, Memo(cache)) == found(files, Memo())
            finally:
                cache.close()


def test_the_first_platform_is_sound():
    assert found(FIRST, Memo()) == ((), ())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_what_is_found_by_what_is_remembered_is_what_is_found_without_it(steps):
    hold(steps)


@pytest.mark.sweep
@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_what_is_found_by_much_that_is_remembered_is_what_is_found_without_it(steps):
    hold(steps)


@pytest.fixture
def kept(tmp_path):
    """What lies in a cache after a look at some files, all of it."""

    def look(files):
        cache = DiskCache(tmp_path / "c.sqlite")
        memo = Memo(cache)
        configuration = Configuration(WrittenSnapshot({**FIRST, **files}), memo)
        examine(configuration, as_of=TODAY)
        documents = configuration.effective(Scope("dev", None)).documents
        names = [name for name in documents if name.partition("/")[0] in {"llm_providers", "models", "routes"}]
        cache.close()
        again = Memo(DiskCache(tmp_path / "c.sqlite"))
        later = Configuration(WrittenSnapshot({**FIRST, **files}), again).effective(Scope("dev", None)).documents
        read = []
        for name in names:
            before = len(again.readings._read) if again.readings else 0
            records.records_of(later[name], again)
            if again.readings is not None and len(again.readings._read) > before:
                read.append(name)
        again.disk.close()
        return read

    return look


def test_records_are_not_read_again(kept):
    assert kept({}) == []


KEY = "AKIAQYLPMN5HFIQR7XYA"


@pytest.mark.parametrize(
    ("text", "also"),
    [
        (f"api_key: {KEY}\n", {}),
        ("auth: {password: xK9vQ2mLw8Rt4ZpB}\n", {}),
        ("api_key: '{{config:other.key}}'\n", {"base/other.yaml": f"key: {KEY}\n"}),
        ("region: ENC[AES256_GCM,data:x]\n", {}),
    ],
)
def test_records_with_what_looks_like_a_secret_are_not_kept(kept, text, also):
    assert kept({"base/llm_providers/b.yaml": f"type: openai\nbase_url: https://x.example.com/v1\n{text}", **also}) == [
        "llm_providers/b"
    ]


def test_a_service_and_a_prompt_in_which_nothing_changed_are_not_read_again(tmp_path, monkeypatch):
    def look(files):
        cache = DiskCache(tmp_path / "c.sqlite")
        try:
            return found(files, Memo(cache))
        finally:
            cache.close()

    assert look(FIRST) == ((), ())
    monkeypatch.setattr("llmcfg.pipeline.promptscopes.read_prompts", None)
    assert look({**FIRST, "base/routes/r.yaml": "targets: [{model: chat, weight: 2}]\n"}) == ((), ())
    smaller = FIRST["base/models/m.yaml"].replace("timeouts", "limits: {context: 4}, timeouts")
    with pytest.raises(TypeError):
        look({**FIRST, "base/models/m.yaml": smaller})
