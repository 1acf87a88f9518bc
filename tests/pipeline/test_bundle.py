"""Bundles: canonical parts, typed secret references, digests that name the content, and a head without time."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json, digest_of
from llmcfg.model.reference import secret_reference
from llmcfg.model.target import Target
from llmcfg.pipeline.build import build
from llmcfg.pipeline.bundle import (
    ENGINE,
    environment_files,
    head_of,
    make_bundle,
    make_part,
    manifest_digests,
)
from llmcfg.pipeline.typedsecrets import from_typed, to_typed
from support.written import CONSUMER, MANIFEST, opened

TENANTS = MANIFEST + "tenants: {acme: {}, beta: {}}\n"
SECRETS = "openai: ENC[AES256_GCM,data:abc]\nsops: {version: 3.9.0}\n"

names = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]) | st.sampled_from("_-."), min_size=1, max_size=9)
prose = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=9)
texts = st.lists(prose | names.map(secret_reference), max_size=5).map("".join)
values = st.recursive(
    texts | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(prose.filter(lambda key: key[:1] != "$"), inner, max_size=4)
    ),
    max_leaves=20,
)


def bundles_of(files):
    configuration = opened(files)
    return build(configuration, configuration.targets).bundles


def only_bundle(files, target):
    return {str(key): bundle for key, bundle in bundles_of(files).items()}[target]


@given(values)
def test_unsealing_gives_back_what_was_sealed(value):
    assert from_typed(to_typed(value)) == value


@given(values)
def test_a_sealed_value_holds_no_reference_as_text(value):
    assert b"{{secret:" not in canonical_json(to_typed(value))


def test_a_reference_is_typed_whole_or_within_a_text():
    assert to_typed("{{secret:a}}") == {"$secret": "a"}
    assert to_typed("Bearer {{secret:a}}!") == {"$text": ["Bearer ", {"$secret": "a"}, "!"]}
    assert to_typed("{{secret:a}}{{secret:b}}") == {"$text": [{"$secret": "a"}, {"$secret": "b"}]}
    assert to_typed({"prompt": ["Hello {{ user }}"]}) == {"prompt": ["Hello {{ user }}"]}


def test_config_parts_are_canonical_json_of_what_is_selected():
    bundle = only_bundle(
        {
            "base/limits.yaml": "z: 2.0\na: 0.00001\n\u20ac: 'gr\u00fcn\U0001f600'\nflags: {b: true, a: null}\n",
            "base/other.yaml": "x: 1\n",
            "consumers/api.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [limits]\n",
        },
        "prod/_shared/api",
    )

    assert list(bundle.files()) == ["config/limits.json", "manifest.json"]
    assert bundle.files()["config/limits.json"].decode() == (
        '{"a":0.00001,"flags":{"a":null,"b":true},"z":2,"\u20ac":"gr\u00fcn\U0001f600"}\n'
    )


def test_the_order_and_layout_of_yaml_do_not_reach_the_digest():
    files = {"consumers/api.yaml": CONSUMER, "base/a.yaml": "x: {one: 1, two: [2]}\nb: text\n"}
    rewritten = {**files, "base/a.yaml": "# rewritten\nb: 'text'\nx:\n  two:\n    - 2\n  one: 1.0\n"}

    assert only_bundle(files, "prod/_shared/api").digest == only_bundle(rewritten, "prod/_shared/api").digest


def test_the_manifest_names_the_target_and_the_digest_of_every_part():
    manifest = TENANTS.replace("beta: {}", f"beta: {{recipients: [{AGE_TWO}]}}")
    consumer = (
        CONSUMER
        + f"tenants: [beta]\nrecipients: [{AGE_ONE}, {AGE_TWO}]\noutputs: [{{path: a.txt, template: templates/a.j2}}]\n"
    )
    bundle = only_bundle(
        {
            "llmcfg.yaml": manifest,
            "base/a.yaml": "key: '{{secret:openai}}'\n",
            "base/secrets/keys.yaml": SECRETS,
            "templates/a.j2": "{{ tenant }}",
            "consumers/api.yaml": consumer,
        },
        "prod/beta/api",
    )
    said = json.loads(bundle.manifest)

    assert said["target"] == {"environment": "prod", "tenant": "beta", "consumer": "api"}
    assert said["parts"] == {
        path: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for path, content in bundle.files().items()
        if path != "manifest.json"
    }
    assert said["digest"] == f"sha256:{bundle.digest}"
    assert said["recipients"] == sorted([AGE_ONE, AGE_TWO])
    assert said["sealed"] == ["secrets.age"]
    fingerprint = hashlib.sha256(b"ENC[AES256_GCM,data:abc]").hexdigest()
    assert said["secrets"] == {"openai": {"fingerprint": f"sha256:{fingerprint}", "epoch": None, "expires": None}}
    assert bundle.manifest == canonical_json(said) + b"\n"


AGE_ONE = "age1dd0u0w9jnfft2u7eez6zu67tgrqjps9wavh3dx9f5euhc82ljylqfp8x7t"
AGE_TWO = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def test_a_secret_in_a_rendered_file_is_in_the_lock():
    files = {
        "base/a.yaml": "plain: 1\n",
        "base/secrets/keys.yaml": SECRETS,
        "templates/a.j2": "KEY={{ '{{secret:openai}}' }}\n",
        "consumers/api.yaml": CONSUMER + "outputs: [{path: a.txt, template: templates/a.j2}]\n",
    }

    assert list(only_bundle(files, "prod/_shared/api").secrets) == ["openai"]


def test_the_lock_changes_exactly_when_the_ciphertext_does():
    files = {
        "base/a.yaml": "key: '{{secret:openai}}'\n",
        "base/secrets/keys.yaml": SECRETS,
        "consumers/api.yaml": CONSUMER,
    }
    before = only_bundle(files, "prod/_shared/api")
    beside = SECRETS.replace("sops:", "other: ENC[AES256_GCM,data:zzz]\nsops:").replace("3.9.0", "3.9.1")
    moved = {"base/secrets/keys.yaml": "sops: {version: 3.9.0}\n", "base/secrets/moved.yaml": SECRETS}
    rotated = SECRETS.replace("abc", "abd")

    assert only_bundle({**files, "base/secrets/keys.yaml": beside}, "prod/_shared/api") == before
    assert only_bundle({**files, **moved}, "prod/_shared/api") == before
    after = only_bundle({**files, "base/secrets/keys.yaml": rotated}, "prod/_shared/api")
    assert after.parts == before.parts
    assert after.secrets != before.secrets
    assert after.digest != before.digest


def test_the_highest_layer_that_names_a_secret_locks_it():
    files = {
        "base/a.yaml": "key: '{{secret:openai}}'\n",
        "base/secrets/keys.yaml": SECRETS,
        "environments/prod/secrets/own.yaml": SECRETS.replace("abc", "prod"),
        "consumers/api.yaml": CONSUMER,
    }
    bundles = {str(target): bundle for target, bundle in bundles_of(files).items()}

    assert bundles["prod/_shared/api"].secrets != bundles["dev/_shared/api"].secrets
    assert bundles["prod/_shared/api"].parts["config/a.json"] is bundles["dev/_shared/api"].parts["config/a.json"]


def test_equal_parts_are_shared_between_targets_by_identity():
    bundles = {
        str(target): bundle
        for target, bundle in bundles_of(
            {
                "llmcfg.yaml": TENANTS,
                "base/a.yaml": "x: '{{var:environment}}'\n",
                "base/b.yaml": "v: 1\n",
                "tenants/beta/b.yaml": "v: 2\n",
                "templates/a.j2": "same for all\n",
                "consumers/api.yaml": CONSUMER + 'tenants: "*"\noutputs: [{path: a.txt, template: templates/a.j2}]\n',
            }
        ).items()
    }
    acme, beta = bundles["prod/acme/api"].parts, bundles["prod/beta/api"].parts

    assert acme["config/a.json"] is beta["config/a.json"]
    assert acme["config/b.json"] is not beta["config/b.json"]
    assert acme["config/b.json"] is bundles["dev/acme/api"].parts["config/b.json"]
    assert acme["files/a.txt"] is beta["files/a.txt"]


def root_of(bundles):
    return digest_of(manifest_digests(bundles))


def test_the_head_names_every_manifest_under_one_root_and_knows_no_time():
    bundles = {target: bundle for target, bundle in bundles_of(SIMPLE).items() if target.environment == "prod"}
    head = json.loads(head_of("prod", manifest_digests(bundles), "c" * 40))

    assert head == {
        "apiVersion": "llmcfg.dev/v1",
        "kind": "Head",
        "environment": "prod",
        "root": f"sha256:{root_of(bundles)}",
        "bundles": {
            target.folder: f"sha256:{hashlib.sha256(bundle.manifest).hexdigest()}" for target, bundle in bundles.items()
        },
        "revision": "c" * 40,
        "engine": ENGINE,
        "signatures": [],
        **dict.fromkeys(("sealed", "epoch", "sequence", "previous", "issued", "expires")),
    }


SIMPLE = {
    "llmcfg.yaml": TENANTS,
    "base/a.yaml": "x: 1\n",
    "consumers/api.yaml": CONSUMER + 'tenants: "*"\nshared: true\n',
    "consumers/0.yaml": CONSUMER,
}


def test_the_root_digest_depends_on_every_bundle_and_on_nothing_else():
    bundles = {target: bundle for target, bundle in bundles_of(SIMPLE).items() if target.environment == "prod"}
    changed = dict(bundles_of({**SIMPLE, "tenants/beta/a.yaml": "x: 2\n"}))

    assert root_of(dict(reversed(bundles.items()))) == root_of(bundles)
    assert root_of({target: changed[target] for target in bundles}) != root_of(bundles)
    assert root_of(dict(list(bundles.items())[1:])) != root_of(bundles)
    assert head_of("prod", manifest_digests(bundles), "a" * 40) != head_of("prod", manifest_digests(bundles), "b" * 40)


def test_every_legal_name_has_a_folder_of_its_own():
    odd = ["0", "00", "a", "a-b", "a--b", "a1", "x" * 63]
    part = {"config/a.json": make_part(b"{}\n")}
    bundles = {
        (target := Target("prod", tenant, consumer)): make_bundle(target, part, {}, ())
        for tenant in (None, *odd)
        for consumer in odd
    }
    files = environment_files("prod", bundles, None)

    assert len(files) == 2 * len(bundles) + 1
    assert list(files) == sorted(files)
    assert {path.rsplit("/", 1)[0] for path in files if path.endswith("manifest.json")} == {
        target.folder for target in bundles
    }
    assert json.loads(files["head.json"])["bundles"].keys() == {target.folder for target in bundles}
