"""The plan: what deploying a revision to an environment would do. `plan`, `apply --dry-run` and `apply` make the same one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from llmcfg.errors import ConflictError, FindingsError, IntegrityError, StalePlanError, UsageError
from llmcfg.model.findings import has_blocking
from llmcfg.model.rules import Severity
from llmcfg.pipeline.build import build
from llmcfg.pipeline.bundle import API_VERSION, ENGINE, environment_files, root_digest
from llmcfg.pipeline.canonical import canonical_json
from llmcfg.pipeline.diff import NOTHING_DEPLOYED, compare, deployed_state, state_of
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.sync.deployed import cut_to_folders, deployed_files, read_deployed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.model.change import Difference
    from llmcfg.model.manifest import SinkSpec
    from llmcfg.model.snapshot import Revision
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Repository, Sink
    from llmcfg.sync.deployed import Deployed

    MakeSink = Callable[[SinkSpec, str], Sink]

DeliveryState = Literal["current", "empty", "differs"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sink should hold, and how what it does hold compares. `differing` are the paths that differ, sorted."""

    sink: Sink
    root: str
    files: Mapping[str, bytes]
    state: DeliveryState
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`expected` is the deployed state that the plan was made against; applying refuses if it is another by then."""

    environment: str
    revision: Revision
    expected: Deployed | None
    root: str
    files: Mapping[str, bytes]
    difference: Difference
    deliveries: tuple[Delivery, ...]
    bundles: int
    protected: bool
    quarantined: bool

    @property
    def moves_ref(self) -> bool:
        return self.expected is None or self.expected.root != self.root

    @property
    def is_empty(self) -> bool:
        return not self.moves_ref and all(delivery.state == "current" for delivery in self.deliveries)


def make_plan(configuration: Configuration, repository: Repository, environment: str, make_sink: MakeSink) -> Plan:
    """Build the environment and compare it with what is deployed and delivered.

    Raises FindingsError for a configuration with errors in this environment, UsageError for a snapshot that is no commit.
    """
    revision = configuration.snapshot.revision
    if revision is None:
        raise UsageError("only a commit can be deployed", hint="commit the changes first, or name a revision with --at")
    scope = configuration.scope(environment, None)
    targets = [target for target in configuration.targets if target.environment == scope.environment]
    findings = validate_configuration(configuration, targets)
    if has_blocking(findings, Severity.ERROR):
        raise FindingsError(f"{revision.name} has errors, so nothing of it is deployed", findings=findings)
    built = build(configuration, targets)
    deployed = read_deployed(repository, environment)
    files: Mapping[str, bytes] = environment_files(environment, built.bundles, revision.commit)
    if deployed is not None and deployed.root == root_digest(built.bundles):
        files = deployed_files(repository, deployed)
    try:
        before = deployed_state(environment, deployed_files(repository, deployed))
    except IntegrityError:
        before = NOTHING_DEPLOYED
    return Plan(
        environment=environment,
        revision=revision,
        expected=deployed,
        root=root_digest(built.bundles),
        files=files,
        difference=compare(before, state_of(configuration, built, with_scopes=False)),
        deliveries=observe(configuration, environment, files, make_sink),
        bundles=len(built.bundles),
        protected=configuration.manifest.environments[environment].protected,
        quarantined=deployed is not None and revision.commit in deployed.quarantined,
    )


def observe(
    configuration: Configuration, environment: str, files: Mapping[str, bytes], make_sink: MakeSink
) -> tuple[Delivery, ...]:
    """What each sink of the environment should hold of these files, compared with what it does hold."""
    deliveries = []
    for spec, folders in _sinks(configuration, environment).items():
        wanted = cut_to_folders(files, folders)
        sink = make_sink(spec, environment)
        there = sink.observe()
        digests = {path: hashlib.sha256(content).hexdigest() for path, content in wanted.items()}
        differing = tuple(
            sorted(path for path in {*digests, *(there or {})} if digests.get(path) != (there or {}).get(path))
        )
        state: DeliveryState = "current" if not differing else "empty" if there is None else "differs"
        deliveries.append(Delivery(sink, _delivery_root(digests), wanted, state, differing))
    return tuple(deliveries)


def _sinks(configuration: Configuration, environment: str) -> dict[SinkSpec, list[str]]:
    """The environment's sinks, each with the folders of the bundles that it holds."""
    sinks: dict[SinkSpec, list[str]] = {}
    for target in configuration.targets:
        if target.environment == environment:
            specs: Sequence[SinkSpec] = configuration.consumer(target.consumer).sinks or configuration.manifest.sinks
            for spec in specs:
                sinks.setdefault(spec, []).append(target.folder)
    return sinks


def _delivery_root(digests: Mapping[str, str]) -> str:
    """Names exactly these files: a new head over unchanged bundles is a new delivery."""
    return hashlib.sha256(canonical_json(dict(digests))).hexdigest()


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
        "affected": list(plan.difference.affected),
    }
    return msgspec.json.format(canonical_json(saved), indent=2) + b"\n"


class SavedPlan(msgspec.Struct, frozen=True):
    """A plan file, read back."""

    apiVersion: str  # noqa: N815 - the file's own spelling
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
    except msgspec.DecodeError as error:
        raise UsageError(
            f"this is not a plan file: {error}", hint="make one: llmcfg plan -e ENV -o plan.json"
        ) from None
    if saved.apiVersion != API_VERSION or saved.kind != "Plan":
        raise UsageError(f"this is a {saved.kind} of {saved.apiVersion}, not a Plan of {API_VERSION}")
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


def refuse_quarantined(plan: Plan) -> None:
    if plan.quarantined:
        raise ConflictError(
            f"{plan.revision.name} is quarantined in {plan.environment}: it was rolled back",
            hint="deploy a newer revision, or lift the quarantine with --lift-quarantine",
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
        "affected": list(plan.difference.affected),
        "quarantined": plan.quarantined,
        "sinks": [
            {"name": delivery.sink.name, "state": delivery.state, "differing": list(delivery.differing)}
            for delivery in plan.deliveries
        ],
    }
