"""A plan as a file that `apply` can be held to, and as facts for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from llmcfg.canonical import canonical_json
from llmcfg.errors import StalePlanError, UsageError
from llmcfg.pipeline.bundle import API_VERSION, ENGINE

if TYPE_CHECKING:
    from llmcfg.sync.plan import Plan


def save_plan(plan: Plan) -> bytes:
    """The plan as a file that `apply` can be held to. It names digests, not values."""
    saved = {
        "apiVersion": API_VERSION,
        "kind": "Plan",
        "engine": ENGINE,
        "environment": plan.environment,
        "revision": plan.revision.commit,
        "expected": plan.expected.commit if plan.expected else None,
        "root": f"sha256:{plan.root}",
        "affected": list(plan.affected),
    }
    return msgspec.json.format(canonical_json(saved), indent=2) + b"\n"


class SavedPlan(msgspec.Struct, frozen=True):
    """A plan file, read back."""

    apiVersion: str
    kind: str
    engine: str
    environment: str
    revision: str
    expected: str | None
    root: str


def read_plan(content: bytes) -> SavedPlan:
    """Raises UsageError for a file that is no plan."""
    try:
        saved = msgspec.json.decode(content, type=SavedPlan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"this is not a plan file: {error}", hint="make one: llmcfg plan -e ENV -o plan.json"
        ) from None
    if saved.apiVersion != API_VERSION or saved.kind != "Plan":
        raise UsageError(
            f"this is a {saved.kind} of {saved.apiVersion}, not a Plan of {API_VERSION}",
            hint="make one: llmcfg plan -e ENV -o plan.json",
        )
    return saved


def check_saved(saved: SavedPlan, plan: Plan) -> None:
    """Raises StalePlanError unless applying `plan` does exactly what the saved plan said."""
    now = plan.expected.commit if plan.expected else None
    for what, then, found in (
        ("engine", saved.engine, ENGINE),
        ("deployed state", saved.expected, now),
        ("result", saved.root, f"sha256:{plan.root}"),
    ):
        if then != found:
            raise StalePlanError(
                f"the plan is stale: its {what} was {_short(then)}, now it is {_short(found)}",
                hint=f"look again: llmcfg plan -e {plan.environment} -o plan.json",
            )


def _short(text: str | None) -> str:
    return "nothing" if text is None else text.removeprefix("sha256:")[:12]


def to_output(plan: Plan) -> dict[str, Any]:
    """The plan's facts for machine-readable output."""
    return {
        "environment": plan.environment,
        "revision": plan.revision.commit,
        "deployed": plan.expected.source if plan.expected else None,
        "root": f"sha256:{plan.root}",
        "changesDeployed": plan.moves_ref,
        "bundles": plan.bundles,
        "affected": list(plan.affected),
        "quarantined": plan.quarantined,
        "damage": plan.damage,
        "frozenUntil": plan.frozen.until.isoformat() if plan.frozen else None,
        "toSeal": list(plan.to_seal),
        "findings": [
            {"rule": each.rule_id, "severity": str(each.severity), "message": each.message} for each in plan.gates
        ],
        "sinks": [
            {"name": delivery.sink.name, "state": delivery.state, "differing": list(delivery.differing)}
            for delivery in plan.deliveries
        ],
    }
