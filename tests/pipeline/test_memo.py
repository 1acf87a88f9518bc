"""What building remembers: scopes share what they agree on, and remembering never changes a result."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding
from llmcfg.model.target import Scope
from llmcfg.pipeline.build import build
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.sharing import Sharing
from llmcfg.pipeline.validate import validate
from support.looked_at import effective
from support.written import MANIFEST, WrittenSnapshot, opened

TENANTS = MANIFEST + "variables: {one: 1, yes-or-one: true}\ntenants: {acme: {variables: {region: eu}}, beta: {}}\n"


def documents(configuration, name):
    return [configuration.effective(scope).documents.get(name) for scope in configuration.scopes]


# sharing


def test_scopes_that_share_layers_share_documents_by_identity():
    configuration = opened(
        {
            "llmcfg.yaml": TENANTS,
            "base/a.yaml": "v: '{{config:b.v}}'\n",
            "base/b.yaml": "v: 1\n",
            "environments/prod/c.yaml": "v: 1\n",
            "tenants/acme/d.yaml": "v: 1\n",
        }
    )
    for name in ("a", "b"):
        found = documents(configuration, name)
        assert all(resolved is found[0] for resolved in found)
        assert all(resolved.composed is found[0].composed for resolved in found)


def test_scopes_are_told_apart_by_what_their_references_read():
    configuration = opened(
        {
            "llmcfg.yaml": TENANTS,
            "base/a.yaml": "v: '{{config:b.v}}'\n",
            "base/b.yaml": "v: 1\n",
            "environments/prod/b.yaml": "v: 2\n",
            "base/t.yaml": "v: '{{var:environment}}'\n",
        }
    )
    dev, dev_acme, _, prod, prod_acme, _ = documents(configuration, "a")
    assert dev is dev_acme
    assert prod is prod_acme
    assert (dev.value, prod.value) == ({"v": 1}, {"v": 2})
    assert dev.composed is prod.composed
    assert len({id(resolved) for resolved in documents(configuration, "t")}) == 2


def test_a_folder_that_grows_in_one_scope_is_noticed():
    files = {
        "base/a.yaml": "v: '{{config:p}}'\n",
        "base/p/x.yaml": "k: 1\n",
        "environments/prod/p/other.yaml": "k: 2\n",
    }
    configuration = opened(files)
    dev, prod = documents(configuration, "a")
    assert dev.value == {"v": {"x": {"k": 1}}}
    assert prod.value == {"v": {"x": {"k": 1}, "other": {"k": 2}}}


def test_true_and_one_are_told_apart():
    manifest = MANIFEST.replace("dev: {}, prod: {}", "dev: {variables: {v: 1}}, prod: {variables: {v: true}}")
    dev, prod = documents(opened({"llmcfg.yaml": manifest, "base/a.yaml": "v: '{{var:v}}'\n"}), "a")
    assert (dev.value["v"], prod.value["v"]) == (1, True)
    assert prod.value["v"] is True


def test_a_document_that_appears_is_noticed():
    memo = Memo()
    files = {"base/a.yaml": "v: '{{config:b.k}}'\n", "base/b.yaml": "k: 1\n"}
    assert documents(opened(files, memo), "a")[0].value == {"v": 1}
    del files["base/b.yaml"]
    assert documents(opened(files, memo), "a")[0].problems != ()
    files["base/b/k.yaml"] = "z: 1\n"
    assert documents(opened(files, memo), "a")[0].value == {"v": {"z": 1}}


def test_a_revision_that_changes_one_document_shares_the_rest():
    memo = Memo()
    files = {f"base/d{number}.yaml": "v: '{{config:other.v}}'\n" for number in range(5)} | {"base/other.yaml": "v: 1\n"}
    before = opened(files, memo).effective(Scope("dev")).documents
    after = opened({**files, "base/d0.yaml": "v: 2\n"}, memo).effective(Scope("dev")).documents
    assert [name for name in before if before[name] is not after[name]] == ["d0"]


def test_a_warm_memo_reads_no_document_again():
    memo = Memo()
    files = {"llmcfg.yaml": MANIFEST, "base/a.yaml": "v: '{{config:b.v}}'\n", "base/b.yaml": "v: 1\n"}
    first, second = WrittenSnapshot(files), WrittenSnapshot(files)
    Configuration(first, memo).effective(Scope("dev"))
    Configuration(second, memo).effective(Scope("dev"))
    assert not second.reads


# laws over small repositories

REFERENCES = [
    "{{config:a.k}}", "{{config:b.m.k}}", "{{config:b}}", "{{config:p}}", "{{config:p.x.l[0]}}", "{{config:c.k}}", "{{config:a.kk}}",
    "{{var:environment}}", "{{var:region}}", "{{var:one}}", "{{var:yes-or-one}}", "{{secret:key}}", "{{secret:kei}}", "{{config:a",
    "<{{config:a.k}}>", "{{param:n}}", "{{ theirs }}",
]  # fmt: skip
SCALARS = st.sampled_from(["1", "2", "true", "1.5", "null", "text", *(f'"{text}"' for text in REFERENCES)])
LISTS = st.lists(SCALARS, max_size=2).map(lambda items: f"[{', '.join(items)}]")
EXTENDS = st.sampled_from(["a", "a.m", "b.m", "p.x", "p.x.m", "nope", "[a.m, b.m]", "[p.x.m]"])


def mapping(inner):
    plain = st.tuples(st.sampled_from(["k", "m", "l"]), inner | SCALARS)
    tags = st.tuples(
        st.sampled_from(["k", "m", "l"]),
        st.just("!delete ")
        | LISTS.map("!append {}".format)
        | inner.map("!replace {}".format)
        | SCALARS.map("!replace {}".format),
    )
    special = EXTENDS.map(lambda name: ("$extends", name)) | st.just(("$with", "{n: 7}"))
    entries = st.lists(plain | plain | tags | special, max_size=4, unique_by=lambda entry: entry[0])
    return entries.map(lambda said: "{" + ", ".join(f"{key}: {value}" for key, value in said) + "}")


VALUES = st.recursive(LISTS, mapping, max_leaves=4)
DOCUMENTS = mapping(VALUES).map("{}\n".format) | st.just("k: [\n") | st.just("k: no\n")
PATHS = [
    f"{layer}/{name}.yaml"
    for layer in ("base", "environments/prod", "tenants/acme", "tenants/acme/environments/prod")
    for name in ("a", "b", "p/x", "p/z")
]
SECRETS = st.sampled_from(["key: ENC[x]\nsops: {}\n", "key: ENC[y]\nkei: ''\nsops: {}\n", "key: [\n"])
REPOSITORIES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(PATHS, DOCUMENTS),
        "base/secrets/k.yaml": SECRETS,
        "environments/prod/secrets/k.yaml": SECRETS,
    },
).map(
    lambda files: {
        "llmcfg.yaml": TENANTS,
        "consumers/all.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\ntenants: '*'\nshared: true\n",
        "consumers/part.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [a.k, p, b.m.l]\n",
        **files,
    }
)


def outcome(files, memo) -> tuple[dict[str, dict[str, bytes]], tuple[Finding, ...]]:
    snapshot = WrittenSnapshot(files)
    configuration = Configuration(snapshot, memo)
    bundles = build(configuration, configuration.targets).bundles
    return {str(target): bundle.files() for target, bundle in bundles.items()}, validate(snapshot, memo)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(REPOSITORIES, min_size=1, max_size=3))
def test_a_memo_never_changes_bytes_or_findings(revisions):
    memo = Memo()
    for files in [*revisions, *reversed(revisions)]:
        assert outcome(files, memo) == outcome(files, Memo())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REPOSITORIES, st.randoms(use_true_random=False))
def test_the_order_in_which_scopes_are_asked_for_changes_nothing(files, chance):
    def trees(scopes):
        configuration = opened(files)
        return {scope: configuration.effective(scope).tree() for scope in scopes}

    scopes = list(opened(files).scopes)
    shuffled = chance.sample(scopes, len(scopes))
    one, other = trees(scopes), trees(shuffled)
    assert all(repr(one[scope]) == repr(other[scope]) for scope in scopes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REPOSITORIES)
def test_nothing_of_composition_is_left_in_the_effective_configuration(files):
    def check(value):
        assert type(value) in (dict, list, str, int, float, bool, type(None))
        if isinstance(value, dict):
            assert not value.keys() & {"$extends", "$with"}
            for item in value.values():
                check(item)
        elif isinstance(value, list):
            for item in value:
                check(item)

    for scope in opened(files).scopes:
        check(effective(files, *scope))


# tenants that inherit nearly everything


def test_a_tenant_holds_the_documents_that_it_overrides_and_no_others():
    configuration = opened(
        {
            "llmcfg.yaml": TENANTS,
            "base/a.yaml": "v: 1\n",
            "base/b.yaml": "v: 1\n",
            "tenants/acme/b.yaml": "v: 2\n",
            "consumers/app.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\ntenants: '*'\nshared: true\n",
        }
    )
    dev, acme, beta = (configuration.effective(Scope("dev", tenant)).documents for tenant in (None, "acme", "beta"))
    assert beta is dev
    assert acme.below is dev
    assert acme.own.keys() == {"b"}
    bundles = build(configuration, configuration.targets).bundles
    shared, own, _ = (bundle.parts for target, bundle in bundles.items() if target.environment == "dev")
    assert own["config/a.json"] is shared["config/a.json"]
    assert own["config/b.json"].content == b'{"v":2}\n'


def test_a_document_that_is_overridden_everywhere_is_not_judged_as_it_was_beneath():
    schema = '{"type": "object", "properties": {"v": {"type": "integer"}}}'
    files = {
        "llmcfg.yaml": TENANTS + "schemas: [{documents: a, schema: schemas/a.json}]\n",
        "schemas/a.json": schema,
        "base/a.yaml": "v: text\n",
        "environments/dev/a.yaml": "v: 1\n",
        "environments/prod/a.yaml": "v: 1\n",
    }
    assert validate(WrittenSnapshot(files), Memo()) == ()
    del files["environments/prod/a.yaml"]
    (finding,) = validate(WrittenSnapshot(files), Memo())
    assert finding.reach == ("prod", "prod/acme", "prod/beta")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REPOSITORIES)
def test_documents_are_shared_by_the_scopes_that_see_them_in_the_order_in_which_scopes_first_do(files):
    try:
        configuration = Configuration(WrittenSnapshot(files), Memo())
    except FindingsError:
        return
    scopes = configuration.scopes
    one_by_one = dict.fromkeys(
        resolved for scope in scopes for resolved in configuration.effective(scope).documents.values()
    )
    shared = Sharing(configuration, scopes).resolved
    assert len(shared) == len(one_by_one)
    for name in {resolved.name for resolved in one_by_one}:
        assert [each for each in shared if each.name == name] == [each for each in one_by_one if each.name == name]
