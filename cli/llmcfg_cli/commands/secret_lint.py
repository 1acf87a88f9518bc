"""`llmcfg secret lint`: everything that can be told of secret files without a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.commands.validate import exit_code, is_below, require_paths
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.declared import argument
from llmcfg_cli.options import OUTPUT, At, Directory, FailOn, Quiet


def lint(
    paths: Annotated[
        list[Path] | None,
        argument(metavar="[PATHS]", help="Show only findings in these files and folders.", show_default=False),
    ] = None,
    directory: Directory = Path(),
    at: At = None,
    output: Annotated[Literal["table", "json", "sarif", "github", "junit"], OUTPUT] = "table",
    fail_on: FailOn = "error",
    quiet: Quiet = False,
) -> int:
    """Check secret files and .sops.yaml: what is readable, damaged or repeated, and who can open what. Needs no key.

    These findings are part of llmcfg validate too. Exits with 4 when a finding is at least as severe as --fail-on.
    """
    from llmcfg.pipeline.examine import lint_secrets
    from llmcfg.pipeline.sealed import secret_entries
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.findings import summary, view_findings

    with reading(directory, "looking at secret files", quiet=quiet) as workspace:
        configuration = workspace.configuration(at)
        root = workspace.repository.root or directory.resolve()
        require_paths(paths or (), directory, root, configuration.snapshot.entries)
        shown = [
            finding for finding in lint_secrets(configuration) if is_below(finding.origin.file, paths, directory, root)
        ]
    files = [entry for entry in secret_entries(configuration) if is_below(entry.path, paths, directory, root)]
    out(view_findings(shown, output, colour=has_colour(), root=workspace.git_folder))
    note(("\n" if shown and output == "table" else "") + summary(shown, len(files)), quiet=quiet)
    return exit_code(shown, fail_on)
