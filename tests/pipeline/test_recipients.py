"""Recipients: what is sealed to whom, and what is said when it cannot be."""

from __future__ import annotations

import json

import pytest

from llmcfg.pipeline.build import build
from llmcfg.secrets.age import generate_identity
from support.looked_at import findings
from support.sealed import token, written
from support.written import CONSUMER, MANIFEST, opened

ADA = generate_identity().recipient.text
EVE = generate_identity().recipient.text
FILES = {
    "base/a.yaml": "key: '{{secret:openai}}'\n",
    "base/secrets/keys.yaml": written(f"openai: {token('abc')}"),
    "consumers/api.yaml": CONSUMER + "tenants: [acme]\nshared: true\n",
    "llmcfg.yaml": MANIFEST + "tenants: {acme: {}}\n",
}


def manifests(files):
    configuration = opened({**FILES, **files})
    bundles = build(configuration, configuration.targets).bundles
    return {str(target): json.loads(bundle.manifest) for target, bundle in bundles.items()}


def said(files):
    return [(f.rule_id, str(f.origin), f.reach) for f in findings({**FILES, **files})]


def test_a_bundle_is_sealed_to_its_consumer_and_to_its_tenant():
    made = manifests(
        {
            "consumers/api.yaml": FILES["consumers/api.yaml"] + f"recipients: [{ADA}]\n",
            "llmcfg.yaml": MANIFEST + f"tenants: {{acme: {{recipients: [{EVE}]}}}}\n",
        }
    )
    assert made["prod/acme/api"]["recipients"] == sorted([ADA, EVE])
    assert made["prod/_shared/api"]["recipients"] == [ADA]
    assert all(manifest["sealed"] == ["secrets.age"] for manifest in made.values())


def test_a_parents_recipients_are_not_a_childs():
    tenants = f"tenants: {{acme: {{parent: group}}, group: {{recipients: [{EVE}]}}}}\n"
    made = manifests({"llmcfg.yaml": MANIFEST + tenants})
    assert made["prod/acme/api"]["recipients"] == made["prod/acme/api"]["sealed"] == []


def test_a_consumer_that_gets_secrets_and_names_nobody_is_told_for_whom_that_is():
    tenant = {"llmcfg.yaml": MANIFEST + f"tenants: {{acme: {{recipients: [{EVE}]}}}}\n"}
    assert said(tenant) == [
        ("consumer-recipients", "consumers/api.yaml:3:1", ("dev/_shared/api", "prod/_shared/api")),
    ]
    assert manifests(tenant)["prod/_shared/api"]["sealed"] == []
    assert said({"base/a.yaml": "key: none\n"}) == []


def test_nothing_is_sealed_for_a_consumer_that_gets_no_secret():
    made = manifests(
        {"base/a.yaml": "key: none\n", "consumers/api.yaml": FILES["consumers/api.yaml"] + f"recipients: [{ADA}]\n"}
    )
    assert made["prod/_shared/api"]["sealed"] == []


@pytest.mark.parametrize(
    "broken",
    [ADA[:-1] + "qp"[ADA[-1] == "q"], "age1yubikey1qqqqqqqq", "age1qqqq"],
    ids=["mistyped", "of a plugin", "cut short"],
)
def test_a_recipient_that_is_none_is_found_where_it_stands(broken):
    consumer = FILES["consumers/api.yaml"] + f"recipients:\n  - {ADA}\n  - {broken}\n"
    rule, origin, _ = said({"consumers/api.yaml": consumer})[0]
    assert (rule, origin) == ("consumer-invalid", "consumers/api.yaml:8:5")
    tenant = MANIFEST + f"tenants:\n  acme:\n    recipients: [{broken}]\n"
    rule, origin, reach = said({"llmcfg.yaml": tenant, "consumers/api.yaml": CONSUMER + "tenants: [acme]\n"})[0]
    assert (rule, origin, reach) == ("manifest-invalid", "llmcfg.yaml:7:18", ("dev/acme/api", "prod/acme/api"))


def test_post_quantum_and_other_recipients_do_not_mix_over_consumer_and_tenant():
    quantum = generate_identity(post_quantum=True).recipient.text
    found = findings(
        {
            **FILES,
            "consumers/api.yaml": CONSUMER + f"tenants: [acme]\nrecipients: [{quantum}]\n",
            "llmcfg.yaml": MANIFEST + f"tenants: {{acme: {{recipients: [{EVE}]}}}}\n",
        }
    )
    assert [(f.rule_id, f.reach) for f in found] == [("consumer-invalid", ("dev/acme/api", "prod/acme/api"))]
    assert "undo the protection" in found[0].hint


def test_more_recipients_than_one_file_may_have_are_refused():
    many = ", ".join(generate_identity().recipient.text for _ in range(33))
    found = findings({**FILES, "consumers/api.yaml": CONSUMER + f"recipients: [{many}]\n"})
    assert [f.message for f in found] == ["it has 33 recipients with its tenant's, 32 are allowed"]
