"""`.sops.yaml` says what it says to sops."""

from __future__ import annotations

import pytest

from llmcfg.errors import NotFoundError, UsageError
from llmcfg.secrets.age import generate_identity
from llmcfg.secrets.creation import CreationRules, Said, parse_creation_rules, read_creation_rules
from llmcfg.secrets.sops.rules import Rule

ALICE, BOB, CAROL = (generate_identity().recipient.text for _ in range(3))
YUBIKEY = "age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt"
RULE = """\
creation_rules:
  - path_regex: secrets/
    age: {}
"""


def parse(text: str) -> CreationRules:
    return parse_creation_rules(text.encode())


def test_the_first_rule_that_matches_wins() -> None:
    rules = parse(f"""\
creation_rules:
  - path_regex: ^prod/
    age: {ALICE}
  - path_regex: \\.yaml$
    age: {BOB}
  - age: {CAROL}
""")
    found = [rules.rule_for(path).recipients for path in ("prod/a.yaml", "dev/prod/a.yaml", "dev/a.json")]
    assert found == [(ALICE,), (BOB,), (CAROL,)]


def test_a_path_that_no_rule_matches_is_not_encrypted_for_anybody() -> None:
    rules = parse(RULE.format(ALICE))
    assert rules.find("base/models.yaml") is None
    with pytest.raises(NotFoundError, match=r"no creation rule of .sops.yaml matches base/models.yaml"):
        rules.rule_for("base/models.yaml")


@pytest.mark.parametrize(
    "written",
    [
        f"{ALICE},{BOB}",
        f"' {ALICE} , {BOB},'",
        f"[{ALICE}, {BOB}]",
        f"['{ALICE},{BOB}']",
        f">-\n      {ALICE},\n      {BOB}",
        f"[{ALICE}, {BOB}, {ALICE}]",
    ],
)
def test_recipients_are_one_text_with_commas_or_a_list(written: str) -> None:
    assert parse(RULE.format(written)).rules[0].groups == ((ALICE, BOB),)


def test_anchors_and_merge_keys_mean_what_they_mean_in_yaml() -> None:
    rules = parse(f"""\
keys:
  - &alice {ALICE}
  - &bob {BOB}
defaults: &defaults
  mac_only_encrypted: true
  age: [*bob]
creation_rules:
  - path_regex: ^one$
    age: [*alice, *bob]
  - <<: *defaults
    path_regex: ^two$
  - <<: [{{age: [*alice]}}, *defaults]
""")
    assert [rule.groups for rule in rules.rules] == [((ALICE, BOB),), ((BOB,),), ((ALICE,),)]
    assert [rule.mac_only_encrypted for rule in rules.rules] == [False, True, True]


def test_key_groups_take_other_groups_in_and_name_each_key_once() -> None:
    rules = parse(f"""\
creation_rules:
  - shamir_threshold: 2
    age: {CAROL}
    key_groups:
      - merge:
          - age: [{ALICE}]
          - merge: [{{age: ['{BOB}, {ALICE}']}}]
        age: [{BOB}, {CAROL}]
      - age: [{CAROL}]
      - age: [{BOB}]
""")
    (rule,) = rules.rules
    assert rule.groups == ((ALICE, BOB, CAROL), (CAROL,), (BOB,))
    assert rule.recipients == (ALICE, BOB, CAROL)
    assert rule.threshold == 2


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("", Rule()),
        ("unencrypted_suffix: _clear", Rule("unencrypted_suffix", "_clear")),
        ("encrypted_regex: ^(data|stringData)$", Rule("encrypted_regex", "^(data|stringData)$")),
        ("encrypted_comment_regex: seal", Rule("encrypted_comment_regex", "seal")),
        ("encrypted_suffix: null", Rule()),
    ],
)
def test_a_rule_says_which_values_are_encrypted(setting: str, rule: Rule) -> None:
    assert parse(f"{RULE.format(ALICE)}    {setting}\n").rules[0].rule == rule


def test_keys_of_other_services_are_named_and_nothing_is_encrypted_for_them() -> None:
    rules = parse(f"""\
creation_rules:
  - age: {ALICE}
    kms: arn:aws:kms:us-east-1:1:key/a+arn:aws:iam::1:role/b
    pgp: [85D7 7543 B3D6]
    gcp_kms: projects/p/locations/global/keyRings/r/cryptoKeys/k
    azure_keyvault: https://vault.example.net/keys/name/version
    hc_vault_transit_uri: https://vault.example.org:8200/v1/sops/keys/first
    hckms: [cn-north-4:id]
  - key_groups:
      - kms: [{{arn: 'arn:aws:kms:us-east-1:1:key/a', role: r, context: {{a: b}}}}]
        azure_keyvault: [{{vaultUrl: 'https://vault.example.net', key: name, version: v}}]
      - gcp_kms: [{{resource_id: projects/p}}]
        hckms: [{{key_id: 'cn-north-4:id'}}]
        pgp: [85D77543B3D6]
        hc_vault: [https://vault.example.org:8200/v1/sops/keys/first]
""")
    plain, grouped = rules.rules
    assert plain.foreign == (
        "PGP 85D77543B3D6",
        "AWS KMS arn:aws:kms:us-east-1:1:key/a",
        "GCP KMS projects/p/locations/global/keyRings/r/cryptoKeys/k",
        "HuaweiCloud KMS cn-north-4:id",
        "Azure Key Vault https://vault.example.net",
        "Vault Transit https://vault.example.org:8200",
    )
    assert len(grouped.foreign) == 6
    assert grouped.groups == ((), ())
    with pytest.raises(UsageError, match=r"the rule for a.yaml \(.sops.yaml:2:5\) names PGP 85D77543B3D6, AWS KMS"):
        rules.rule_for("a.yaml")


