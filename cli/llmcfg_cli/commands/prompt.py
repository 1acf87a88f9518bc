"""`llmcfg prompt list`, `show` and `diff`: what prompts there are, and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from llmcfg_cli.console import has_colour, out, table_width
from llmcfg_cli.declared import argument
from llmcfg_cli.options import (
    OUTPUT,
    At,
    Directory,
    Environment,
    PromptName,
    PromptVersion,
    RequiredEnvironment,
    Tenant,
)

if TYPE_CHECKING:
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.prompts.record import Prompt


def list_prompts(
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> None:
    """List the prompts, with the version that is current in each environment."""
    from llmcfg.pipeline.prompts import prompts_in
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.tables import table

    with reading(directory, "reading prompts") as workspace:
        configuration = workspace.configuration(at)
        environments = list(configuration.manifest.environments)
        found = {name: prompts_in(configuration.readable(configuration.scope(name, tenant))) for name in environments}
    names = sorted({name for prompts in found.values() for name in prompts})
    prompts = {name: next(each[name] for each in found.values() if name in each) for name in names}
    current = {name: {e: found[e][name].current for e in environments if name in found[e]} for name in names}
    if output == "json":
        items = [_item(prompts[name], current[name]) for name in names]
        out(to_json("Prompts", {"tenant": tenant, "items": items}))
        return
    rows = [(name, prompts[name].id, *(current[name].get(e) or "-" for e in environments)) for name in names]
    out(table(("PROMPT", "ID", *map(str.upper, environments)), rows, colour=has_colour(), width=table_width()))


def _item(prompt: Prompt, current: dict[str, str]) -> dict[str, Any]:
    from llmcfg.prompts.released import sorted_versions

    versions = [
        {"version": number, "status": prompt.versions[number].status, "hash": prompt.released.get(number)}
        for number in sorted_versions(prompt.versions)
    ]
    return {"name": prompt.name, "id": prompt.id, "owner": prompt.owner, "current": current, "versions": versions}


def show(
    name: PromptName,
    environment: RequiredEnvironment,
    number: PromptVersion = None,
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    output: Annotated[Literal["text", "json"], OUTPUT] = "text",
) -> None:
    """Print a version as it holds in an environment, references resolved: the current one, or the one named."""
    from llmcfg.pipeline.prompts import find_prompt, find_version, prompts_in
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.prompts import version_text

    with reading(directory, "reading prompts") as workspace:
        configuration = workspace.configuration(at)
        prompt = find_prompt(prompts_in(configuration.readable(configuration.scope(environment, tenant))), name)
    version = find_version(prompt, number or prompt.current)
    if output == "json":
        said = {
            "name": prompt.name,
            "id": prompt.id,
            "environment": environment,
            "tenant": tenant,
            "version": version.number,
        }
        out(to_json("Prompt", {**said, "hash": prompt.released.get(version.number), **version.value}))
    else:
        out(version_text(version))


def diff(
    name: PromptName,
    before: Annotated[str, argument(metavar="A", help="A version.", show_default=False)],
    after: Annotated[str, argument(metavar="B", help="Another one.", show_default=False)],
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    at: At = None,
) -> None:
    """Show the lines that differ between two versions; with -e as they hold in an environment, otherwise as the files say them."""
    from llmcfg.pipeline.prompts import find_prompt, find_version
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.prompts import version_diff

    with reading(directory, "reading prompts") as workspace:
        prompt = find_prompt(_prompts(workspace.configuration(at), environment, tenant), name)
    out(version_diff(find_version(prompt, before), find_version(prompt, after), colour=has_colour()))


def _prompts(configuration: Configuration, environment: str | None, tenant: str | None) -> dict[str, Prompt]:
    from llmcfg.errors import UsageError
    from llmcfg.pipeline.prompts import base_prompts, prompts_in

    if environment is None and tenant is not None:
        raise UsageError("a tenant's prompts differ by environment", hint="name one with -e")
    if environment is None:
        return base_prompts(configuration)
    return prompts_in(configuration.readable(configuration.scope(environment, tenant)))
