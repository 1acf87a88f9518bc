"""`llmcfg secret outline`: a secret file as Git shows it, without any key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from llmcfg_cli.console import out
from llmcfg_cli.declared import argument


def outline(
    file: Annotated[Path, argument(metavar="FILE", help="A SOPS or age file.")],
) -> None:
    """Show names, types and fingerprints of what a secret file holds, and who can open it. Needs no key and shows no secret.

    A fingerprint changes when its value is written anew. Git diffs secret files by these lines (llmcfg hooks install).
    """
    from llmcfg.limits import SOPS_FILE_BYTES
    from llmcfg.secrets.outline import outline as lines_of
    from llmcfg_cli.views.text import visible

    with file.open("rb") as stream:
        content = stream.read(SOPS_FILE_BYTES + 1)
    out("\n".join(visible(str(line)) for line in lines_of(content, file.name)))
