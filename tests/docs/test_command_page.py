"""docs/spec/cli.md has every command with exactly its options and arguments, every exit code, every kind of answer and every variable."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from llmcfg.errors import LlmcfgError
from llmcfg_cli import entry
from llmcfg_cli.app import load
from llmcfg_cli.commands import diff
from llmcfg_cli.table import PANELS, Command
from support.commands import COMMANDS as NAMED

from .pages import PROJECT, SPEC, Section, part, section, sections

PAGE = SPEC / "cli.md"
OPTION = re.compile(r"--?[A-Za-z][a-z-]*")
SOURCES = [file.read_text(encoding="utf-8") for side in ("core", "cli") for file in (PROJECT / side).rglob("*.py")]


COMMANDS = {f"llmcfg {name}": command for name, command in NAMED}
SHOWN = {name: command for name, command in COMMANDS.items() if not command.hidden}
SECTIONS = {found.title: found for found in sections(PAGE) if found.title.startswith("llmcfg ")}


def test_every_command_has_a_section_in_the_order_of_the_help() -> None:
    assert list(SECTIONS) == list(SHOWN)


def test_panels_are_the_headings_of_commands() -> None:
    headings = [found.title for found in sections(PAGE) if found.level == 2]
    titles = [panel.title for panel in PANELS]
    assert [title for title in headings if title in titles] == titles


def test_other_names_of_a_command_are_told() -> None:
    hidden = [(name, command) for name, command in COMMANDS.items() if command.hidden]
    for name, command in hidden:
        shown = next(title for title, one in SHOWN.items() if one.target == command.target)
        assert f"`{name}`" in SECTIONS[shown].text


@pytest.mark.parametrize("name", SHOWN)
def test_options_of_a_command_are_the_documented_ones(name: str) -> None:
    real = [parameter for parameter in parameters(SHOWN[name]) if parameter.param_type_name == "option"]
    assert documented_options(SECTIONS[name]) == {option for one in real for option in one.opts} - {"--help", "-h"}


@pytest.mark.parametrize("name", SHOWN)
def test_arguments_of_a_command_are_the_documented_ones_and_brackets_mean_optional(name: str) -> None:
    real = [parameter for parameter in parameters(SHOWN[name]) if parameter.param_type_name == "argument"]
    assert documented_arguments(SECTIONS[name]) == {argument_name(one): one.required for one in real}


@pytest.mark.parametrize("name", SHOWN)
def test_values_that_an_option_takes_are_documented(name: str) -> None:
    rows = [(row[0], row[1]) for row in SECTIONS[name].rows()]
    for parameter in parameters(SHOWN[name]):
        choices = getattr(parameter.type, "choices", ())
        written = next((meaning for cell, meaning in rows if any(option in cell for option in parameter.opts)), "")
        for choice in choices if parameter.param_type_name == "option" else ():
            assert f"`{choice}`" in written


def test_options_with_one_meaning_everywhere_exist_and_help_is_one_of_them() -> None:
    shared = documented_options(section(PAGE, "Options that mean the same everywhere"))
    real = {option for command in SHOWN.values() for one in parameters(command) for option in one.opts}
    assert shared <= real | {"-h", "--help"}
    assert {"-h", "--help"} <= shared


def test_every_exit_code_is_documented_and_exists() -> None:
    documented = {int(row[0]) for row in section(PAGE, "Exit codes").rows()}
    assert documented == {
        0,
        *codes_of(LlmcfgError),
        entry.FAILED,
        entry.USAGE,
        entry.INTERRUPTED,
        entry.BROKEN_PIPE,
        diff.DIFFERENCES,
    }


def test_every_kind_of_json_answer_is_documented_and_exists() -> None:
    kinds = {kind for source in SOURCES for kind in re.findall(r'\bto_json\(\s*"([A-Za-z]+)"', source)}
    assert {row[0].strip("`") for row in section(PAGE, "Forms of output").rows() if row[0][1].isupper()} == kinds


def test_every_form_of_output_is_documented() -> None:
    forms = {
        choice
        for command in SHOWN.values()
        for one in parameters(command)
        if "--output" in one.opts
        for choice in getattr(one.type, "choices", ())
    }
    assert forms <= set(section(PAGE, "Forms of output").first_cells())


def test_environment_variables_that_are_read_are_documented() -> None:
    read = re.compile(
        r'environ(?:\.get\(|\[)"([A-Z_]+)"|^    \("([A-Z_]+)", "(?:variable|file|command)"\),$', re.MULTILINE
    )
    names = {name for source in SOURCES for match in read.findall(source) for name in match if name}
    assert names >= {"NO_COLOR", "SOPS_AGE_KEY_CMD"}
    assert names <= set(section(PAGE, "Environment variables").first_cells())


def test_places_of_private_keys_are_told_in_their_order() -> None:
    from pathlib import Path

    from llmcfg.secrets.age.places import find_places

    names = [name for name in section(PAGE, "Environment variables").first_cells() if "_AGE_" in name and "KEY" in name]
    found = [place.variable for place in find_places(dict.fromkeys(names, "x"), Path("/home/ada")) if place.variable]
    text = section(PAGE, "Where private keys are found").text
    assert sorted(found) == sorted(names)
    assert found == sorted(found, key=lambda name: text.index(f"`{name}`"))


def test_commands_that_the_documentation_names_exist() -> None:
    families = {name.rsplit(" ", 1)[0] for name in COMMANDS if name.count(" ") > 1}
    for found in part(PAGE, "Command line"):
        for code in found.code:
            if re.match(r"llmcfg [a-z]", code):
                words = code.split()
                assert " ".join(words[:2]) in {*COMMANDS, *families}, code


def parameters(command: Command) -> list[Any]:
    loaded = load(command)
    return [one for one in loaded.get_params(typer.Context(loaded)) if one.name != "help"]


def argument_name(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).split(":")[0].strip("[]{}").upper()


def documented_options(found: Section) -> set[str]:
    cells = [row[0] for row in found.rows() if "`-" in row[0]]
    return {
        option
        for cell in cells
        for code in re.findall(r"`([^`]+)`", cell)
        for option in OPTION.findall(code.split()[0])
    }


def documented_arguments(found: Section) -> dict[str, bool]:
    """Name to whether it is required."""
    cells = [row[0].strip("`") for row in found.rows() if not row[0].startswith("`-")]
    return {cell.strip("[]"): not cell.startswith("[") for cell in cells}


def codes_of(error: type[LlmcfgError]) -> set[int]:
    return {error.exit_code}.union(*(codes_of(inner) for inner in error.__subclasses__()))
