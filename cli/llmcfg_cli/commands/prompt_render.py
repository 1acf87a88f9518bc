"""`llmcfg prompt render` and `test`: fill a version, and run what its file expects of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from llmcfg.errors import FindingsError, UsageError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import option
from llmcfg_cli.given import read_given
from llmcfg_cli.options import (
    OUTPUT,
    At,
    Directory,
    OptionalPromptName,
    PromptName,
    PromptVersion,
    Quiet,
    RequiredEnvironment,
    Tenant,
)

if TYPE_CHECKING:
    from llmcfg.pipeline.promptrender import Outcome
    from llmcfg.prompts.record import Version


def render(
    name: PromptName,
    environment: RequiredEnvironment,
    number: PromptVersion = None,
    variables: Annotated[
        list[str] | None,
        option("--var", metavar="NAME=VALUE", help="The value of a variable; may be repeated.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        option(
            "--var-file",
            metavar="FILE",
            help="YAML with values of variables.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    output: Annotated[Literal["text", "json"], OUTPUT] = "text",
    quiet: Quiet = False,
) -> None:
    """Print the messages of a prompt as a program would send them. Values are checked against what the version declares.

    Sensitive variables are given by --var-file, since other processes see arguments.
    """
    from llmcfg.pipeline.promptrender import render_prompts
    from llmcfg.pipeline.prompts import find_prompt, find_version, prompts_in
    from llmcfg.prompts.given import find_unfit
    from llmcfg_cli.settings import reading_workspace
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.prompts import messages_text

    configuration = reading_workspace(directory).configuration(at)
    prompt = find_prompt(prompts_in(configuration.readable(configuration.scope(environment, tenant))), name)
    version = find_version(prompt, number or prompt.current)
    given = {**(read_given(file, "write name: value lines") if file else {}), **_from_options(version, variables or [])}
    unfit = next(find_unfit(version, given), None)
    if unfit is not None:
        raise UsageError(f"{prompt.id} {version.number}: {unfit.message}", hint=unfit.hint)
    (filled,) = render_prompts([(version, given)])
    if filled.problem is not None:
        raise FindingsError(f"{prompt.id} {version.number}: {filled.problem.message}", hint=filled.problem.hint)
    if output == "json":
        messages = [{"role": message.role, "content": message.content} for message in filled.messages]
        said = {"name": prompt.name, "id": prompt.id, "version": version.number}
        out(to_json("RenderedPrompt", {**said, "tokens": filled.tokens, "messages": messages}))
        return
    out(messages_text(filled.messages))
    note(f"about {filled.tokens} tokens", quiet=quiet)


def test(
    name: OptionalPromptName = None,
    number: PromptVersion = None,
    directory: Directory = Path(),
    environment: Annotated[
        str | None,
        option("--env", "-e", metavar="ENV", help="The environment.", show_default="the first of the manifest"),
    ] = None,
    tenant: Tenant = None,
    at: At = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> int:
    """Run the tests of a version, of all versions of a prompt, or of all prompts. No model is called: what is sent is compared.

    Exits with 4 when a test fails.
    """
    from llmcfg.pipeline.promptrender import run_tests
    from llmcfg.pipeline.prompts import find_prompt, find_version, prompts_in
    from llmcfg_cli.settings import reading_workspace
    from llmcfg_cli.views.text import plural

    configuration = reading_workspace(directory).configuration(at)
    wanted = environment or next(iter(configuration.manifest.environments))
    known = prompts_in(configuration.readable(configuration.scope(wanted, tenant)))
    prompts = [find_prompt(known, name)] if name else list(known.values())
    versions = [
        (prompt, version)
        for prompt in prompts
        for version in ([find_version(prompt, number)] if number else prompt.versions.values())
    ]
    outcomes = [
        (f"{prompt.name} {version.number}", each) for prompt, version in versions for each in run_tests(version)
    ]
    failed = sum(1 for _, outcome in outcomes if outcome.faults)
    _show(outcomes, output)
    note(f"{plural(len(outcomes), 'test')}, {failed} failed", quiet=quiet)
    return FindingsError.exit_code if failed else 0


def _show(outcomes: list[tuple[str, Outcome]], output: str) -> None:
    from llmcfg_cli.console import has_colour
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.tables import table

    if output == "json":
        items = [{"version": where, "test": each.test.name, "faults": list(each.faults)} for where, each in outcomes]
        out(to_json("PromptTests", {"items": items}))
        return
    rows = [
        ("failed" if each.faults else "passed", where, each.test.name, "; ".join(each.faults))
        for where, each in outcomes
    ]
    out(table(("RESULT", "VERSION", "TEST", "WHY"), rows, colour=has_colour()))


def _from_options(version: Version, options: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for written in options:
        name, equals, text = written.partition("=")
        variable = version.variables.get(name)
        if not equals:
            raise UsageError(f"--var {name} gives no value", hint=f"write --var {name}=VALUE")
        if variable is not None and variable.is_sensitive:
            raise UsageError(f"{name} is sensitive, and other processes see arguments", hint="give it with --var-file")
        is_text = variable is None or variable.type == "string"
        given[name] = text if is_text else _parsed(name, text)
    return given


def _parsed(name: str, text: str) -> Any:
    from llmcfg.documents.loader import load_document

    document, _ = load_document(f"value: {text}\n".encode())
    if document is None or set(document.value) != {"value"}:
        raise UsageError(f"the value of {name} cannot be read", hint="write it as YAML on one line: 5, true, [a, b]")
    return document.value["value"]
