"""A plain command line comes to the call that Typer makes of it; what is not plain is left to Typer."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import LlmcfgError
from llmcfg_cli import app
from llmcfg_cli.dispatch import function_of
from llmcfg_cli.plain import Call, find_call, parameters_of
from support.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg_cli.table import Command

VALUES = [
    "a",
    "a.b",
    "x=y",
    "-",
    "",
    "-x",
    "--",
    "-1",
    "3",
    "dev",
    "JSON",
    "there.yaml",
    "folder",
    "nowhere/x",
    "2026-01-02",
]
IN_PLACE = ["-h", "--help", "--no-such", "-Z", "--", "-", "", "extra"]


@pytest.mark.parametrize("command", [command for _, command in COMMANDS], ids=[name for name, _ in COMMANDS])
def test_typer_has_every_parameter_as_plain_lines_have_it(command: Command) -> None:
    loaded: Any = app.load(command)
    plain = {parameter.name: parameter for parameter in parameters_of(function_of(command))}
    assert list(plain) == [parameter.name for parameter in loaded.params]
    for typed in loaded.params:
        mine = plain[typed.name]
        assert tuple(sorted(typed.opts)) == tuple(sorted(mine.names or (mine.name,)))
        assert not typed.secondary_opts
        assert typed.required is isinstance(mine.default, EllipsisType)
        assert typed.required or typed.default == mine.default
        assert (typed.nargs == -1 or typed.multiple) is mine.is_list
        assert typed.envvar == mine.said.get("envvar")
        assert bool(getattr(typed, "is_flag", False)) is (mine.kind is bool)
        assert tuple(getattr(typed.type, "choices", ())) == (get_args(mine.kind) if is_choice(mine.kind) else ())
        assert (typed.type.name in ("path", "file")) is (mine.kind is Path)


def is_choice(kind: Any) -> bool:
    return get_origin(kind) is Literal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("plain")
    (place / "there.yaml").write_text("a: 1\n")
    (place / "folder").mkdir()
    return place


def assert_a_line_is_the_call_that_typer_makes(data: Any) -> None:
    name, command = data.draw(st.sampled_from(COMMANDS))
    words = [*name.split(), *data.draw(given_to(command))]
    directory = data.draw(st.sampled_from([[], [], ["-C", "folder"], ["-C."], ["--directory=a"]]))
    assert_same_call([*directory, *words])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_plain_is_the_call_that_typer_makes(folder: Path, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    monkeypatch.chdir(folder)
    assert_a_line_is_the_call_that_typer_makes(data)


@pytest.mark.sweep
@settings(max_examples=6_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_plain_is_the_call_that_typer_makes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, data: Any
) -> None:
    monkeypatch.chdir(folder)
    assert_a_line_is_the_call_that_typer_makes(data)


def given_to(command: Command) -> st.SearchStrategy[list[str]]:
    """Words for a command: mostly as they should be, some of them not."""
    parameters = parameters_of(function_of(command))
    options = [parameter for parameter in parameters if parameter.names]
    places = [
        st.sampled_from([*VALUES, "a", "b"]).map(lambda one: [one]) for parameter in parameters if not parameter.names
    ]
    given_option = st.sampled_from(options).flatmap(given_as) if options else st.just([])
    word = st.one_of(given_option, given_option, *places, st.sampled_from(IN_PLACE).map(lambda one: [one]))
    required = [given_as(parameter) for parameter in options if parameter.default is ...]
    rows = st.tuples(
        *required, *places[:1], st.lists(st.one_of(given_option, *places), max_size=3), st.lists(word, max_size=1)
    )
    return rows.map(lambda found: [one for row in found for one in flat(row)])


def flat(row: Any) -> list[str]:
    return [one for each in row for one in (flat(each) if isinstance(each, list) else [each])]


def given_as(parameter: Any) -> st.SearchStrategy[list[str]]:
    name = st.sampled_from(parameter.names)
    if parameter.kind is bool:
        return st.one_of(
            name.map(lambda one: [one]), name.map(lambda one: [f"{one}=true"]), name.map(lambda one: [f"{one}q"])
        )
    choices = get_args(parameter.kind) if is_choice(parameter.kind) else ()
    value = st.sampled_from([*choices, *choices, *choices, *VALUES])
    return st.one_of(
        st.tuples(name, value).map(list),
        st.tuples(name, value).map(lambda two: [f"{two[0]}={two[1]}"]),
        st.tuples(name, value).map(lambda two: [f"{two[0]}{two[1]}"]),
    )


def assert_same_call(words: Sequence[str]) -> None:
    plain = find_call(words)
    if plain is not None:
        function = getattr(plain.function, "__wrapped__", plain.function)
        assert typer_call(words) == Call(function, plain.given, plain.before)


def typer_call(words: Sequence[str]) -> Call | LlmcfgError | None:
    """What Typer would call, or why it does not; None where it shows help."""
    calls, before = [], list[str]()

    def instead(command: Command, function: Any) -> Any:
        @wraps(function)
        def call(**given: Any) -> None:
            calls.append(Call(function, given, before))

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "on_record", instead)
        patch.setattr(app, "find_function", lambda target: lambda: before.append(target))
        try:
            app.run(words)
        except LlmcfgError as error:
            return error
    return calls[0] if calls else None


@pytest.mark.parametrize(
    "line",
    [
        "validate",
        "-C folder validate -o json -q --env dev -e prod folder there.yaml",
        "validate --at HEAD --fail-on=warning --explain-cache",
        "diff",
        "diff HEAD~1 HEAD -ojson --stat",
        "render --to nowhere/x -e dev -tacme -c api",
        "render files/config.yaml -e dev -c api",
        "get a.b -e dev -t acme -o yaml",
        "list -e dev",
        "plan -e prod --at v1",
        "secret list -C folder",
        "ci -C folder",
        "ci run",
    ],
)
def test_what_is_given_as_it_should_be_is_plain(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert find_call(line.split()) is not None
    assert_same_call(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-C folder",
        "gte a.b",
        "secret",
        "secret gte",
        "validate --help",
        "validate -h",
        "validate --no-such",
        "validate -o xml",
        "validate -o JSON",
        "validate -o json -o table",
        "validate --as-of 2026-01-02",
        "validate --quiet=yes",
        "validate -qo json",
        "validate -- folder",
        "validate --at",
        "validate --at -q",
        "validate --at=",
        "get a.b",
        "get -e dev",
        "get a.b c -e dev",
        "tree -e dev --depth 2",
        "cost --usage there.yaml",
    ],
)
def test_all_else_is_left_to_typer(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert find_call(line.split()) is None


@pytest.mark.parametrize("variable", ["_LLMCFG_COMPLETE", "LLMCFG_NO_CACHE", "LLMCFG_AS_OF"])
def test_a_line_that_variables_have_a_say_in_is_left_to_typer(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_call(["validate"]) is not None
    monkeypatch.setenv(variable, "")
    assert find_call(["validate"]) is None
