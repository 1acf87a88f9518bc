"""`llmcfg hooks` sets up a clone, says what is set up, and takes away exactly what it made."""

from __future__ import annotations

import json
import shutil

import pytest

from .conftest import FILE, PROGRAM, Clone

HOOK = ".git/hooks/pre-commit"


def state(clone):
    """Everything that the commands may touch."""
    files = [clone.root / ".gitattributes", clone.root / ".git/config", clone.root / HOOK]
    return {path: path.read_bytes() for path in files if path.is_file()}


def checks(clone, *, code, at=None):
    answer = json.loads(clone.llmcfg("hooks", "status", "-o", "json", code=code, at=at))
    return {item["check"]: (item["verdict"], item["message"]) for item in answer["items"]}


def test_it_sets_up_what_is_missing_and_says_so(bare_clone):
    said = bare_clone.llmcfg("hooks", "install")
    assert said == (f".gitattributes: names the drivers now; commit it\ndrivers: set\n{HOOK}: made\n")
    assert {verdict for verdict, _ in checks(bare_clone, code=0).values()} == {"ok"}
    assert bare_clone.git("config", "--get", "diff.llmcfg-secret.cachetextconv") == "false\n"


def test_it_may_be_run_again(clone):
    before = state(clone)
    assert clone.llmcfg("hooks", "install") == "everything is in place\n"
    assert state(clone) == before


def test_everything_is_missing_before(bare_clone):
    found = checks(bare_clone, code=1)
    assert {name for name, (verdict, _) in found.items() if verdict == "warn"} == {
        "attributes",
        "document driver",
        "merge driver",
        "diff driver",
        "pre-commit",
    }


@pytest.mark.parametrize("attributes", [None, b"", b"*.png binary\n"])
def test_uninstall_takes_away_exactly_what_install_made(bare_clone, attributes):
    if attributes is not None:
        bare_clone.write(".gitattributes", attributes)
    before = state(bare_clone)
    bare_clone.llmcfg("hooks", "install", "-q")
    assert state(bare_clone) != before
    bare_clone.llmcfg("hooks", "uninstall", "-q")
    after = state(bare_clone)
    if attributes == b"":
        before.pop(bare_clone.root / ".gitattributes")
    assert after == before
    assert bare_clone.llmcfg("hooks", "uninstall") == "nothing of it was there\n"


def test_lines_that_came_with_the_repository_are_left(bare_clone):
    bare_clone.llmcfg("init", "-q", ".")
    attributes = (bare_clone.root / ".gitattributes").read_bytes()
    bare_clone.llmcfg("hooks", "install", "-q")
    assert (bare_clone.root / ".gitattributes").read_bytes() == attributes
    bare_clone.llmcfg("hooks", "uninstall", "-q")
    assert (bare_clone.root / ".gitattributes").read_bytes() == attributes


def test_attributes_that_say_it_in_other_words_are_enough(bare_clone):
    bare_clone.write(".gitattributes", "secrets/** merge=llmcfg-secret diff=llmcfg-secret\n*.y*ml merge=llmcfg\n")
    everywhere = "* merge=llmcfg-secret diff=llmcfg-secret\n/base/*.yaml merge=llmcfg\n"
    bare_clone.write(".git/info/attributes", everywhere)
    assert ".gitattributes" not in bare_clone.llmcfg("hooks", "install")


def test_a_configuration_in_a_folder_of_the_repository_gets_attributes_of_its_own(bare_clone):
    bare_clone.llmcfg("init", "-q", "config")
    (bare_clone.root / "config/.gitattributes").unlink()
    bare_clone.llmcfg("hooks", "install", "-q", "-C", "config")
    assert (bare_clone.root / "config/.gitattributes").is_file()
    assert not (bare_clone.root / ".gitattributes").exists()
    assert {verdict for verdict, _ in checks(bare_clone, code=0, at=bare_clone.root / "config").values()} == {"ok"}


# hooks of others


