"""Manifests and consumers of every kind: what is wrong with them is said with its place, and nothing raises."""

from __future__ import annotations

from textwrap import dedent

import pytest

from llmcfg.model.manifest import SinkSpec
from llmcfg.model.target import Target
from llmcfg.pipeline.manifest import DEFAULT_SINKS, parse_manifest_text
from support.looked_at import findings, only, said
from support.written import opened

HEAD = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: test\n"
ENVIRONMENTS = "environments: {dev: {}, prod: {}}\n"
CONSUMER = "apiVersion: llmcfg.dev/v1\nkind: Consumer\n"


def manifest(text):
    return {"llmcfg.yaml": HEAD + dedent(text).lstrip("\n")}


BROKEN = [
    ("", ["schema-required llmcfg.yaml:1:1"]),
    ("environments: {}\n", ["manifest-invalid llmcfg.yaml:4:1"]),
    ("environments: [dev]\n", ["manifest-invalid llmcfg.yaml:4:1"]),
    ("environments: {dev: 1}\n", ["manifest-invalid llmcfg.yaml:4:16"]),
    (ENVIRONMENTS + "tenant: {}\n", ["schema-unknown-key llmcfg.yaml:5:1"]),
    ("environments: {dev: {inherit: prod}}\n", ["schema-unknown-key llmcfg.yaml:4:22"]),
    ("environments: {dev: {inherits: prdo}, prod: {}}\n", ["manifest-inherits llmcfg.yaml:4:22"]),
    ("environments: {dev: {inherits: dev}}\n", ["manifest-inherits llmcfg.yaml:4:22"]),
    ("environments: {a: {inherits: b}, b: {inherits: c}, c: {inherits: b}}\n", ["manifest-inherits llmcfg.yaml:4:38"]),
    ("environments: {dev: {track: {branch: a, tag: b}}}\n", ["manifest-invalid llmcfg.yaml:4:22"]),
    (ENVIRONMENTS + "tenants: {a: {parent: b}, b: {parent: a}}\n", ["manifest-inherits llmcfg.yaml:5:15"]),
    (ENVIRONMENTS + "tenants: {a: {quota: {keys: -1}}}\n", ["manifest-invalid llmcfg.yaml:5:23"]),
    (ENVIRONMENTS + "tenants: {a: {quota: {keys: 1.5}}}\n", ["manifest-invalid llmcfg.yaml:5:23"]),
    (ENVIRONMENTS + "tenants: {a: {region: ../x}}\n", ["manifest-invalid llmcfg.yaml:5:15"]),
    (ENVIRONMENTS + "tenants: {a: {recipients: [AGE-SECRET]}}\n", ["manifest-invalid llmcfg.yaml:5:28"]),
    ("environments: {con: {}, Prod: {}, a_b: {}, '..': {}, 'a/b': {}, xn--a: {}, -a: {}, current: {}}\n",
     [f"layout-name llmcfg.yaml:4:{column}" for column in (16, 25, 35, 44, 54, 65, 76, 84)]),
    (f"environments: {{{'a' * 64}: {{}}}}\n", ["layout-name llmcfg.yaml:4:16"]),
    (ENVIRONMENTS + "tenants: {_shared: {}, shared: {}}\n", ["layout-name llmcfg.yaml:5:11", "layout-name llmcfg.yaml:5:24"]),
    (ENVIRONMENTS + "variables: {a: [1]}\n", ["manifest-invalid llmcfg.yaml:5:13"]),
    (ENVIRONMENTS + "variables: {a: 'x {{secret:b}}'}\n", ["manifest-invalid llmcfg.yaml:5:19"]),
    ("environments: {dev: {variables: {a: '{{var:b'}}}\n", ["manifest-invalid llmcfg.yaml:4:38"]),
    (ENVIRONMENTS + "hierarchy: ['environments/{environment}']\n", ["manifest-invalid llmcfg.yaml:5:1"]),
    (ENVIRONMENTS + "hierarchy: [base, ../x]\n", ["manifest-invalid llmcfg.yaml:5:19"]),
    (ENVIRONMENTS + "hierarchy: [base, /etc]\n", ["manifest-invalid llmcfg.yaml:5:19"]),
    (ENVIRONMENTS + "hierarchy: [base, schemas]\n", ["manifest-invalid llmcfg.yaml:5:19"]),
    (ENVIRONMENTS + 'hierarchy: [base, "clusters/{cluster}"]\n', ["manifest-invalid llmcfg.yaml:5:19"]),
    (ENVIRONMENTS + 'hierarchy: [base, "x/{__class__}"]\n', ["manifest-invalid llmcfg.yaml:5:19"]),
    (ENVIRONMENTS + "hierarchy: []\n", ["manifest-invalid llmcfg.yaml:5:1"]),
    (ENVIRONMENTS + "schemas: [{documents: a, schema: schemas/../../etc/passwd.json}]\n", ["schema-missing llmcfg.yaml:5:26"]),
    (ENVIRONMENTS + "schemas: [{documents: a, schema: /etc/passwd}]\n", ["manifest-invalid llmcfg.yaml:5:26"]),
    *[(ENVIRONMENTS + f"sinks: [{{directory: {{path: {path}}}}}]\n", ["manifest-invalid llmcfg.yaml:5:22"])
      for path in ("/etc", "../x", "a/../../b", "'a\\b'", "'C:/x'", "'{tenant}'", "'{environment'", "'.'", '"a\\tb"')],
    (ENVIRONMENTS + "sinks: [{directory: {path: x, keep: 0}}]\n", ["manifest-invalid llmcfg.yaml:5:31"]),
    (ENVIRONMENTS + "sinks: [{s3: {path: x}}]\n", ["schema-unknown-key llmcfg.yaml:5:10"]),
    ("environments: !replace {dev: {}}\n", ["manifest-invalid llmcfg.yaml:4:1"]),
    (ENVIRONMENTS + "variables: {a: !delete }\n", ["manifest-invalid llmcfg.yaml:5:13"]),
]  # fmt: skip


