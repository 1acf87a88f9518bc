"""The commit at which a value went bad, as a table or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import plural
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path
    from llmcfg.sync.bisect import Bisection, Tested
    from llmcfg.sync.history import KeyChange

_VALUE_SHOWN = 40


def view_bisection(found: Bisection, key: Path, scope: Scope, output: str, *, colour: bool = False) -> str:
    if output == "json":
        return to_json("Bisection", _payload(found, key, scope))
    rows = [_row(change) for change in found.suspects]
    return table(("COMMIT", "DATE", "AUTHOR", "SUBJECT", "VALUE"), rows, colour=colour)


def headline(found: Bisection) -> str:
    looked = f"{plural(found.changes, 'commit')} changed the value, {plural(len(found.tested), 'value')} tested"
    if found.first_bad:
        return f"{found.first_bad.facts.commit[:10]} is the first bad commit; {looked}"
    return (
        f"the first bad commit is one of these {len(found.suspects)}, since values between them were skipped; {looked}"
    )


def _row(change: KeyChange) -> tuple[str, ...]:
    facts = change.facts
    before = (inline(change.before, _VALUE_SHOWN) or "unset") if change.is_known else "not known"
    value = f"{before} -> {inline(change.after, _VALUE_SHOWN) or 'unset'}"
    return facts.commit[:10], f"{facts.when:%Y-%m-%d %H:%M}", f"{facts.author} <{facts.email}>", facts.subject, value


def _payload(found: Bisection, key: Path, scope: Scope) -> dict[str, Any]:
    return {
        "key": format_key_path(key),
        "environment": scope.environment,
        "tenant": scope.tenant,
        "firstBad": found.first_bad.facts.commit if found.first_bad else None,
        "changes": found.changes,
        "suspects": [_change(change) for change in found.suspects],
        "tested": [_tested(tested) for tested in found.tested],
    }


def _change(change: KeyChange) -> dict[str, Any]:
    facts = change.facts
    return {
        "commit": facts.commit,
        "when": facts.when.isoformat(),
        "author": facts.author,
        "email": facts.email,
        "subject": facts.subject,
        **({} if change.is_known else {"beforeKnown": False}),
        **({} if change.before is ABSENT else {"before": change.before}),
        **({} if change.after is ABSENT else {"after": change.after}),
    }


def _tested(tested: Tested) -> dict[str, Any]:
    return {
        "commit": tested.change.facts.commit if tested.change else None,
        "verdict": tested.verdict.value,
        **({} if tested.value is ABSENT else {"value": tested.value}),
    }