@pytest.mark.parametrize("content", ["#!/bin/sh\nexec other-tool\n", "#!/bin/sh\n# llmcfg secret scan\n"])
def test_a_hook_of_somebody_else_is_not_touched_and_told_how_to_be_extended(bare_clone, content):
    bare_clone.write(HOOK, content)
    said = bare_clone.llmcfg("hooks", "install", code=6)
    assert "was made by somebody else, and is not touched" in said
    assert "add to it: llmcfg secret scan --staged" in said
    assert (bare_clone.root / HOOK).read_text() == content
    assert checks(bare_clone, code=1)["pre-commit"][0] == "warn"
    assert checks(bare_clone, code=1)["merge driver"][0] == "ok"
    bare_clone.llmcfg("hooks", "uninstall", "-q")
    assert (bare_clone.root / HOOK).read_text() == content


def test_the_line_that_is_told_makes_a_hook_of_somebody_else_check(bare_clone):
    bare_clone.write(HOOK, "#!/bin/sh\n")
    line = bare_clone.llmcfg("hooks", "install", code=6).partition("add to it: ")[2].strip()
    bare_clone.write(HOOK, f"#!/bin/sh\n{line.replace('llmcfg', str(PROGRAM), 1)}\n")
    (bare_clone.root / HOOK).chmod(0o755)
    assert checks(bare_clone, code=0)["pre-commit"][0] == "ok"
    bare_clone.write(FILE, "a: plain\n")
    bare_clone.git("add", "-A")
    assert "secret-file" in bare_clone.git("commit", "-m", "x", code=1)


def test_a_hook_of_ours_that_was_changed_is_left(clone):
    hook = clone.root / HOOK
    hook.write_text(hook.read_text() + "exec other-tool\n")
    clone.llmcfg("hooks", "uninstall", "-q")
    assert hook.is_file()


def test_a_folder_of_hooks_within_the_repository_is_used(bare_clone):
    bare_clone.git("config", "core.hooksPath", ".githooks")
    bare_clone.llmcfg("hooks", "install", "-q")
    assert (bare_clone.root / ".githooks/pre-commit").is_file()
    assert not (bare_clone.root / HOOK).exists()
    bare_clone.llmcfg("hooks", "uninstall", "-q")
    assert not (bare_clone.root / ".githooks/pre-commit").exists()


def test_a_folder_of_hooks_that_other_repositories_share_is_not_written_to(bare_clone, tmp_path):
    bare_clone.git("config", "--global", "core.hooksPath", str(tmp_path / "shared"))
    said = bare_clone.llmcfg("hooks", "install", code=6)
    assert "would be outside of the repository" in said
    assert not (tmp_path / "shared").exists()


# other kinds of work trees


def test_linked_work_trees_share_it(clone, tmp_path):
    clone.git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert {verdict for verdict, _ in checks(clone, code=0, at=tmp_path / "linked").values()} == {"ok"}
    linked = tmp_path / "linked"
    (linked / FILE).write_text("a: plain\n")
    clone.git("add", "-A", at=linked)
    assert "secret-file" in clone.git("commit", "-m", "x", code=1, at=linked)


def test_a_submodule_has_its_own(clone, tmp_path):
    inner = Clone(tmp_path / "inner", tmp_path / "home2")
    inner.init()
    inner.write("a.txt", "1\n")
    inner.commit()
    clone.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "inner"), "sub")
    sub = clone.root / "sub"
    assert checks(clone, code=1, at=sub)["merge driver"][0] == "warn"
    clone.llmcfg("hooks", "install", "-q", at=sub)
    assert {verdict for verdict, _ in checks(clone, code=0, at=sub).values()} == {"ok"}
    assert (clone.root / ".git/modules/sub/hooks/pre-commit").is_file()


