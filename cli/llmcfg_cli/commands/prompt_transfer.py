"""`llmcfg prompt import` and `export`: Dotprompt files in and out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import ConflictError, UsageError
from llmcfg_cli.commands.prompt_change import write_change
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import At, Directory, PromptName, PromptVersion, Quiet, RequiredEnvironment, Tenant

if TYPE_CHECKING:
    from llmcfg.prompts.record import Version


def import_dotprompt(
    file: Annotated[Path, argument(metavar="FILE", help="A .prompt file.", exists=True, dir_okay=False)],
    name: Annotated[
        str | None,
        option("--as", metavar="PROMPT", help="Its path below prompts/.", show_default="its name, or that of FILE"),
    ] = None,
    number: Annotated[str, option("--number", metavar="VERSION", help="The version that it becomes.")] = "0.1.0",
    directory: Directory = Path(),
    quiet: Quiet = False,
) -> None:
    """Take over a Dotprompt file as a draft. What cannot be carried over is named."""
    from llmcfg.pipeline.promptedits import add
    from llmcfg.pipeline.prompts import base_prompts
    from llmcfg.prompts.dotprompt import import_dotprompt as read
    from llmcfg.prompts.released import is_version
    from llmcfg_cli.settings import reading_workspace

    if not is_version(number):
        raise UsageError(f"{number!r} is no version", hint="write MAJOR.MINOR.PATCH, such as 0.1.0")
    workspace = reading_workspace(directory)
    found = read(file.read_bytes(), str(file))
    path = name or found.name or file.name.removesuffix(".prompt")
    if path in base_prompts(workspace.configuration()):
        raise ConflictError(f"there is a prompt {path!r} already", hint="name another with --as")
    index = {"id": _id(path), **({"description": found.description} if found.description else {})}
    write_change(workspace.work_folder, add(path, index, number, found.fields, found.messages))
    note("\n".join(f"not carried over: {each}" for each in found.left_out), quiet=quiet)
    note("next: llmcfg validate", quiet=quiet)


def export_dotprompt(
    name: PromptName,
    environment: RequiredEnvironment,
    number: PromptVersion = None,
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    quiet: Quiet = False,
) -> None:
    """Print a version as a Dotprompt file, as it holds in an environment. What Dotprompt has no field for is named on stderr."""
    from llmcfg.pipeline.prompts import find_prompt, find_version, prompts_in
    from llmcfg.prompts.dotprompt import export_dotprompt as write
    from llmcfg_cli.settings import reading_workspace

    configuration = reading_workspace(directory).configuration(at)
    prompt = find_prompt(prompts_in(configuration.readable(configuration.scope(environment, tenant))), name)
    version = find_version(prompt, number or prompt.current)
    exported = write(prompt.id, version, prompt.description, partial(_to_handlebars, version))
    out(exported.text)
    note("\n".join(f"not carried over: {each}" for each in exported.left_out), quiet=quiet)


def _to_handlebars(version: Version, text: str) -> str:
    from llmcfg.pipeline.templates.promptexport import jinja_to_handlebars
    from llmcfg.prompts.dottext import mustache_to_handlebars

    match version.engine:
        case "handlebars":
            return text
        case "mustache":
            return mustache_to_handlebars(text, version.types)
        case "jinja":
            return jinja_to_handlebars(text)


def _id(path: str) -> str:
    """The path as an id may be written: lower-case words with hyphens."""
    return "-".join("".join(each if each.isalnum() and each.isascii() else " " for each in path.lower()).split())
