"""The root of trust, and what it says of commits, as text or JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import plural, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg.sync.gate import Verdict
    from llmcfg.sync.trusted import Refusal
    from llmcfg.trust.root import Root


def view_root(root: Root, now: datetime, output: Literal["table", "json"]) -> str:
    if output == "json":
        return to_json("Root", {"digest": f"sha256:{root.digest}", "root": msgspec.to_builtins(root)})
    expires = datetime.fromtimestamp(root.expires, UTC)
    left = (expires - now).days
    lines = [
        f"version {root.version}, epoch {root.epoch}, sha256:{root.digest}",
        f"repository {root.repository}",
        f"expires {expires:%Y-%m-%d}" + (f", in {plural(left, 'day')}" if left >= 0 else ": it has expired"),
        "",
        f"{root.threshold} of {plural(len(root.keys), 'key')} changes it:",
        *(f"  {key.fingerprint}  {key.kind}" for key in root.root_keys),
    ]
    return "\n".join([*lines, *_signers(root), *_rules(root), *_environments(root), *_bundles(root)])


def view_verdict(verdict: Verdict, hint: Callable[[Refusal], str], output: Literal["table", "json"]) -> str:
    """Which commits count; `hint` says who has to do what about one that does not."""
    if output == "json":
        refused = [
            {
                "commit": one.facts.commit,
                "author": one.facts.author,
                "code": one.error.code,
                "message": one.error.reason,
                "hint": hint(one),
            }
            for one in verdict.refused
        ]
        return to_json("TrustCheck", {"judged": verdict.judged, "signers": list(verdict.signers), "refused": refused})
    if not verdict.judged:
        return "nothing to judge: all of it was vouched for, or accepted before"
    who = f", signed by {', '.join(map(visible, verdict.signers))}" if verdict.signers else ""
    if not verdict.refused:
        return f"{plural(verdict.judged, 'commit')} to judge{who}: all count"
    lines = [
        f"{len(verdict.refused)} of {plural(verdict.judged, 'commit')} {'does' if len(verdict.refused) == 1 else 'do'} not count:"
    ]
    for one in verdict.refused:
        lines += [
            f"  {one.facts.commit[:10]} {visible(one.facts.author)}: {visible(one.facts.subject)}",
            f"    {one.error.code}: {visible(one.error.reason)}",
            f"    {visible(hint(one))}",
        ]
    return "\n".join(lines)


def view_draft(root: Root, signed: Sequence[str]) -> str:
    """A version that is not published yet, with the fingerprints of those who signed it: what the next one signs."""
    return f"version {root.version}, sha256:{root.digest}, signed by {', '.join(signed)}"


def _signers(root: Root) -> list[str]:
    signers = [*root.committers.by_key.values()]
    rows = [(one.name, _when(one.valid_after), _when(one.valid_before), one.key.fingerprint) for one in signers]
    if not rows:
        return ["", "nobody signs commits: none counts"]
    return ["", table(("SIGNER", "FROM", "UNTIL", "KEY"), rows)]


def _rules(root: Root) -> list[str]:
    rows = [
        (", ".join(rule.paths), str(rule.threshold), ", ".join(rule.signers) or "any signer") for rule in root.rules
    ]
    return ["", table(("PATHS", "TAKE", "OF"), rows)] if rows else []


def _environments(root: Root) -> list[str]:
    rows = [(name, str(rule.threshold), ", ".join(rule.signers)) for name, rule in root.environments.items()]
    return ["", table(("PROMOTED TO", "TAKES", "OF"), rows)] if rows else []


def _bundles(root: Root) -> list[str]:
    if not root.bundle_keys:
        return ["", "bundles are not signed"]
    return [
        "",
        f"{root.bundle_threshold} of {plural(len(root.bundle_keys), 'key')} signs bundles:",
        *(f"  {key.fingerprint}" for key in root.bundle_keys),
    ]


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"
