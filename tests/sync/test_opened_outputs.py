"""Opened outputs: the file that a program reads, with real values and right quotes, and never in the clear on the way."""

from __future__ import annotations

import json
import subprocess
import tomllib

import pytest
import yaml

from llmcfg.canonical import digest
from llmcfg.errors import FindingsError, NotAuthorisedError
from llmcfg.secrets.age import encrypt_to
from support.readers import DEPLOYER, READER, opened, sealed_of, sops
from support.written import CONSUMER

AWKWARD = 'canary "it\'s" $HOME `x`\n- a: b # no\n\ttab {{ x }} é \\n'
MULTILINE = "-----BEGIN canary-----\nMIIB\n-----END canary-----\n"


def files(template, path="gateway.yaml", options="opened: true", secrets=None, config="key: '{{secret:key}}'\n"):
    plain = secrets or f"key: {json.dumps(AWKWARD)}\npem: {json.dumps(MULTILINE)}\nport: 5432\n"
    return {
        "base/gateway.yaml": config,
        "base/secrets/keys.yaml": sops(plain),
        "templates/a.j2": template,
        "consumers/api.yaml": CONSUMER
        + f"recipients: [{READER.recipient}]\noutputs: [{{path: {path}, template: templates/a.j2, {options}}}]\n",
    }


@pytest.fixture
def deploy(make_deployer):
    def run(**given):
        deployer = make_deployer(files(**given))
        deployer.identities = (DEPLOYER,)
        deployer.apply()
        return deployer

    return run


def output(deployer, path="gateway.yaml"):
    return opened(deployer.ref_files()).outputs[path].decode()


def in_shell(text, variable):
    """The value of a variable in a shell that ran the text."""
    command = f'{text}\nprintf %s "${variable}"'
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("path", "template", "read"),
    [
        ("a.yaml", "key: {{ config.gateway.key | to_json }}\n", lambda text: yaml.safe_load(text)["key"]),
        ("a.yaml", "key: {{ config.gateway.key | quote }}\n", lambda text: yaml.safe_load(text)["key"]),
        ("a.yaml", "{{ {'key': config.gateway.key} | to_yaml }}\n", lambda text: yaml.safe_load(text)["key"]),
        ("a.json", "{{ config.gateway | to_json(indent=2) }}\n", lambda text: json.loads(text)["key"]),
        ("a.toml", "{{ config.gateway | to_toml }}\n", lambda text: tomllib.loads(text)["key"]),
        ("a.env", "KEY={{ secret('key') | env_quote }}\n", lambda text: in_shell(text, "KEY")),
        ("a.txt", "{{ 'key' | secret }}", lambda text: text),
    ],
)
def test_every_filter_quotes_the_value_and_not_the_reference(deploy, path, template, read):
    deployer = deploy(template=template, path=path)
    assert read(output(deployer, path)) == AWKWARD
    reference = deployer.ref_files()[f"_shared/api/files/{path}"].decode()
    assert "{{secret:key}}" in reference
    assert not any(b"canary" in content for content in deployer.ref_files().values())


def test_parts_of_texts_types_and_lists_are_filled_in(deploy):
    config = "auth: 'Bearer {{secret:key}}!'\nport: '{{secret:port}}'\nkeys: '{{secret:session@all}}'\n"
    deployer = deploy(
        template="{{ config.gateway | to_yaml }}\n",
        config=config,
        secrets="key: canary-1\nport: 5432\nsession: {value: canary-2, previous: canary-3}\n",
    )
    assert yaml.safe_load(output(deployer)) == {
        "auth": "Bearer canary-1!",
        "port": 5432,
        "keys": ["canary-2", "canary-3"],
    }


def test_a_program_that_reads_keys_from_a_file_gets_keys_where_others_get_names(deploy):
    template = "key: {{ config.gateway.key | env_references('os.environ/') | to_json }}\n"
    deployer = deploy(template=template)
    assert yaml.safe_load(output(deployer))["key"] == AWKWARD
    assert deployer.ref_files()["_shared/api/files/gateway.yaml"] == b'key: "os.environ/KEY"\n'


def test_a_secret_that_is_encoded_is_in_the_lock_and_right(make_deployer):
    given = files(template="pem: {{ secret('pem') | b64 }}\ndata: {{ config.gateway.key | b64 }}\n")
    given["base/secrets/tls.age"] = encrypt_to([DEPLOYER.recipient], b"\x00\xffcanary").decode()
    given["templates/a.j2"] += "tls: {{ secret('tls') | b64 }}\n"
    deployer = make_deployer(given)
    deployer.identities = (DEPLOYER,)
    deployer.apply()
    found = yaml.safe_load(output(deployer))
    import base64

    assert base64.b64decode(found["tls"]) == b"\x00\xffcanary"
    assert base64.b64decode(found["pem"]).decode() == MULTILINE
    manifest = json.loads(deployer.ref_files()["_shared/api/manifest.json"])
    assert list(manifest["secrets"]) == ["key", "pem", "tls"]
    assert manifest["sealed"] == ["sealed/gateway.yaml.age", "secrets.age"]


