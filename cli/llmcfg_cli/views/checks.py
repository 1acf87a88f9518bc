"""What doctor found as text: one line a check, and below it what to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from llmcfg.model.check import Verdict
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.text import Style, paint, plural, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.check import Check

_STYLES: Final = {Verdict.OK: Style.GREEN, Verdict.WARN: Style.YELLOW, Verdict.FAIL: Style.RED}


def view_checks(checks: Sequence[Check], output: str, *, colour: bool = False) -> str:
    if output == "json":
        counted = Counter(check.verdict for check in checks)
        return to_json(
            "Doctor",
            {
                "summary": {str(verdict): counted[verdict] for verdict in Verdict},
                "items": [
                    {
                        "area": check.area,
                        "check": check.name,
                        "verdict": str(check.verdict),
                        "message": check.text,
                        "hint": check.hint,
                    }
                    for check in checks
                ],
            },
        )
    width = max(len(check.name) for check in checks)
    return "\n".join(line for check in checks for line in _lines(check, width, colour))


def summary(checks: Sequence[Check]) -> str:
    """`14 checks: 1 warning, 1 failure`."""
    counted = Counter(check.verdict for check in checks)
    found = [
        plural(counted[verdict], noun)
        for verdict, noun in ((Verdict.FAIL, "failure"), (Verdict.WARN, "warning"))
        if counted[verdict]
    ]
    return f"{plural(len(checks), 'check')}: {', '.join(found) or 'all is well'}"


def _lines(check: Check, width: int, colour: bool) -> list[str]:
    lines = [
        f"{paint(f'{check.verdict:<4}', _STYLES[check.verdict], colour)}  {check.name:<{width}}  {visible(check.text)}"
    ]
    if check.hint:
        lines.append(f"{'':{width + 8}}{paint('hint:', Style.CYAN, colour)} {visible(check.hint)}")
    return lines
