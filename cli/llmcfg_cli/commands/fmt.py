"""`llmcfg fmt`: write YAML in one layout, and so that every reader takes it the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg_cli.console import note, out, short_path
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import DIFFERENCES, Directory, Quiet

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
) -> int:
    """Name the documents that are not written as they should be, or with --fix, write them so.

    What some readers take for a boolean, number or date becomes quoted text; exponents become decimals; white space and empty lines too
    many go. Values and comments stay. Encrypted files are left alone. Without --fix, exits with 3 when a file would change.
    """
    from llmcfg.disk import atomic_write
    from llmcfg.documents.loader import load_document
    from llmcfg.wiring import Workspace
    from llmcfg_cli.views.text import plural

    files = paths or _documents(Workspace(directory))
    changed, unsound = list[Path](), list[Path]()
    for file in files:
        content = file.read_bytes()
        fixed = _formatted(content)
        if fixed != content:
            changed.append(file)
            if fix:
                atomic_write(file, fixed)
        elif load_document(content, secrets=True).document is None:
            unsound.append(file)
    out("\n".join(map(short_path, changed)))
    if unsound:
        note(f"no sound YAML, and left alone: {', '.join(map(short_path, unsound))}; llmcfg validate says why")
    said = "fixed" if fix else "would change: llmcfg fmt --fix"
    note(f"{len(changed)} of {plural(len(files), 'file')} {said}" if changed else "nothing to fix", quiet=quiet)
    return 0 if fix or not changed else DIFFERENCES


def _formatted(content: bytes) -> bytes:
    from llmcfg.documents.fixes import fix_ambiguous
    from llmcfg.documents.layout import normalise_layout
    from llmcfg.secrets.sops import stores
    from llmcfg.secrets.sops.model import FileType

    if b"sops" in content and stores.find_encrypted(content, FileType.YAML) is not None:
        return content
    return normalise_layout(fix_ambiguous(content))


def _documents(workspace: Workspace) -> list[Path]:
    from llmcfg.prompts.file import is_prompt_file

    root = workspace.work_folder
    layout = workspace.configuration().layout
    entries = [entry for layer in layout.layers.values() for entry in layer.documents.values()]
    files = [*entries, *layout.consumers.values()]
    return [root / entry.path for entry in files if not is_prompt_file(entry.path)]
