"""`llmcfg merge-driver`: two versions of a document become one. Git runs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg_cli.console import note
from llmcfg_cli.options import BaseVersion, MergedPath, OurVersion, TheirVersion

if TYPE_CHECKING:
    from llmcfg.git.comfort.merging import FileMerge

IN_CONFLICT = 1  # what Git takes for one
SHOWN = 80


def merge_driver(base: BaseVersion, ours: OurVersion, theirs: TheirVersion, path: MergedPath = None) -> int:
    """Merge two versions of a YAML document by key, with its comments; Git runs this (llmcfg hooks install).

    Where both sides changed one value, markers stand around its key alone, both values are said, and the command exits with 1. A list
    is one value, unless its schema says by what its items merge. An encrypted file is merged as by `llmcfg secret merge`; what is no
    sound YAML, by lines.
    """
    from llmcfg.clock import now
    from llmcfg.disk import atomic_write
    from llmcfg.git.comfort.merging import merge_file
    from llmcfg.git.conflicts import merge_text
    from llmcfg.git.program import Git
    from llmcfg.model.versions import Versions
    from llmcfg.wiring import merge_rules
    from llmcfg_cli.identities import own_identities

    name = path or str(ours)
    git = Git(Path(), os.environ)
    versions = Versions(*(file.read_bytes() for file in (base, ours, theirs)))
    merged = merge_file(
        versions, name, merge_rules(Path(), name), own_identities, now(), lambda _: merge_text(git, base, ours, theirs)
    )
    if merged.content != versions.ours:
        atomic_write(ours, merged.content, mode=ours.stat().st_mode & 0o777)
    _say(name, merged)
    return 0 if merged.is_clean else IN_CONFLICT


def _say(name: str, merged: FileMerge) -> None:
    """On stderr, which Git shows."""
    from llmcfg.model.change import ABSENT
    from llmcfg.model.keypath import format_key_path
    from llmcfg_cli.commands.secret_merge import say_conflicts
    from llmcfg_cli.views.text import visible
    from llmcfg_cli.views.values import inline

    for clash in merged.clashes:
        sides = (inline(side, SHOWN) if side is not ABSENT else "removed" for side in (clash.ours, clash.theirs))
        mine, yours = sides
        note(f"{visible(name)}: conflict at {visible(format_key_path(clash.path))}: ours {mine}, theirs {yours}")
    say_conflicts(name, merged.conflicts, merged.remarks)
