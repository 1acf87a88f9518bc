"""A commit with a secret in plain text is refused; everything else is committed. History is searched too."""

from __future__ import annotations

import json
from itertools import chain

import pytest

from support.fake_secrets import examples, made, pem

from .conftest import FILE

KEY = f"sk-proj-{made(60)}"


def refused(clone, *arguments):
    said = clone.git("commit", "-m", "x", *arguments, code=1)
    assert clone.git("log", "--format=%s", "--all").count("x\n") == 0
    return said


def test_a_commit_with_a_key_in_plain_text_is_refused_and_the_key_is_not_printed(clone):
    clone.write("base/openai.yaml", f"url: https://api.example.com\napi_key: {KEY}\n")
    clone.git("add", "-A")
    said = refused(clone)
    assert "error[secret-plaintext]: this looks like an OpenAI-style key" in said
    assert "--> base/openai.yaml:2:10" in said
    assert "2 | api_key: ********" in said
    assert KEY[10:] not in said


def test_every_kind_of_secret_is_refused(clone):
    names = {kind: f"notes/{number}.md" for number, kind in enumerate(examples())}
    for kind, name in names.items():
        clone.write(name, "\n\n".join(examples()[kind]))
    clone.git("add", "-A")
    said = refused(clone)
    assert {kind: said.count(f"--> {name}:") for kind, name in names.items()} == {
        kind: len(texts) for kind, texts in examples().items()
    }
    for text in chain.from_iterable(examples().values()):
        assert max(text.split("\n"), key=len)[-20:] not in said


def test_of_two_secrets_on_one_line_neither_is_shown(clone):
    clone.write("a.txt", f"a={KEY} b=ghp_{made(36)}\n")
    clone.git("add", "-A")
    said = refused(clone)
    assert KEY[10:] not in said
    assert made(36) not in said


def test_a_commit_without_secrets_is_made(clone):
    clone.write("base/openai.yaml", "api_key: '{{secret:openai}}'\nexample: sk-...\nother: ${API_KEY}\n")
    clone.edit({"openai": KEY})
    clone.commit("fine", checked=True)
    assert clone.git("log", "-1", "--format=%s") == "fine\n"


def test_an_allowed_one_is_committed(clone):
    clone.write("tests/data.yaml", f"key: {KEY}  # llmcfg:allow plaintext: revoked, the tests need its form\n")
    clone.commit("fine", checked=True)


def test_a_secret_file_that_was_decrypted_is_refused(clone):
    clone.write(FILE, clone.plain())
    clone.git("add", "-A")
    said = refused(clone)
    assert "error[secret-file]" in said
    assert "first" not in said


def test_a_sops_file_anywhere_that_was_decrypted_is_refused(clone):
    clone.seal("a: first\n", "deploy/values.yaml")
    clone.commit("sealed")
    clone.write("deploy/values.yaml", "a: first\n")
    clone.git("add", "-A")
    assert "this file was encrypted, and is not any more" in refused(clone)


def test_plaintext_under_a_rule_is_refused_by_the_rules_that_are_staged(clone):
    clone.write(".sops.yaml", f"creation_rules:\n  - path_regex: ^deploy/\n    age: {clone.identity.recipient}\n")
    clone.write("deploy/values.yaml", "a: first\n")
    clone.git("add", "-A")
    clone.write(".sops.yaml", "creation_rules: []\n")
    said = refused(clone)
    assert "deploy/values.yaml:1:4" in said
    assert "first" not in said


def test_what_is_staged_counts_and_not_the_work_tree(clone):
    clone.write("a.txt", f"{KEY}\n")
    clone.git("add", "-A")
    clone.write("a.txt", "clean\n")
    refused(clone)
    clone.git("add", "-A")
    clone.write("a.txt", f"{KEY}\n")
    clone.git("commit", "-q", "-m", "y")


@pytest.mark.parametrize("arguments", [["-a"], ["a.txt"], ["-o", "a.txt"]])
def test_what_the_commit_itself_stages_is_looked_at(clone, arguments):
    clone.write("a.txt", "clean\n")
    clone.commit("clean")
    clone.write("a.txt", f"{KEY}\n")
    refused(clone, *arguments)


def test_a_commit_from_a_folder_below_is_looked_at(clone):
    clone.write("base/a.txt", f"{KEY}\n")
    clone.git("add", "-A")
    assert "base/a.txt:1:1" in clone.git("commit", "-m", "x", code=1, at=clone.root / "base")


def test_files_of_any_name_and_kind_are_passed_over_or_read(clone):
    clone.write("with space/ü 'quoted'\t.txt", "clean\n")
    clone.write("image.bin", b"\0" + KEY.encode())
    (clone.root / "link").symlink_to("/etc/passwd")
    clone.commit("fine", checked=True)
    clone.write("with space/ü 'quoted'\t.txt", f"{KEY}\n")
    clone.git("add", "-A")
    assert "ü 'quoted'" in refused(clone)


def test_removals_and_renames_are_fine(clone):
    clone.write("a.txt", "clean\n")
    clone.commit("add", checked=True)
    clone.git("mv", "a.txt", "b.txt")
    clone.commit("move", checked=True)
    clone.git("rm", "-q", "b.txt")
    clone.commit("remove", checked=True)


