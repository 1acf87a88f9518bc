"""`llmcfg secret merge|resolve`: two versions of a secret file become one. Git runs the first; people run the second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import ConflictError, NotFoundError, UsageError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import BaseVersion, MergedPath, OurVersion, Quiet, TheirVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.secrets.sops.merge import Conflict
    from llmcfg.secrets.sops.mergekeys import Side

IN_CONFLICT = 1  # what Git takes for one
PRIVATE = 0o600
SIDES: dict[str, Side] = {"ours": "ours", "theirs": "theirs"}


def merge(base: BaseVersion, ours: OurVersion, theirs: TheirVersion, path: MergedPath = None) -> int:
    """Merge two versions of a secret file by key, into a file that sops verifies; Git runs this (llmcfg hooks install).

    A value that is the same on both sides, or that one side changed, is taken as it is encrypted. Exits with 1 when both sides changed one:
    its name is printed, never its value, and OURS is a sound encrypted file with ours there. Without a key that opens the file, lines are
    merged as Git does, and what cannot be is left in conflict.
    """
    from llmcfg.clock import now
    from llmcfg.disk import atomic_write
    from llmcfg.git.conflicts import merge_text
    from llmcfg.git.program import Git
    from llmcfg.model.versions import Versions
    from llmcfg.secrets.merging import merge_secret_file
    from llmcfg_cli.identities import own_identities

    name = path or str(ours)
    git = Git(Path(), os.environ)
    versions = Versions(*(file.read_bytes() for file in (base, ours, theirs)))
    merged = merge_secret_file(
        versions, name, own_identities, now(), merge_text=lambda _: merge_text(git, base, ours, theirs)
    )
    if merged.content != versions.ours:
        atomic_write(ours, merged.content, mode=PRIVATE)
    say_conflicts(name, merged.conflicts, merged.remarks)
    return IN_CONFLICT if merged.conflicts else 0


def resolve(
    file: Annotated[Path, argument(metavar="FILE", help="A secret file that is in conflict.")],
    choices: Annotated[
        list[str] | None,
        argument(metavar="[CHOICES]", help="NAME=ours or NAME=theirs, for one value.", show_default=False),
    ] = None,
    ours: Annotated[bool, option("--ours", help="Take ours for all other conflicts.", show_default=False)] = False,
    theirs: Annotated[
        bool, option("--theirs", help="Take theirs for all other conflicts.", show_default=False)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Finish a merge that left a secret file in conflict, and mark it as resolved (git add).

    The versions are merged again, from what Git keeps of them, so nothing that was done to FILE since is kept. Each conflict needs a
    side, by its name or by --ours or --theirs; while one has none, nothing is written (6). In a rebase, ours is the branch that is rebased
    onto, as Git has it.
    """
    from llmcfg.clock import now
    from llmcfg.disk import atomic_write
    from llmcfg.git.conflicts import mark_resolved, read_versions
    from llmcfg.git.program import Git
    from llmcfg.secrets.merging import merge_secret_file
    from llmcfg_cli.identities import own_identities

    if ours and theirs:
        raise UsageError("--ours and --theirs name two sides", hint="give one of them, or choose by name")
    wanted: dict[str, Side] = dict(map(_choice, choices or ()))
    rest: Side | None = "ours" if ours else "theirs" if theirs else None
    taken: dict[str, Side | None] = {}

    def choose(name: str) -> Side | None:
        side: Side | None = wanted.get(name) or rest
        taken[name] = side
        return side

    git = Git(file.parent, os.environ)
    versions = read_versions(git, file)
    merged = merge_secret_file(versions, file.name, own_identities, now(), choose=choose)
    unknown = sorted(wanted.keys() - taken.keys())
    if unknown:
        known = f"conflicts are at {', '.join(sorted(taken))}" if taken else "nothing in it is in conflict"
        raise NotFoundError(f"{file} has no conflict at {', '.join(unknown)}", hint=known)
    if merged.conflicts:
        raise ConflictError(
            f"{file} needs a side for {', '.join(conflict.name for conflict in merged.conflicts)}",
            hint="write NAME=ours or NAME=theirs behind it, or --ours or --theirs for all",
        )
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o666
    atomic_write(file, merged.content, mode=mode)
    mark_resolved(git, file)
    out("\n".join(f"{name}: {side}" for name, side in sorted(taken.items())))
    note(f"{file} is merged and staged", quiet=quiet)


def _choice(text: str) -> tuple[str, Side]:
    name, _, side = text.rpartition("=")
    if not name or side not in SIDES:
        raise UsageError(f"{text!r} chooses nothing", hint="write NAME=ours or NAME=theirs")
    return name, SIDES[side]


def say_conflicts(name: str, conflicts: Sequence[Conflict], remarks: Sequence[str]) -> None:
    """On stderr, which Git shows."""
    from llmcfg_cli.views.text import visible

    for remark in remarks:
        note(f"{visible(name)}: {remark}")
    for conflict in conflicts:
        note(f"{visible(name)}: conflict at {visible(conflict.name)}: {conflict.what}")
    if conflicts:
        note(
            f"hint: a key that opens it ends this: llmcfg secret resolve {visible(name)} --ours, --theirs or NAME=theirs"
        )
