"""`llmcfg schema export`: schemas and settings for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from llmcfg_cli.console import note, out
from llmcfg_cli.declared import option
from llmcfg_cli.options import Directory, Quiet

CHECK_FAILED = 3


def export(
    directory: Directory = Path(),
    check: Annotated[
        bool, option("--check", help="Write nothing; exit with 3 if anything would change.", show_default=False)
    ] = False,
    force: Annotated[bool, option("--force", help="Replace settings that others wrote.", show_default=False)] = False,
    quiet: Quiet = False,
) -> int:
    """Write draft-07 schemas and VS Code settings, so that yaml-language-server completes and checks every file.

    Documents of base are checked whole, overlays in part. An existing .vscode/settings.json keeps its other settings.
    """
    from llmcfg.disk import atomic_write, make_folders
    from llmcfg_cli.editor import editor_files, outdated
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.text import plural

    with reading(directory, "deriving schemas", quiet=quiet) as workspace:
        files = editor_files(workspace, force=force)
        changed = outdated(files)
    for place in () if check else changed:
        make_folders(place.parent)
        atomic_write(place, files[place])
    out("\n".join(str(place.relative_to(workspace.work_folder)) for place in changed))
    note(f"{len(changed)} of {plural(len(files), 'file')} {'would change' if check else 'written'}", quiet=quiet)
    return CHECK_FAILED if check and changed else 0
