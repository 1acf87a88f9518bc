"""Random small configuration repositories that use everything a build can read, and what comes of them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from hypothesis import strategies as st

from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding
from llmcfg.pipeline.build import build
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.diff import compare, state_of
from llmcfg.pipeline.examine import examine
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate_configuration
from support.written import WrittenSnapshot

TODAY = date(2026, 11, 25)
MANIFESTS = st.sampled_from(
    [
        f"""
apiVersion: llmcfg.dev/v1
kind: Repository
name: random
environments: {{dev: {{{dev}}}, prod: {{inherits: dev, protected: true}}}}
variables: {{one: {one}}}
tenants: {{acme: {{variables: {{region: eu}}{quota}}}, beta: {{parent: acme}}}}
{schemas}
"""
        for dev in ("", "variables: {region: us}")
        for one in ("1", "true")
        for quota in ("", ", quota: {keys: 2}")
        for schemas in (
            "",
            "schemas: [{documents: 'a', schema: schemas/a.json}, {documents: '*', schema: schemas/b.json}]",
        )
    ]
)
SCHEMAS = st.sampled_from(
    [
        '{"type": "object", "additionalProperties": true}',
        '{"type": "object", "additionalProperties": true, "properties": {"k": {"type": "integer"}}}',
        '{"type": "object", "additionalProperties": true, "required": ["k"]}',
        '{"type": "object", "additionalProperties": true, "properties": {"l": {"x-llmcfg-merge": "append", "type": "array"}}}',
        '{"type": "object", "additionalProperties": true, "properties": {"k": {"x-llmcfg-expires": "2026-12-01"}}}',
        '{"type": "object", "properties": {"k": {}}}',
        '{"type": "obj',
    ]
)
CONSUMERS = st.sampled_from(
    [
        f"apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [{select}]\ntenants: '*'\nshared: true\n{rest}"
        for select in (".", "a.k, p, b.m.l", "a.m, b.k", "a, models")
        for rest in (
            "",
            "schema: schemas/b.json\n",
            "outputs: [{template: templates/t.j2, path: t.txt}]\n",
        )
    ]
)
TEMPLATES = st.sampled_from(
    [
        "{{ config.a.k | default('none') }}\n",
        "{{ tenant }} {{ variables.one }}\n",
        "{{ config.",
        "{{ secret('key') }}\n",
    ]
)
REFERENCES = [
    "{{config:a.k}}", "{{config:b.m.k}}", "{{config:b}}", "{{config:p}}", "{{config:p.x.l[0]}}", "{{config:c.k}}", "{{config:a.kk}}",
    "{{var:environment}}", "{{var:region}}", "{{var:one}}", "{{secret:key}}", "{{secret:kei}}", "{{secret:key@all}}",
    "<{{config:a.k}}>", "{{param:n}}", "{{ theirs }}",
]  # fmt: skip
SCALARS = st.sampled_from(
    ["1", "2", "true", "1.5", "-0.0", "null", "text", '"AKIAQYLPMN5HFIQR7XYA"', *(f'"{text}"' for text in REFERENCES)]
)
LISTS = st.lists(SCALARS, max_size=2).map(lambda items: f"[{', '.join(items)}]")
EXTENDS = st.sampled_from(["a", "a.m", "b.m", "p.x", "p.x.m", "nope", "[a.m, b.m]"])


def mapping(inner):
    plain = st.tuples(st.sampled_from(["k", "m", "l"]), inner | SCALARS)
    tags = st.tuples(
        st.sampled_from(["k", "m", "l"]),
        st.just("!delete ") | LISTS.map("!append {}".format) | inner.map("!replace {}".format),
    )
    special = EXTENDS.map(lambda name: ("$extends", name)) | st.just(("$with", "{n: 7}"))
    entries = st.lists(plain | plain | plain | tags | special, max_size=4, unique_by=lambda entry: entry[0])
    return entries.map(lambda said: "{" + ", ".join(f"{key}: {value}" for key, value in said) + "}")


VALUES = st.recursive(LISTS, mapping, max_leaves=4)
SOUND = st.sampled_from(
    [
        "k: 1\nm: {k: 2, l: [1]}\n",
        "k: 2\nl: [1, 2]\n",
        "l: [3]\n",
        "k: '{{var:one}}'\nm: {k: text}\n",
        "k: '{{config:b.m.k}}'\nl: [1]\n",
        "m: {k: '{{secret:key}}'}\n",
        "k: '{{var:environment}}'\n",
        "m: {$extends: p.x.m, k: 4}\n",
        "m: {k: 5}\nl: !append [4]\n",
    ]
)
DOCUMENTS = (
    SOUND
    | SOUND
    | SOUND
    | mapping(VALUES).map("{}\n".format)
    | mapping(VALUES).map("# llmcfg: allow LLM012 until 2027-01-31 because it moves\n{}\n".format)
    | st.sampled_from(["k: [\n", "k: no\n", "k: &x {m: 1}\nm: *x\n", "k: ENC[AES256_GCM,data:x]\n"])
)
MODELS = st.sampled_from(
    [
        "provider: openai\nmodel: gpt-4o\n",
        "provider: openai\nmodel: gpt-4\ntimeout_s: 900\n",
        "provider: nowhere\nmodel: gpt-4o\n",
    ]
)
PROMPTS = st.sampled_from(
    [
        "id: triage\ncurrent: 1.0.0\nversions:\n  1.0.0: {template: 'Say {{ name }}', variables: {name: {type: string}}}\n",
        "id: triage\ncurrent: 2.0.0\nversions:\n  1.0.0: {template: 'Say {{ name }}'}\n",
    ]
)
SECRETS = st.sampled_from(["key: ENC[x]\nsops: {}\n", "key: ENC[y]\nkei: ''\nsops: {}\n", "key: [\n"])
LAYERS = ("base", "environments/prod", "tenants/acme", "tenants/acme/environments/prod", "tenants/beta")
REPOSITORIES = st.fixed_dictionaries(
    {"llmcfg.yaml": MANIFESTS, "consumers/app.yaml": CONSUMERS, "base/a.yaml": SOUND, "base/b.yaml": SOUND},
    optional={
        **{f"{layer}/{name}.yaml": DOCUMENTS for layer in LAYERS[1:] for name in ("a", "b", "p/x")},
        "base/p/x.yaml": DOCUMENTS,
        "consumers/other.yaml": CONSUMERS,
        "schemas/a.json": SCHEMAS,
        "schemas/b.json": SCHEMAS,
        "templates/t.j2": TEMPLATES,
        "base/models/main.yaml": MODELS,
        "tenants/acme/models/main.yaml": MODELS,
        "base/llm_providers/openai.yaml": st.just("base_url: https://api.openai.com/v1\n"),
        "prompts/triage.yaml": PROMPTS,
        "base/secrets/k.yaml": SECRETS,
        "environments/prod/secrets/k.yaml": SECRETS,
        ".sops.yaml": st.just("creation_rules: []\n"),
    },
)


class Outcome(NamedTuple):
    """All that a run says. `examined` are the findings of a look at everything, which `findings` need not have been."""

    findings: tuple[Finding, ...]
    examined: tuple[Finding, ...]
    bundles: dict[str, dict[str, bytes]]


def run(files: dict[str, str], memo: Memo, as_of: date = TODAY) -> Outcome:
    """As `validate` and then `render` make it, in one process."""
    try:
        configuration = Configuration(WrittenSnapshot(files), memo)
    except FindingsError as error:
        return Outcome(tuple(error.findings), tuple(error.findings), {})
    findings = validate_configuration(configuration, as_of=as_of)
    examined = examine(configuration, as_of=as_of).findings
    built = build(configuration, configuration.targets)
    return Outcome(findings, examined, {str(target): bundle.files() for target, bundle in built.bundles.items()})


def difference(before: dict[str, str], after: dict[str, str], memo: Memo):
    """As `diff` makes it."""
    states = []
    for files in (before, after):
        configuration = Configuration(WrittenSnapshot(files), memo)
        states.append(state_of(configuration, build(configuration, configuration.targets)))
    return compare(*states)
