"""`llmcfg retirements`: models whose last day is near, and what moving on breaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from llmcfg.errors import UsageError
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, AsOf, At, Directory, Environments, Quiet, Tenants

_DAYS: Final = {"": 1, "d": 1, "w": 7}


def retirements(
    directory: Directory = Path(),
    within: Annotated[
        str, option("--within", metavar="TIME", help="How far to look ahead: days (90d) or weeks (12w).")
    ] = "90d",
    environments: Environments = None,
    tenants: Tenants = None,
    at: At = None,
    as_of: AsOf = None,
    output: Annotated[Literal["text", "json"], OUTPUT] = "text",
    quiet: Quiet = False,
) -> None:
    """List models that end soon or have ended, what to move to, and what the move would break.

    What breaks are parameters that the successor refuses, and what it takes, gives or can less. Dates and successors are those of the
    records, else of the catalogue.
    """
    from llmcfg.clock import now
    from llmcfg.pipeline.llmviews import choose_scopes, retirements_of
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.retirements import view_retirements
    from llmcfg_cli.views.text import plural

    days = _days(within)
    day = (as_of or now()).date()
    with reading(directory, "looking at models", quiet=quiet) as workspace:
        configuration = workspace.configuration(at)
        scopes = choose_scopes(configuration, environments or (), tenants or ())
        found = retirements_of(configuration, scopes, day, days)
    out(view_retirements(found, day.isoformat(), days, output, colour=has_colour()))
    if not found and output == "text":
        note(f"no model ends within {plural(days, 'day')} of {day}", quiet=quiet)


def _days(text: str) -> int:
    match = re.fullmatch(r"(\d{1,5})([dw]?)", text)
    if match is None:
        raise UsageError(f"{text!r} is no time", hint="write days or weeks: --within 90d, --within 12w")
    return int(match[1]) * _DAYS[match[2]]
