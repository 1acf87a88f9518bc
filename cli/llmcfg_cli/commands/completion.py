"""`llmcfg completion`: the script that makes a shell ask llmcfg for completions."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from llmcfg_cli.app import complete
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument

Shell: TypeAlias = Annotated[Literal["bash", "zsh", "fish"], argument(help="The shell.", show_default=False)]


def show(shell: Shell) -> None:
    """Print the completion script for a shell, to be read by it: eval "$(llmcfg completion show bash)"."""
    out(_script(shell))


def install(shell: Shell) -> None:
    """Write the completion script to where the shell looks for it. No start-up file is changed."""
    file, hint = place_of_script(shell)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_script(shell), encoding="utf-8")
    note(f"wrote {file}")
    note(f"hint: {hint}")


def _script(shell: str) -> str:
    written = io.StringIO()
    with redirect_stdout(written):
        complete(f"source_{shell}")
    return written.getvalue().strip() + "\n"


def place_of_script(shell: str) -> tuple[Path, str]:
    if shell == "bash":
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
        return folder / "bash-completion/completions/llmcfg", "open a new shell (the package bash-completion reads it)"
    if shell == "fish":
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return folder / "fish/completions/llmcfg.fish", "open a new shell"
    return (
        Path.home() / ".zfunc/_llmcfg",
        "add to ~/.zshrc: fpath+=~/.zfunc; autoload -Uz compinit; compinit",
    )