def test_a_recipient_that_needs_a_plugin_is_kept_as_it_is() -> None:
    assert parse(RULE.format(f"{YUBIKEY},{ALICE}")).rules[0].recipients == (YUBIKEY, ALICE)


def test_the_comment_of_an_ssh_key_does_not_belong_to_it(vector_keys: list[str]) -> None:
    ssh = next(key for key in vector_keys if key.startswith("ssh-ed25519"))
    assert parse(RULE.format(f"'{ssh} somebody@example.com'")).rules[0].recipients == (ssh,)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "stores: {yaml: {indent: 2}}\n", "creation_rules:\n"])
def test_a_file_without_rules_has_none(text: str) -> None:
    assert parse(text).rules == ()


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("creation_rules: {}\n", "1:17", "creation_rules is not a list"),
        ("creation_rules:\n  - text\n", "2:5", "a creation rule is not a mapping"),
        ("creation_rules:\n  - path_regex: (a\n", "2:17", "regular expression"),
        ("creation_rules:\n  - path_regex: (?=a)\n", "2:17", "regular expression"),
        ("creation_rules:\n  - age: age1abc\n", "2:10", "'age1abc' is not a recipient"),
        ("creation_rules:\n  - age:\n      - 12\n", "3:9", "a key of age is not a text"),
        ("creation_rules:\n  - encrypted_regex: a\n    encrypted_suffix: b\n", "2:5", "cannot be used together"),
        ("creation_rules:\n  - encrypted_regex: '['\n", "2:22", "regular expression"),
        ("creation_rules:\n  - shamir_threshold: two\n", "2:23", "'two' and not a number"),
        ("creation_rules:\n  - mac_only_encrypted: 1\n", "2:25", "neither true nor false"),
        ("creation_rules:\n  - key_groups: [{kms: [{role: r}]}]\n", "2:25", "a key of kms is not a mapping with arn"),
        ("creation_rules:\n  - key_groups: [{merge: [a]}]\n", "2:27", "a part of merge is not a mapping"),
        (
            f"creation_rules:\n  - shamir_threshold: 3\n    key_groups: [{{age: [{ALICE}]}}, {{age: [{BOB}]}}]\n",
            "2:23",
            "3 of 2 key groups is not possible",
        ),
    ],
)
def test_a_mistake_is_shown_at_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(text)
    assert caught.value.message.startswith(f".sops.yaml:{place}: ")
    assert caught.value.hint


def test_every_mistake_of_a_file_is_found() -> None:
    rules, problems = read_creation_rules(
        f"""\
creation_rules:
  - path_regex: '['
    age: [{ALICE}, nobody]
    mac_only_encrypted: 'yes'
  - age: {BOB}
""".encode()
    )
    assert [(problem.line, problem.column) for problem in problems] == [(2, 17), (3, 75), (4, 25)]
    assert rules[1].recipients == (BOB,)


def test_a_private_key_in_the_file_is_not_repeated() -> None:
    private = generate_identity().reveal()
    with pytest.raises(UsageError, match="a private key stands where a recipient is expected") as caught:
        parse(RULE.format(private))
    assert private not in str(caught.value)


def test_what_the_caller_says_stands_in_place_of_the_rule() -> None:
    rules = parse(f"""\
creation_rules:
  - path_regex: ^a$
    kms: arn:aws:kms:us-east-1:1:key/a
    encrypted_regex: ^data$
    mac_only_encrypted: true
  - path_regex: ^b$
    age: {ALICE}
""")
    said = rules.rule_for("a", Said((ALICE, f" {BOB}", ALICE), {"encrypted_regex": "^token$"}))
    assert said.groups == ((ALICE, BOB),)
    assert said.foreign == ()
    assert said.rule == Rule("encrypted_regex", "^token$")
    assert said.mac_only_encrypted
    assert rules.rule_for("b", Said(settings={"encrypted_suffix": "_secret"})).rule == Rule(
        "encrypted_suffix", "_secret"
    )
    assert rules.rule_for("elsewhere", Said((CAROL,))).recipients == (CAROL,)
    with pytest.raises(UsageError, match="encrypted_suffix and encrypted_regex cannot be used together"):
        rules.rule_for("a", Said((ALICE,), {"encrypted_suffix": "_secret"}))
    with pytest.raises(UsageError, match="is not a recipient"):
        rules.rule_for("a", Said(("nobody",)))


def test_without_rules_somebody_has_to_be_named() -> None:
    with pytest.raises(NotFoundError, match=r"nobody is named who could open a.yaml: there are no creation rules"):
        CreationRules().rule_for("a.yaml")
    assert CreationRules().rule_for("a.yaml", Said((ALICE,))).recipients == (ALICE,)
