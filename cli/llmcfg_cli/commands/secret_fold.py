"""`llmcfg secret fold`: take drop files into the files that they belong in."""

from __future__ import annotations

from pathlib import Path

from llmcfg_cli.console import note, out
from llmcfg_cli.options import Directory, Environment, Quiet, Tenant


def fold_drops(
    directory: Directory = Path(), environment: Environment = None, tenant: Tenant = None, quiet: Quiet = False
) -> None:
    """Take secrets that wait in drop files into the files that they belong in, and remove the drops.

    Without -e and -t, the drops of all layers. What your keys do not open is left, and named.
    """
    from llmcfg.custody.folding import fold
    from llmcfg_cli.identities import own_custody
    from llmcfg_cli.views.text import visible

    custody = own_custody(directory)
    configuration = custody.configuration
    folders = [*configuration.layout.layers]
    if environment is not None or tenant is not None:
        folders = [configuration.own_layer(environment, tenant)]
    folding = fold(custody, folders)
    lines = [
        f"{folded.file}: {name} from {drop.rpartition('/')[2]}"
        for folded in folding.folded
        for name, drop in folded.origins.items()
    ]
    out("\n".join(map(visible, lines)))
    for file, error in folding.left.items():
        note(visible(f"left: {file}: {error.message}"))
    if not lines:
        note("no drop file waits", quiet=quiet)
