"""Git shows secret files by name, and never what is in them."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from .conftest import FILE, PROGRAM


@pytest.fixture
def changed(clone):
    clone.edit({"mistral": "canary-new", "groq": "canary-added"})
    return clone


def lines(said):
    return [line.rpartition(" ")[0] if "encrypted" in line else line for line in said.splitlines() if line[:1] in "+- "]


def test_a_diff_shows_what_changed_by_name(changed):
    assert [line for line in lines(changed.git("diff")) if line[:3] not in ("+++", "---")][:5] == [
        " # encrypted comment",
        " openai: encrypted str",
        "-mistral: encrypted str",
        "+mistral: encrypted str",
        "+groq: encrypted str",
    ]


def test_a_diff_needs_no_key_and_shows_none_of_the_values(changed):
    changed.key_file.unlink()
    changed.environment.pop("LLMCFG_AGE_KEY_FILE")
    said = changed.git("diff") + changed.git("show", "HEAD")
    assert "canary" not in said
    assert "ENC[" not in said


def test_a_file_that_was_decrypted_in_place_is_shown_by_name_alone(clone):
    clone.write(FILE, clone.plain())
    said = clone.git("diff")
    assert "+openai: NOT ENCRYPTED" in said
    assert "first" not in said


def test_a_file_in_conflict_is_shown_by_name_alone(clone):
    clone.git("checkout", "-q", "-b", "topic")
    clone.edit({"mistral": "canary-theirs"})
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.edit({"mistral": "canary-ours"})
    clone.commit("main")
    clone.git("merge", "topic", code=1)
    assert "canary" not in clone.git("diff")
    assert "canary" not in clone.git("diff", "HEAD")


def test_a_change_of_recipients_is_shown(clone):
    clone.seal(
        "# keys\nopenai: first\nmistral: second\n",
        FILE,
        "age1mrpqfruhrzhemuz6640a44sgzqz82gnj5s3rsa8zsmtsskmypd2s9nxkg3",
    )
    assert "+recipient age age1mrpqfruhrzhemuz6640a44sgzqz82gnj5s3rsa8zsmtsskmypd2s9nxkg3" in clone.git("diff")


@pytest.mark.parametrize("content", [b"\0\1\2", b"a: [", b"", b"\xff\xfea"])
def test_content_of_any_kind_can_be_diffed(clone, content):
    clone.write(FILE, content)
    clone.git("diff")


def test_binary_secrets_are_one_line(clone):
    clone.write("tls.age", b"age-encryption.org/v1\n" + bytes(range(256)))
    clone.commit("age")
    clone.write("tls.age", b"age-encryption.org/v1\n" + bytes(reversed(range(256))))
    said = [line.rpartition(" ")[0] for line in clone.git("diff").splitlines()]
    assert said[-2:] == ["-content: age file", "+content: age file"]


# llmcfg secret diff


def test_secret_diff_tells_names_and_needs_no_key(changed):
    changed.key_file.unlink()
    assert changed.llmcfg("secret", "diff") == f"{FILE}\n  changed  mistral\n  added    groq\n"


def test_secret_diff_compares_revisions(changed):
    changed.commit("second")
    assert changed.llmcfg("secret", "diff", "HEAD~1", "HEAD") == f"{FILE}\n  changed  mistral\n  added    groq\n"
    assert changed.llmcfg("secret", "diff") == "no secret file differs\n"
    assert "no revision 'nope'" in changed.llmcfg("secret", "diff", "nope", code=7)
    assert "no revision '--output=x'" in changed.llmcfg("secret", "diff", "--", "--output=x", code=7)


def test_secret_diff_tells_files_that_came_and_went(changed):
    changed.commit("second")
    changed.git("mv", FILE, "base/secrets/other.yaml")
    said = changed.llmcfg("secret", "diff")
    assert "  removed  mistral" in said
    assert "base/secrets/other.yaml\n  added    openai" in said


@pytest.mark.parametrize("output", [[], ["-o", "json"]])
def test_values_are_not_written_into_pipes(changed, output):
    said = changed.llmcfg("secret", "diff", "--reveal", *output, code=2)
    assert "on a terminal only" in said


def test_values_are_shown_on_a_terminal_to_who_has_a_key(changed):
    master, slave = pty.openpty()
    done = subprocess.Popen(
        [PROGRAM, "secret", "diff", "--reveal"], cwd=changed.root, env={**changed.environment, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    said = b""
    try:
        while chunk := os.read(master, 4096):
            said += chunk
    except OSError:
        pass
    os.close(master)
    assert done.wait(60) == 0
    assert said.decode().replace("\r", "").splitlines() == [
        FILE,
        "  changed  mistral: second -> canary-new",
        "  added    groq: canary-added",
    ]