def test_the_first_commit_is_looked_at(ready_clone):
    ready_clone.write("id_ed25519", pem("OPENSSH "))
    ready_clone.git("add", "-A")
    assert "a private key" in ready_clone.git("commit", "-m", "x", code=1)


# llmcfg secret scan


def test_files_folders_and_stdin_are_scanned(clone):
    clone.write("a/one.txt", f"{KEY}\n")
    clone.write("a/ignored.txt", f"{KEY}\n")
    clone.write(".gitignore", "ignored.txt\n")
    clone.write("two.txt", "clean\n")
    found = json.loads(clone.llmcfg("secret", "scan", "-q", "-o", "json", code=4))
    assert [item["file"] for item in found["items"]] == ["a/one.txt"]
    assert "1 finding in 1 file" in clone.llmcfg("secret", "scan", "a", code=4)
    assert clone.llmcfg("secret", "scan", "two.txt") == "no findings in 1 file\n"
    assert "a/ignored.txt:1:1" in clone.llmcfg("secret", "scan", "a/ignored.txt", code=4)
    assert "stdin:1:7" in clone.llmcfg("secret", "scan", "-", code=4, stdin=f"token {KEY}".encode())
    assert "a/one.txt:1:1" in clone.llmcfg("secret", "scan", "one.txt", code=4, at=clone.root / "a")


def test_files_outside_of_a_repository_are_scanned(clone, tmp_path):
    (tmp_path / "elsewhere/.git").mkdir(parents=True)
    (tmp_path / "elsewhere/.git/config").write_text(KEY)
    (tmp_path / "elsewhere/a.txt").write_text(KEY)
    assert "1 finding in 1 file" in clone.llmcfg("secret", "scan", str(tmp_path / "elsewhere"), code=4, at=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--staged", "a.txt"], 2, "three places"),
        (["--staged", "--history"], 2, "three places"),
        (["--index", "x"], 2, "--index is for --staged"),
        (["-", "a.txt"], 2, "two places"),
        (["absent.txt"], 7, "does not exist"),
    ],
)
def test_what_cannot_be_scanned_is_refused(clone, arguments, code, message):
    assert message in clone.llmcfg("secret", "scan", *arguments, code=code)


def test_forms_for_services_name_files_and_no_secrets(clone):
    clone.write("a.txt", f"{KEY}\n")
    for form in ("json", "sarif", "github", "junit"):
        said = clone.llmcfg("secret", "scan", "-q", "-o", form, code=4)
        assert "a.txt" in said
        assert KEY[10:] not in said


# history


@pytest.fixture
def with_past(clone):
    """A secret that was committed past the hook, and removed afterwards."""
    clone.write("deploy.sh", f"export KEY={KEY}\n")
    clone.git("add", "-A")
    clone.git("commit", "-q", "--no-verify", "-m", "oops")
    clone.oops = clone.git("rev-parse", "--short", "HEAD").strip()
    clone.write("deploy.sh", "export KEY=$1\n")
    clone.commit("fixed")
    return clone


def test_a_secret_that_was_removed_is_found_in_history_and_is_to_be_rotated(with_past):
    assert with_past.llmcfg("secret", "scan", "-q") == ""
    said = with_past.llmcfg("secret", "scan", "--history", code=4)
    assert "deploy.sh:1:12" in said
    assert f"committed in {with_past.oops}" in said
    assert "gone from HEAD, and still in history" in said
    assert "rotate it" in said
    assert KEY[10:] not in said


def test_a_secret_that_is_still_there_is_told_once(with_past):
    with_past.write("a.sh", f"export KEY={KEY}\n")
    with_past.git("add", "-A")
    with_past.git("commit", "-q", "--no-verify", "-m", "again")
    said = with_past.llmcfg("secret", "scan", "--history", code=4)
    assert said.count("error[") == 1
    assert "a.sh:1:12" in said
    assert "still there" in said


def test_other_branches_stashes_and_tags_are_history_too(clone):
    clone.git("checkout", "-q", "-b", "forgotten")
    clone.write("a.txt", f"{KEY}\n")
    clone.git("add", "-A")
    clone.git("commit", "-q", "--no-verify", "-m", "oops")
    clone.git("checkout", "-q", "main")
    assert "a.txt:1:1" in clone.llmcfg("secret", "scan", "--history", code=4)


def test_a_secret_file_that_was_once_committed_decrypted_is_found(clone):
    plain = clone.plain()
    sealed = (clone.root / FILE).read_bytes()
    clone.write(FILE, plain)
    clone.git("commit", "-q", "-a", "--no-verify", "-m", "oops")
    clone.write(FILE, sealed)
    clone.commit("sealed again")
    said = clone.llmcfg("secret", "scan", "--history", code=4)
    assert "error[secret-file]" in said
    assert "first" not in said


def test_a_clean_history_and_an_empty_one_have_no_findings(clone, tmp_path):
    assert "no findings in 2 files" in clone.llmcfg("secret", "scan", "--history")
    (tmp_path / "empty").mkdir()
    clone.git("init", "-q", at=tmp_path / "empty")
    assert clone.llmcfg("secret", "scan", "--history", at=tmp_path / "empty") == "no findings in 0 files\n"
