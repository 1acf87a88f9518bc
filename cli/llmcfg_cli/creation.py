"""The creation rule for a file that is named on the command line, inside or outside of a repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcfg_cli.console import note, short_path

if TYPE_CHECKING:
    from llmcfg.secrets.creation import CreationRule, Said

STDIN: Final = "-"


def rule_for_file(name: str, config: Path | None, said: Said) -> CreationRule:
    """The rule for a file of this name, from `config`, or the `.sops.yaml` above it, or else above the current folder.

    Raises NotFoundError and UsageError as `CreationRules.rule_for`.
    """
    from llmcfg.secrets.creation import CreationRules, find_config, parse_creation_rules, path_for_rules

    folders = (Path(name).parent, Path()) if name != STDIN else (Path(),)
    found = [find_config(folder, os.environ, config) for folder in folders]
    chosen = next((one for one in found if one.path is not None), found[0])
    note(f"warning: {chosen.warning}" if chosen.warning else "")
    if chosen.path is None:
        return CreationRules().rule_for(name, said)
    rules = parse_creation_rules(chosen.path.read_bytes(), short_path(chosen.path))
    return rules.rule_for(path_for_rules(Path(name), chosen.path), said)
