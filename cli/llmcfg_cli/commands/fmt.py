"""`llmcfg fmt`: write YAML in one layout, and so that every reader takes it the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg_cli.console import note, out, progress, short_path
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import DIFFERENCES, Directory, NoCache, Quiet

if TYPE_CHECKING:
    from llmcfg.wiring import Workspace


def fmt(
    paths: Annotated[
        list[Path] | None,
        argument(metavar="[PATHS]", help="Files to fix.", exists=True, dir_okay=False, show_default="every document"),
    ] = None,
    directory: Directory = Path(),
    fix: Annotated[
        bool, option("--fix", help="Write the files; without it they are only named.", show_default=False)
    ] = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> int:
    """Name the documents that are not written as they should be, or with --fix, write them so.

    What some readers take for a boolean, number or date becomes quoted text; exponents become decimals; white space and empty lines too
    many go. Values and comments stay. Encrypted files are left alone. Without --fix, exits with 3 when a file would change.
    """
    from llmcfg.disk import atomic_write
    from llmcfg.model.progress import Progress
    from llmcfg.pipeline.wellwritten import well_written
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.text import plural

    workspace = None if paths else cached_workspace(directory, cache=not no_cache)
    disk, counts = (workspace.memo.disk, workspace.memo.progress) if workspace else (None, Progress())
    changed, unsound = list[Path](), list[Path]()
    with progress("reading", counts, quiet=quiet):
        files = _documents(workspace) if workspace else paths or []
        for file in counts.over("looking at layout", files):
            content = file.read_bytes()
            written = well_written(content, str(file), disk)
            if written.content != content:
                changed.append(file)
                if fix:
                    atomic_write(file, written.content)
            elif not written.is_sound:
                unsound.append(file)
    if disk is not None:
        disk.keep()
    out("\n".join(map(short_path, changed)))
    if unsound:
        note(f"no sound YAML, and left alone: {', '.join(map(short_path, unsound))}; llmcfg validate says why")
    said = "fixed" if fix else "would change: llmcfg fmt --fix"
    note(f"{len(changed)} of {plural(len(files), 'file')} {said}" if changed else "nothing to fix", quiet=quiet)
    return 0 if fix or not changed else DIFFERENCES


def _documents(workspace: Workspace) -> list[Path]:
    from llmcfg.prompts.file import is_prompt_file

    root = workspace.work_folder
    layout = workspace.configuration().layout
    entries = [entry for layer in layout.layers.values() for entry in layer.documents.values()]
    files = [*entries, *layout.consumers.values()]
    return [root / entry.path for entry in files if not is_prompt_file(entry.path)]