@pytest.mark.fault("Y24")
@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_broken_manifest_is_said_with_its_places(text, expected):
    assert said(manifest(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]\n",
        "a: [\n",
        "kind: Consumer\n",
        "apiVersion: 1\nkind: 2\nname: 3\nenvironments: 4\n",
        "\x00",
        "a: 1\n---\nb: 2\n",
        "null\n",
    ],
)
def test_what_is_no_manifest_at_all_is_said(text):
    assert findings({"llmcfg.yaml": text.encode()})


def test_a_warning_in_the_manifest_does_not_stop_anything():
    finding = only(manifest('environments: {dev: {description: "a \u202e b"}}\n'))
    assert finding.rule_id == "yaml-direction"


@pytest.mark.parametrize(("sinks", "expected"), [("", DEFAULT_SINKS), ("sinks: []\n", ())])
def test_bundles_are_delivered_nowhere_only_where_that_is_said(sinks: str, expected: tuple[SinkSpec, ...]):
    assert parse_manifest_text(f"{HEAD}{ENVIRONMENTS}{sinks}".encode()).sinks == expected


def test_a_cycle_is_printed_once():
    text = "environments: {a: {inherits: b}, b: {inherits: c}, c: {inherits: a}, d: {inherits: a}}\n"
    assert only(manifest(text)).message == "environments inherit in a cycle: a -> b -> c -> a"


def test_ten_thousand_environments_are_read():
    names = [f"e{number}" for number in range(10_000)]
    text = "environments:\n" + "".join(f"  {name}: {{}}\n" for name in names)
    assert len(opened(manifest(text)).scopes) == 10_000


@pytest.mark.parametrize(
    "inherits",
    [lambda n: f"e{n + 1}", lambda n: f"e{(n + 1) % 10_000}", lambda n: f"x{n}", lambda n: f"e{n}"],
    ids=["chain", "cycle", "missing", "own"],
)
def test_ten_thousand_environments_that_inherit_wrongly_are_said(inherits):
    text = "environments:\n" + "".join(f"  e{n}: {{inherits: {inherits(n)}}}\n" for n in range(10_000))
    found = findings(manifest(text))
    assert {finding.rule_id for finding in found} == {"manifest-inherits"}
    assert all(len(finding.message) < 300 for finding in found)


def test_ten_thousand_bad_names_are_said_to_some_extent():
    text = "environments:\n" + "".join(f"  E{n}: {{}}\n" for n in range(10_000))
    assert 100 < len(findings(manifest(text))) < 1000


def test_more_scopes_than_anyone_has_are_refused():
    names = ", ".join(f"n{number}: {{}}" for number in range(600))
    finding = only(manifest(f"environments: {{{names}}}\ntenants: {{{names}}}\n"))
    assert finding.message == "environments times tenants are 360600; the limit is 250000"


