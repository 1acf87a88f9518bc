"""`llmcfg secret scan`: is there a secret in plain text in what is staged, in files, or in history?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import FindingsError, UsageError
from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Directory, Quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.progress import Progress
    from llmcfg.secrets.scanning import Scanned

STDIN = "-"
_LOOKING = "looking through files"


def scan(
    paths: Annotated[
        list[str] | None,
        argument(metavar="[PATHS]", help="Files and folders; - is stdin.", show_default="all that Git does not ignore"),
    ] = None,
    directory: Directory = Path(),
    staged: Annotated[
        bool,
        option("--staged", help="What the next commit adds or changes, as it is staged.", show_default=False),
    ] = False,
    index: Annotated[
        Path | None,
        option(
            "--index", metavar="FILE", help="The index that --staged reads, as hooks know it.", show_default="Git's"
        ),
    ] = None,
    history: Annotated[
        bool, option("--history", help="Every file of every commit that a ref leads to.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json", "sarif", "github", "junit"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> int:
    """Look for secrets in plain text: keys and tokens of providers, private keys, passwords, and secret files that are not encrypted.

    What is found is named by place and kind, and never printed. Exits with 4 when there is anything. The pre-commit hook of llmcfg hooks
    install runs it with --staged. What is in history is to be rotated, whether or not it was removed since.
    """
    if sum((bool(paths), staged, history)) > 1:
        raise UsageError("PATHS, --staged and --history are three places", hint="choose one of them")
    if index is not None and not staged:
        raise UsageError("--index is for --staged", hint="add --staged, or leave it out")
    from llmcfg.model.progress import Progress

    counts = Progress()
    with progress("looking for secrets", counts, quiet=quiet):
        if history:
            found = _history(directory, counts)
        elif staged:
            found = _staged(directory, index, counts)
        else:
            found = _files(directory, paths or [], counts)
    for remark in found.remarks:
        note(f"warning: {remark}", quiet=quiet)
    if found.findings or output != "table":
        from llmcfg_cli.views.findings import view_findings

        out(view_findings(found.findings, output, colour=has_colour()))
    note(_summary(found, output), quiet=quiet)
    return FindingsError.exit_code if found.findings else 0


def _staged(directory: Path, index: Path | None, counts: Progress) -> Scanned:
    from llmcfg.git.candidates import staged, staged_rules
    from llmcfg.git.program import Git, find_top
    from llmcfg.secrets.scanning import scan_all

    git = Git(find_top(Git(directory, os.environ)), os.environ, index)
    return scan_all(counts.over(_LOOKING, staged(git)), staged_rules(git))


def _files(directory: Path, paths: Sequence[str], counts: Progress) -> Scanned:
    from llmcfg.git.candidates import lying, on_disk
    from llmcfg.git.program import Git
    from llmcfg.secrets.scanning import scan_all

    if STDIN in paths:
        return _stdin(paths)
    root, contents = lying(Git(directory, os.environ), paths)
    return scan_all(counts.over(_LOOKING, contents), on_disk(root))


def _stdin(paths: Sequence[str]) -> Scanned:
    from llmcfg.limits import SCAN_BYTES
    from llmcfg.secrets.scanning import Content, scan_all

    if len(paths) > 1:
        raise UsageError("- and PATHS are two places", hint="give one of them")
    content = sys.stdin.buffer.read(SCAN_BYTES + 1)
    return scan_all([Content("stdin", content[:SCAN_BYTES], len(content))], lambda _: None)


def _history(directory: Path, counts: Progress) -> Scanned:
    from llmcfg.git.candidates import staged_rules
    from llmcfg.git.pastsecrets import search_history
    from llmcfg.git.program import Git, find_top

    git = Git(find_top(Git(directory, os.environ)), os.environ)
    return search_history(git, staged_rules(git), counts)


def _summary(found: Scanned, output: str) -> str:
    from llmcfg_cli.views.text import plural

    count = plural(len(found.findings), "finding") if found.findings else "no findings"
    return ("\n" if found.findings and output == "table" else "") + f"{count} in {plural(found.files, 'file')}"
