"""`llmcfg prompt new`, `release` and `promote`: from a draft to the version that applications use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg_cli.console import note, out, short_path
from llmcfg_cli.declared import option
from llmcfg_cli.options import Directory, PromptName, PromptVersion, Quiet, Tenant

if TYPE_CHECKING:
    from llmcfg.pipeline.promptedits import Change


def new(
    name: PromptName,
    number: PromptVersion = None,
    part: Annotated[
        Literal["major", "minor", "patch"],
        option("--bump", help="Which part of the newest version is raised, where no VERSION is named."),
    ] = "minor",
    directory: Directory = Path(),
    quiet: Quiet = False,
) -> None:
    """Begin a version: a draft with the text of the newest one, to be edited."""
    from llmcfg.pipeline.promptedits import begin
    from llmcfg_cli.settings import reading_workspace

    workspace = reading_workspace(directory)
    change = begin(workspace.configuration(), name, number, part)
    write_change(workspace.work_folder, change)
    note(f"edit it, then: llmcfg prompt release {change.prompt} {change.number}", quiet=quiet)


def release(
    name: PromptName, number: PromptVersion = None, directory: Directory = Path(), quiet: Quiet = False
) -> None:
    """Release a version: its tests pass, its hash is recorded, and from then on its text is never edited.

    Without VERSION it is the newest that is not released. A pre-release becomes the final version of the same text.
    """
    from llmcfg.pipeline.promptedits import release as release_version
    from llmcfg_cli.settings import reading_workspace

    workspace = reading_workspace(directory)
    change = release_version(workspace.configuration(), name, number)
    write_change(workspace.work_folder, change)
    note(
        f"{change.prompt} {change.number} is released; use it: llmcfg prompt promote {change.prompt} --to ENV",
        quiet=quiet,
    )


def promote(
    name: PromptName,
    environment: Annotated[str, option("--to", metavar="ENV", help="The environment.", show_default=False)],
    number: PromptVersion = None,
    directory: Directory = Path(),
    tenant: Tenant = None,
    quiet: Quiet = False,
) -> None:
    """Make a version the current one in an environment: one line in its overlay. Without VERSION it is the newest released one."""
    from llmcfg.pipeline.promptedits import promote as promote_version
    from llmcfg_cli.settings import reading_workspace

    workspace = reading_workspace(directory)
    change = promote_version(workspace.configuration(), name, number, environment, tenant)
    write_change(workspace.work_folder, change)
    what = "see what it changes: llmcfg diff" if change.files else "it is so already"
    note(f"{change.prompt} {change.number} is current in {environment}; {what}", quiet=quiet)


def write_change(root: Path, change: Change) -> None:
    """Write the files of a change and name them."""
    from llmcfg.disk import atomic_write, make_folders

    for path, content in sorted(change.files.items()):
        make_folders((root / path).parent)
        atomic_write(root / path, content)
    out("\n".join(short_path(root / path) for path in sorted(change.files)))
