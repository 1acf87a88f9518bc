"""The first line of a review, and the sentences that its forms share."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from llmcfg_cli.views.reach import summary
from llmcfg_cli.views.text import clip, plural, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.ci.review import Review
    from llmcfg.model.findings import Finding

_SEVERITIES: Final = ("error", "warning", "note")
_HEADLINE: Final = 300
_ENVIRONMENTS: Final = 6


def headline(review: Review, *, passes: bool) -> str:
    """`pass: 3 values change in 300 bundles (prod, staging); risk high; no new findings, 2 from before`."""
    parts = [what(review), f"risk {review.risk.level}", counted(review)]
    return clip(visible(f"{'pass' if passes else 'fail'}: {'; '.join(parts)}"), _HEADLINE)


def what(review: Review) -> str:
    """What changes, and in which environments."""
    touched = [one.name for one in review.environments if one.is_touched]
    if review.difference.is_empty:
        return "nothing changes in effect" + (", but what judges changes is another" if review.guards else "")
    names = ", ".join(touched[:_ENVIRONMENTS]) + (", …" if len(touched) > _ENVIRONMENTS else "")
    return f"{summary(review.difference)} ({names})" if names else summary(review.difference)


def counted(review: Review) -> str:
    """`1 new error, 2 from before, 1 mended`."""
    parts = [f"new: {severities(review.new)}" if review.new else "no new findings"]
    parts += [f"{len(review.old)} from before"] if review.old else []
    parts += [f"{review.gone} mended"] if review.gone else []
    return ", ".join(parts)


def severities(findings: Sequence[Finding]) -> str:
    """`1 error, 3 warnings`."""
    found = Counter(str(finding.severity) for finding in findings)
    return ", ".join(plural(found[severity], severity) for severity in _SEVERITIES if found[severity])
