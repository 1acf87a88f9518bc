"""`llmcfg lint`: other programs' files, as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg_cli.commands.validate import exit_code
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, AsOf, FailOn, Quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.model.findings import Finding


def lint(
    files: Annotated[
        list[Path], argument(metavar="FILE…", help="The files.", exists=True, dir_okay=False, show_default=False)
    ],
    dialect: Annotated[
        Literal["auto", "litellm", "librechat", "promptfoo", "mcp", "envoy-ai-gateway"],
        option("--format", help="Whose files they are; `auto` tells by their sections."),
    ] = "auto",
    protected: Annotated[
        bool, option("--protected", help="Judge them as what production runs: some findings are worse there.")
    ] = False,
    as_of: AsOf = None,
    catalogue: Annotated[
        Path | None,
        option(
            "--catalogue",
            metavar="FILE",
            help="The model catalogue.",
            exists=True,
            dir_okay=False,
            show_default="the shipped one",
        ),
    ] = None,
    output: Annotated[Literal["table", "json", "sarif", "github", "junit"], OUTPUT] = "table",
    fail_on: FailOn = "error",
    quiet: Quiet = False,
) -> int:
    """Check configuration of LLM programs as it lies there, without a repository of llmcfg.

    The rules are those about LLM platforms ('llmcfg rules' lists them). A comment lets a finding pass:
    `# llmcfg: allow LLM012 until 2027-01-31 because …`. Exits with 4 when a finding is at least as severe as --fail-on.
    """
    from llmcfg.clock import now
    from llmcfg.llm.catalogue.catalogue import Catalogue
    from llmcfg.llm.catalogue.shipped import shipped_catalogue
    from llmcfg.llm.lint import lint as check
    from llmcfg.llm.rules.ground import Ground
    from llmcfg.model.findings import merge_findings
    from llmcfg_cli.views.findings import summary, view_findings

    day = (as_of or now()).date()
    known = Catalogue(catalogue.read_text(encoding="utf-8"), str(catalogue)) if catalogue else shipped_catalogue()
    ground = Ground(day, known)
    found: list[Finding] = []
    for file in files:
        found += check(
            file.read_bytes(),
            str(file),
            ground,
            dialect=dialect,
            is_protected=protected,
            read_beside=_reader_beside(file),
        )
    shown = merge_findings(found)
    out(view_findings(shown, output, colour=has_colour()))
    note(("\n" if shown and output == "table" else "") + summary(shown, len(files)), quiet=quiet)
    return exit_code(shown, fail_on)


def _reader_beside(file: Path) -> Callable[[str], bytes | None]:
    """Reads files that lie in the folder of `file` or below it, which is where includes point."""

    def read(path: str) -> bytes | None:
        place = (file.parent / path).resolve()
        is_below = place.is_relative_to(file.parent.resolve())
        return place.read_bytes() if is_below and place.is_file() else None

    return read
