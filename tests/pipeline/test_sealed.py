"""Secret files against the rules of `.sops.yaml` and against one another: all without a key, as `validate` says it."""

from __future__ import annotations

import re

from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate
from llmcfg.secrets.age import generate_identity
from support.looked_at import findings, only, said
from support.sealed import NAMES, sealed, sealed_whole
from support.written import MANIFEST, WrittenSnapshot

CAROL = generate_identity().recipient.text
FOR_BOTH = f"creation_rules:\n  - age: [{', '.join(NAMES)}]\n"
FILE = sealed("one: x\n")


def with_rules(rules: str, **files: str | bytes) -> dict[str, str | bytes]:
    return {".sops.yaml": rules, "base/secrets/keys.yaml": FILE, **files}


def test_a_file_for_the_recipients_of_its_rule_is_sound():
    assert said(with_rules(FOR_BOTH, **{"base/secrets/cert.age": sealed_whole(b"cert")})) == []


def test_recipients_that_lack_and_that_should_not_be_there_are_named_with_the_rule():
    finding = only(with_rules(f"creation_rules:\n  - path_regex: ^base/\n    age: '{NAMES[0]},{CAROL}'\n"))
    assert finding.rule_id == "secret-recipients"
    assert FILE.splitlines()[finding.origin.line - 1] == "    age:"
    assert f"{CAROL} cannot open it; {NAMES[1]} can, and should not" in finding.message
    assert [str(origin) for origin in finding.related] == [".sops.yaml:2:5"]
    assert finding.hint == "llmcfg secret recipients sync"


def test_an_age_file_for_another_number_of_recipients_is_said():
    files = {
        ".sops.yaml": f"creation_rules:\n  - age: '{NAMES[0]},{NAMES[1]},{CAROL}'\n",
        "base/secrets/cert.age": sealed_whole(b"cert"),
    }
    assert said(files) == ["secret-recipients base/secrets/cert.age"]


def test_a_file_that_no_rule_matches_is_said():
    finding = only(with_rules(f"creation_rules:\n  - path_regex: ^environments/\n    age: {NAMES[0]}\n"))
    assert (finding.rule_id, finding.origin.file) == ("secret-no-rule", "base/secrets/keys.yaml")


def test_without_rules_nothing_is_compared():
    assert said({"base/secrets/keys.yaml": FILE}) == []
    assert said(with_rules("stores: {}\n")) == []


def test_a_mistake_in_the_rules_is_the_only_finding_about_them():
    rules = "creation_rules:\n  - path_regex: '['\n    age: nobody\n"
    assert said(with_rules(rules)) == ["secret-rules .sops.yaml:2:17", "secret-rules .sops.yaml:3:10"]


def test_what_a_file_encrypts_is_compared_with_what_its_rule_says():
    finding = only(with_rules(FOR_BOTH + "    encrypted_regex: ^one$\n"))
    assert finding.rule_id == "secret-selection"
    assert finding.message == "the file has unencrypted_suffix '_unencrypted', its rule encrypted_regex '^one$'"


def test_copies_of_a_file_are_said_once_and_a_value_under_the_same_nonce_is_an_error():
    copy = {"environments/prod/secrets/keys.yaml": FILE}
    finding = only(with_rules(FOR_BOTH, **copy))
    assert (finding.rule_id, str(finding.origin)) == ("secret-repeated", "environments/prod/secrets/keys.yaml:1:6")
    assert [str(origin) for origin in finding.related] == ["base/secrets/keys.yaml:1:6"]
    other = re.sub("data:..", "data:AA", FILE, count=1)
    finding = only(with_rules(FOR_BOTH, **{"environments/prod/secrets/keys.yaml": other}))
    assert finding.rule_id == "secret-nonce-reuse"


def test_a_sops_file_outside_of_secrets_is_said_and_looked_through():
    files = {".sops.yaml": FOR_BOTH, "base/keys.yaml": re.sub("ENC[^\n]*", "plain", sealed("a: 1\nb: 2\n"), count=1)}
    assert [finding.rule_id for finding in findings(files)] == ["secret-outside", "secret-clear"]


def test_a_file_that_did_not_change_is_not_read_again():
    files = {"llmcfg.yaml": MANIFEST, **with_rules(FOR_BOTH)}
    memo = Memo()
    validate(WrittenSnapshot(files), memo)
    again = WrittenSnapshot({**files, "base/a.yaml": "a: 1\n"})
    validate(again, memo)
    assert again.reads[again.entries["base/secrets/keys.yaml"].oid] == 0
    assert again.reads[again.entries[".sops.yaml"].oid] == 0