def test_outside_of_a_repository_it_is_refused(bare_clone, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for command in ("install", "uninstall", "status"):
        assert "not in the work tree" in bare_clone.llmcfg("hooks", command, code=7, at=tmp_path / "elsewhere")


# a program that is gone


def test_a_path_with_spaces_quotes_and_percent_signs_works(clone, tmp_path):
    odd = tmp_path / "it's 100%s odd"
    odd.mkdir()
    shutil.copy(PROGRAM, odd / "llmcfg")
    clone.run(str(odd / "llmcfg"), "hooks", "install", "-q")
    assert checks(clone, code=0)["merge driver"] == ("ok", str(odd / "llmcfg"))
    assert checks(clone, code=0)["diff driver"] == ("ok", str(odd / "llmcfg"))
    clone.git("checkout", "-q", "-b", "topic")
    clone.edit({"cohere": "c"})
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.edit({"groq": "g"})
    clone.commit("main")
    clone.git("merge", "-q", "topic")
    assert clone.plain().endswith("groq: g\ncohere: c\n")
    assert "cohere: encrypted str" in clone.git("diff", "HEAD~1")


def test_drivers_of_a_program_that_is_gone_are_said_and_set_anew(clone, tmp_path):
    shutil.copy(PROGRAM, tmp_path / "llmcfg")
    clone.run(str(tmp_path / "llmcfg"), "hooks", "install", "-q")
    (tmp_path / "llmcfg").unlink()
    assert "cannot be run" in checks(clone, code=1)["merge driver"][1]
    assert clone.llmcfg("hooks", "install") == f"drivers: set\n{HOOK}: made\n"
    checks(clone, code=0)


def test_a_hook_that_finds_no_program_refuses_and_says_how_to_go_on(clone, tmp_path):
    shutil.copy(PROGRAM, tmp_path / "llmcfg")
    clone.run(str(tmp_path / "llmcfg"), "hooks", "install", "-q")
    (tmp_path / "llmcfg").unlink()
    clone.environment["PATH"] = "/usr/bin:/bin"
    clone.write("a.txt", "1\n")
    clone.git("add", "-A")
    said = clone.git("commit", "-m", "x", code=1)
    assert "llmcfg is not found" in said


# what Git keeps


def test_text_that_git_keeps_of_decrypting_drivers_is_said(clone):
    clone.git("config", "diff.sopsdiffer.cachetextconv", "true")
    clone.git("update-ref", "refs/notes/textconv/sopsdiffer", clone.git("rev-parse", "HEAD").strip())
    answer = json.loads(clone.llmcfg("hooks", "status", "-o", "json", code=1))
    kept = [item for item in answer["items"] if item["check"] == "kept text"]
    assert [item["verdict"] for item in kept] == ["fail", "fail"]
    assert "git config diff.sopsdiffer.cachetextconv false" in kept[0]["hint"]
    assert "git update-ref -d refs/notes/textconv/sopsdiffer" in kept[1]["hint"]


@pytest.mark.parametrize("value", ["true", "yes", "1", "on"])
def test_caching_in_other_settings_does_not_reach_our_driver(clone, value):
    clone.git("config", "--global", "diff.llmcfg-secret.cachetextconv", value)
    clone.edit({"mistral": "canary"})
    clone.commit()
    clone.git("log", "-p")
    assert clone.git("for-each-ref", "refs/notes") == ""
    checks(clone, code=0)


def doctor(clone):
    answer = json.loads(clone.llmcfg("doctor", "-o", "json", "-q", code=None))
    return [(item["verdict"], item["message"], item["hint"]) for item in answer["items"] if item["check"] == "hooks"]


def test_doctor_says_what_a_clone_lacks(bare_clone):
    assert doctor(bare_clone) == []
    bare_clone.llmcfg("init", "-q", ".")
    ((verdict, message, hint),) = doctor(bare_clone)
    assert (verdict, hint) == ("warn", "llmcfg hooks install")
    assert message.endswith("merge driver, diff driver, pre-commit")
    bare_clone.llmcfg("hooks", "install", "-q")
    assert [verdict for verdict, _, _ in doctor(bare_clone)] == ["ok"]