# consumers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select: []\n", ["consumer-invalid consumers/api.yaml:3:1"]),
        ("select: a\n", ["consumer-invalid consumers/api.yaml:3:1"]),
        ("", ["schema-required consumers/api.yaml:1:1"]),
        ("select: [a..b]\n", ["consumer-invalid consumers/api.yaml:3:10"]),
        ("select: [a, 'a b']\n", ["consumer-invalid consumers/api.yaml:3:13"]),
        ("select: [a]\nsecrets: true\n", ["schema-unknown-key consumers/api.yaml:4:1"]),
        ("select: [a]\nenvironments: [prd, dev]\n", ["consumer-unknown-name consumers/api.yaml:4:16"]),
        ("select: [a]\ntenants: [acme]\n", ["consumer-unknown-name consumers/api.yaml:4:11"]),
        ("select: [a]\ntenants: all\n", ["consumer-invalid consumers/api.yaml:4:1"]),
        ("select: [a]\nschema: schemas/x.json\n", ["consumer-unknown-name consumers/api.yaml:4:1"]),
        ("select: [a]\nschema: ../x.json\n", ["consumer-invalid consumers/api.yaml:4:1"]),
        ("select: !replace [a]\n", ["consumer-invalid consumers/api.yaml:3:1"]),
        ("select: [b]\n", ["consumer-unknown-name consumers/api.yaml:3:10"]),
        ("select: [a]\nsinks: [{directory: {path: ../x}}]\n", ["consumer-invalid consumers/api.yaml:4:22"]),
        ("select: [a]\noutputs: [{path: x, template: templates/no.j2}]\n", ["consumer-unknown-name consumers/api.yaml:4:21"]),
        ("select: [a]\noutputs: [{path: x, template: ../../etc/passwd}]\n", ["consumer-invalid consumers/api.yaml:4:21"]),
        *[
            (f"select: [a]\noutputs: [{{path: {path}, template: templates/t.j2}}]\n", ["consumer-invalid consumers/api.yaml:4:12"])
            for path in ("../x", "/x", "a//b", "a/../b", "'a b'", ".x", "''", "con", "x/aux.yaml", "x.", "x/" + "a" * 129)
        ],
        *[
            (
                f"select: [a]\noutputs:\n  - {{path: {one}, template: templates/t.j2}}\n  - {{path: {other}, template: templates/t.j2}}\n",
                ["consumer-invalid consumers/api.yaml:6:6"],
            )
            for one, other in (("x", "x"), ("x", "X"), ("x/y", "x"), ("x", "x/y"), ("a/b/c", "A/B"))
        ],
    ],
)  # fmt: skip
def test_a_broken_consumer_is_said_with_its_places(text, expected):
    files = {"consumers/api.yaml": CONSUMER + text, "base/a.yaml": "k: 1\n", "templates/t.j2": "x\n"}
    assert said(files) == expected


@pytest.mark.fault("Y24")
@pytest.mark.parametrize("name", ["Api", "a_b", "con", "xn--a", "a" * 64, "-a"])
def test_a_consumer_whose_name_breaks_the_rules_is_said(name):
    files = {f"consumers/{name}.yaml": CONSUMER + "select: [a]\n", "base/a.yaml": "k: 1\n"}
    assert said(files) == [f"layout-name consumers/{name}.yaml"]
    assert opened(files).targets == ()


def test_a_warning_in_a_consumer_does_not_leave_it_out():
    files = {"consumers/api.yaml": CONSUMER + 'description: "a \u202e b"\nselect: [a]\n', "base/a.yaml": "k: 1\n"}
    assert said(files) == ["yaml-direction consumers/api.yaml:3:17"]
    assert len(opened(files).targets) == 2


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("", [(None,), (None,)]),
        ('tenants: "*"\n', [("acme", "beta"), ("acme", "beta")]),
        ('tenants: "*"\nshared: true\n', [(None, "acme", "beta")] * 2),
        ("tenants: [beta]\nenvironments: [prod]\n", [(), ("beta",)]),
        ("tenants: []\n", [(None,), (None,)]),
        ("shared: false\n", [(), ()]),
        ("environments: [prod, prdo]\n", [(), (None,)]),
    ],
)
def test_the_targets_of_a_consumer(text, targets):
    files = {
        **manifest(ENVIRONMENTS + "tenants: {beta: {}, acme: {}}\n"),
        "consumers/api.yaml": CONSUMER + "select: [.]\n" + text,
    }
    assert opened(files).targets == tuple(
        Target(environment, tenant, "api")
        for environment, tenants in zip(("dev", "prod"), targets, strict=True)
        for tenant in tenants
    )


def test_what_is_mistyped_gets_a_hint():
    files = {
        "consumers/api.yaml": CONSUMER + "select: [a.kee, gatway]\n",
        "base/a.yaml": "key: 1\n",
        "base/gateway.yaml": "x: 1\n",
    }
    assert [finding.hint for finding in findings(files)] == ["did you mean 'a.key'?", "did you mean 'gateway'?"]


def test_no_manifest_is_a_finding():
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.validate import validate
    from support.written import WrittenSnapshot

    (finding,) = validate(WrittenSnapshot({"base/a.yaml": "a: 1\n"}), Memo())
    assert (finding.rule_id, finding.hint) == ("manifest-missing", "make one: llmcfg init")