def test_an_opened_output_is_sealed_again_when_its_reference_form_or_a_secret_changes_and_else_kept(deploy):
    deployer = deploy(template="key: {{ config.gateway.key | to_json }}\n# {{ config.gateway.note | default('') }}\n")
    first = sealed_of(deployer.ref_files())
    deployer.commit({"base/other.yaml": "x: 1\n"})
    deployer.identities = ()
    deployer.apply()
    assert sealed_of(deployer.ref_files()) == first

    deployer.identities = (DEPLOYER,)
    deployer.commit({"base/gateway.yaml": "key: '{{secret:key}}'\nnote: new\n"})
    deployer.apply()
    second = sealed_of(deployer.ref_files())
    assert {path for path in first if first[path] != second[path]} == {"_shared/api/sealed/gateway.yaml.age"}
    assert "# new" in output(deployer)

    deployer.commit({"base/secrets/keys.yaml": sops("key: canary-rotated\npem: x\nport: 1\n")})
    deployer.apply()
    assert "canary-rotated" in output(deployer)


@pytest.mark.parametrize(
    ("path", "template", "secrets", "rule", "line"),
    [
        ("a.yaml", "ok: 1\nkey: {{ config.gateway.key }}\n", 'key: "canary: [\\nb"\n', "template-output", 2),
        ("a.json", '{"key": "{{ config.gateway.key }}"}\n', "key: 'canary \"'\n", "template-output", 1),
        ("a.txt", "{{ config.gateway.key | int(default=none) + 1 }}", "key: canary\n", "template-failed", 1),
        ("a.txt", "{{ config.gateway.key.nothing if config.gateway.key[:3] == 'can' else 1 }}", "key: canary\n", "template-undefined", 1),
        ("a.txt", "{% raw %}{{secret:key}}{% endraw %}", "key: canary\n", "template-output", 0),
        ("a.txt", "{{ config.gateway.key }}", "key: '{{secret:canary}}'\n", "template-output", 0),
        ("a.txt", "{{ config.gateway.key }}56_GCM,canary", "key: 'ENC[AES2'\n", "secret-ciphertext", 0),
        ("a.txt", "{{ secret('other' if 'can' in config.gateway.key else 'key') }}", "key: canary\nother: x\n", "template-failed", 1),
    ],
)  # fmt: skip
def test_a_value_that_breaks_the_file_is_told_by_place_and_rule_and_never_shown(
    make_deployer, path, template, secrets, rule, line
):
    deployer = make_deployer(files(template=template, path=path, secrets=secrets))
    deployer.identities = (DEPLOYER,)
    with pytest.raises(FindingsError) as raised:
        deployer.apply()
    (finding,) = [finding for finding in raised.value.findings if finding.severity == "error"]
    assert (finding.rule_id, finding.origin.file, finding.origin.line) == (rule, "templates/a.j2", line)
    assert finding.reach == ("prod/_shared/api",)
    shown = f"{raised.value} {finding.message} {finding.hint}"
    assert "canary" not in shown
    assert deployer.git("for-each-ref", "refs/heads/deployed") == ""


def test_a_binary_secret_is_no_part_of_a_text(make_deployer):
    given = files(template="{{ config.gateway.key }}", path="a.txt", config="key: 'x {{secret:tls}}'\n")
    given["base/secrets/tls.age"] = encrypt_to([DEPLOYER.recipient], b"\x00canary").decode()
    deployer = make_deployer(given)
    deployer.identities = (DEPLOYER,)
    with pytest.raises(FindingsError) as raised:
        deployer.apply()
    assert [finding.rule_id for finding in raised.value.findings] == ["reference-kind"]


def test_an_opened_output_that_nobody_could_open_is_an_error(make_deployer):
    given = files(template="{{ config.gateway.key }}")
    given["consumers/api.yaml"] = given["consumers/api.yaml"].replace(f"recipients: [{READER.recipient}]\n", "")
    deployer = make_deployer(given)
    with pytest.raises(FindingsError) as raised:
        deployer.plan()
    (finding,) = [finding for finding in raised.value.findings if finding.severity == "error"]
    assert finding.rule_id == "consumer-opened"
    assert str(finding.origin).startswith("consumers/api.yaml:4:")


def test_an_opened_output_without_secrets_is_sealed_all_the_same(deploy):
    deployer = deploy(template="plain\n", config="rpm: 1\n", path="a.txt")
    assert list(sealed_of(deployer.ref_files())) == ["_shared/api/sealed/a.txt.age"]
    assert output(deployer, "a.txt") == "plain\n"


def test_it_is_padded_so_that_like_values_have_one_size(deploy):
    one = deploy(template="{{ config.gateway.key }}", path="a.txt", secrets="key: short\n")
    content = one.ref_files()["_shared/api/sealed/a.txt.age"]
    from llmcfg.secrets.age import decrypt

    assert len(decrypt(content, [READER])) % 256 == 0
    assert digest(content) in one.ref_files()["head.json"].decode()


def test_what_is_not_opened_keeps_its_reference(deploy):
    deployer = deploy(template="key: {{ config.gateway.key | to_json }}\n", options="opened: false")
    assert list(sealed_of(deployer.ref_files())) == ["_shared/api/secrets.age"]


def test_an_opened_file_is_for_the_consumer_alone(deploy):
    deployer = deploy(template="{{ config.gateway.key }}", path="a.txt")
    with pytest.raises(NotAuthorisedError):
        opened(deployer.ref_files(), identity=DEPLOYER)


def test_the_mapped_file_carries_sealed_files_too(deploy):
    from llmcfg.bundlefile.reader import open_bundle

    deployer = deploy(template="{{ config.gateway.key }}", path="a.txt")
    folder = deployer.written.path / "delivered/prod/current/_shared/api"
    mapped = open_bundle(folder / "bundle.llmcfg")
    mapped.verify()
    for path in ("secrets.age", "sealed/a.txt.age"):
        assert mapped.read(path) == (folder / path).read_bytes()
    assert mapped.manifest() == (folder / "manifest.json").read_bytes()
    assert deployer.status().state == "current"
