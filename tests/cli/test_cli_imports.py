"""The budget of start-up, by modules and not by time."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from support.written import WrittenRepository

HEAVY = {
    "pygit2",
    "jsonschema",
    "jsonschema_rs",
    "ruamel",
    "jinja2",
    "cryptography",
    "pyrage",
    "watchdog",
    "msgspec",
    "yaml_rs",
}
HEAVY |= {"yaml", "pydantic", "asyncio", "rich"}


# With variables of ours nothing is answered again.
THEIRS = {name: value for name, value in os.environ.items() if not name.startswith(("LLMCFG_", "COVERAGE_"))}


def imported_by(*arguments: str, **variables: str) -> set[str]:
    command = [sys.executable, "-X", "importtime", "-m", "llmcfg_cli", *arguments]
    environment = {**THEIRS, **variables}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def top_level(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "llmcfg_cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**THEIRS, **variables})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_sound_work_tree_in_which_nothing_changed_is_answered_from_its_stamp(tmp_path, form) -> None:
    written = WrittenRepository(tmp_path / "repository", {"base/limits.yaml": "rpm: 10\n"})
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("validate", "-C", str(written.path), "-o", form)
    assert_answered_from_a_stamp(arguments, tmp_path / "cache", variables)

    (written.path / "base/limits.yaml").write_text("rpm: 010\n")
    changed = run(*arguments, **variables)
    assert changed == run(*arguments, "--no-cache", **variables)
    assert changed[0] == 4


def test_a_changed_file_of_a_work_tree_that_was_seen_is_looked_at_without_libgit2(tmp_path) -> None:
    written = WrittenRepository(tmp_path / "repository", {"base/limits.yaml": "rpm: 10\n"})
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("validate", "-C", str(written.path), "-o", "json")
    assert_answered_from_a_stamp(arguments, tmp_path / "cache", variables)
    for verb in (arguments, ("get", "limits.rpm", "-e", "dev", "-C", str(written.path))):
        (written.path / "base/limits.yaml").write_text(f"rpm: {len(verb)}\n")
        modules = imported_by(*verb, **variables)
        assert "pygit2" not in top_level(modules)
        assert not modules & {"llmcfg.git.repository", "llmcfg.git.objects", "llmcfg.git.worktree"}


def test_the_work_tree_is_compared_with_a_commit_that_was_seen_without_libgit2(tmp_path) -> None:
    written = WrittenRepository(tmp_path / "repository", {"base/limits.yaml": "rpm: 10\n"})
    written.commit()
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("diff", "-C", str(written.path), "-o", "json")
    deadline = time.monotonic() + 60
    run(*arguments, **variables)
    (written.path / "base/limits.yaml").write_text("rpm: 11\n")
    expected = run(*arguments, "--no-cache", **variables)
    modules = {"pygit2"}
    while "pygit2" in modules:  # nothing is known that changed just now
        assert time.monotonic() < deadline
        assert run(*arguments, **variables) == expected
        modules = imported_by(*arguments, **variables)
    assert not modules & {"llmcfg.git.repository", "llmcfg.git.objects", "llmcfg.pipeline.stored", "inspect"}


@pytest.mark.parametrize("arguments", [("plan", "-e", "prod"), ("apply", "-e", "prod", "--yes")])
def test_a_plan_that_has_nothing_to_do_is_answered_from_its_stamp(tmp_path, arguments) -> None:
    consumer = "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\nshared: true\n"
    files = {"base/limits.yaml": "rpm: 10\n", "consumers/api.yaml": consumer}
    written = WrittenRepository(tmp_path / "repository", files)
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = (*arguments, "-C", str(written.path))
    assert run("apply", "-e", "prod", "--yes", "-C", str(written.path), **variables)[0] == 0
    assert_answered_from_a_stamp(arguments, tmp_path / "cache", variables)

    (written.path / "delivered/prod/current/_shared/api/config/limits.json").write_text("{}\n")
    code, shown, _ = run(*arguments, **variables)
    assert code == 0
    assert "no change: what is deployed has the same content" in shown
    assert "delivered/prod" in shown


def assert_answered_from_a_stamp(arguments, cache, variables) -> None:
    """Once it was asked often enough: nothing is stamped that changed just now."""
    expected = run(*arguments, "--no-cache", **variables)
    deadline = time.monotonic() + 60
    while not [*cache.glob("llmcfg/stamps/*")]:
        assert time.monotonic() < deadline
        assert run(*arguments, **variables) == expected
    assert run(*arguments, **variables) == expected
    modules = imported_by(*arguments, **variables)
    assert not top_level(modules) & (HEAVY | {"typer", "typing", "pathlib", "re", "json", "hashlib", "sqlite3"})


def test_version_imports_next_to_nothing() -> None:
    modules = imported_by("--version")
    assert {module for module in modules if module.startswith("llmcfg")} <= {
        "llmcfg",
        "llmcfg_cli",
        "llmcfg_cli.entry",
        "llmcfg_cli.__main__",
    }
    assert not top_level(modules) & (HEAVY | {"typer", "typing", "pathlib", "subprocess", "inspect", "json"})


def test_the_overview_imports_no_command_and_nothing_heavy() -> None:
    modules = imported_by("--help")
    assert not top_level(modules) & (HEAVY | {"typer", "subprocess", "inspect"})
    assert not [module for module in modules if module.startswith("llmcfg_cli.commands")]


@pytest.mark.parametrize(
    "arguments", [["rules"], ["rules", "--help"], ["schema", "--help"], ["completion", "show", "fish"]]
)
def test_a_command_imports_its_own_module_alone(arguments: list[str]) -> None:
    modules = imported_by(*arguments)
    assert not top_level(modules) & HEAVY
    commands = {module for module in modules if module.startswith("llmcfg_cli.commands.")}
    assert commands <= {f"llmcfg_cli.commands.{arguments[0]}"}


@pytest.mark.parametrize("line", ["validate", "diff", "render --to out", "get limits.rpm -e dev"])
def test_a_plain_command_line_is_read_without_typer(tmp_path, line: str) -> None:
    written = WrittenRepository(tmp_path, {"base/limits.yaml": "rpm: 10\n"})
    written.commit()
    modules = imported_by("-C", str(written.path), *line.split())
    assert not top_level(modules) & {"typer", "click"}
    assert "llmcfg_cli.completion" not in modules


@pytest.mark.parametrize("line", ["validate", "diff", "render --to out", "get limits.rpm -e dev"])
def test_what_common_commands_seldom_use_is_not_loaded(tmp_path, line: str) -> None:
    """Regular documents need no PyYAML, sound ones no words about them, and nothing is edited."""
    manifest = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: test\nenvironments:\n  dev: {}\n  prod: {}\n"
    written = WrittenRepository(tmp_path / "repository", {"llmcfg.yaml": manifest, "base/limits.yaml": "rpm: 10\n"})
    written.commit()
    variables = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = ("-C", str(written.path), *line.split())
    run("-C", str(written.path), "render", "--to", str(tmp_path / "out"), **variables)
    modules = imported_by(*words, **variables)
    seldom = {"events", "nodes", "complaints", "aliases", "tabs", "editor", "splice"}
    assert not modules & {f"llmcfg.documents.{name}" for name in seldom}
    assert "llmcfg_cli.views.diff_markdown" not in modules
    assert not top_level(modules) & {"yaml", "difflib"}
    assert not modules & {"ipaddress", "platform", "msgspec.inspect", "email.utils", "tarfile"}


def test_a_repository_loads_nothing_for_what_it_does_not_have(tmp_path) -> None:
    """No secrets for anybody, no prompts, no templates, nothing that ends, no sinks."""
    written = WrittenRepository(tmp_path, {"base/limits.yaml": "rpm: 10\n"})
    modules = imported_by("validate", "--no-cache", "-C", str(written.path), "-o", "json")
    wanted = (
        "secrets.age",
        "pipeline.prompts",
        "pipeline.templates.",
        "pipeline.schema.ends",
        "model.settings",
        "git.blame",
    )
    assert not [module for module in modules if module.startswith(tuple(f"llmcfg.{name}" for name in wanted))]
    assert not top_level(modules) & {"jsonschema", "jinja2", "pyrage", "cryptography", "ruamel", "watchdog"}


def test_a_repository_is_read_without_openssl(tmp_path) -> None:
    written = WrittenRepository(tmp_path, {"base/limits.yaml": "rpm: 10\n"})
    modules = imported_by("get", "limits.rpm", "-e", "dev", "-C", str(written.path))
    assert "pygit2" in top_level(modules)
    assert not top_level(modules) & {"ssl", "_ssl"}
    later = "import llmcfg.git.libgit2, ssl; ssl.create_default_context()"
    assert subprocess.run([sys.executable, "-c", later], check=False, timeout=60).returncode == 0


def test_reading_a_key_loads_nothing_of_secrets_and_nothing_that_writes(tmp_path) -> None:
    written = WrittenRepository(tmp_path, {"base/limits.yaml": "rpm: 10\n"})
    modules = imported_by("get", "limits.rpm", "-e", "dev", "-C", str(written.path))
    wanted = ("secrets.plaintext", "secrets.inspection", "secrets.sops", "documents.writer", "sync.plan", "sinks")
    assert not [module for module in modules if module.startswith(tuple(f"llmcfg.{name}" for name in wanted))]
    assert not top_level(modules) & {"jsonschema", "jinja2", "pyrage", "cryptography", "ruamel", "watchdog", "sqlite3"}


def test_a_repository_without_policies_loads_nothing_for_them(tmp_path) -> None:
    written = WrittenRepository(tmp_path, {"base/limits.yaml": "rpm: 10\n"})
    modules = imported_by("validate", "-o", "json", "-C", str(written.path))
    wanted = ("llmcfg.policies", "llmcfg.pipeline.policyfindings", "llmcfg.pipeline.changelimits", "regopy", "zoneinfo")
    assert not [module for module in modules if module.startswith(wanted)]
