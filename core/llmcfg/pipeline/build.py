"""Building bundles: select, render, put together. One pass over all targets, so that templates are rendered in one worker."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from llmcfg.model.findings import Finding, Problem
from llmcfg.model.laid import Laid
from llmcfg.model.later import Later
from llmcfg.model.reference import ALL, parse_secret_use
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.builtins.names import is_builtin
from llmcfg.pipeline.bundle import Bundle, Part, make_bundle, make_part
from llmcfg.pipeline.known import (
    KnownFile,
    find_file,
    is_sound,
    learn_file,
    learn_sound,
    name_of,
    name_of_bytes,
)
from llmcfg.pipeline.listing import Listing
from llmcfg.pipeline.recipients import recipient_findings, recipients_of
from llmcfg.pipeline.renderfindings import rendering_finding
from llmcfg.pipeline.secretuse import CIPHERTEXT, ciphertext_in, empty_secret, find_use_fault
from llmcfg.pipeline.select import Selector, secrets_in_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from llmcfg.model.manifest import Consumer, Output
    from llmcfg.model.reference import SecretUse
    from llmcfg.model.target import Target
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.select import Selection
    from llmcfg.pipeline.templates.render import Rendered, Rendering, RenderRequest
    from llmcfg.ports import Cache

_RENDERED: Final = name_of("rendered")
"""Learnt when anything was rendered: the next process then waits with a worker until it knows that it needs one."""


class Built(Struct, frozen=True):
    """The bundles that could be built, by target in the configuration's order, and what is wrong with templates and outputs.

    `opened` are the renderings, by target and output, that are made again with the values of secrets when the bundles are deployed.
    `uses` are the uses of secrets of each target as texts, in documents and templates, also of one that has no bundle.
    """

    bundles: Mapping[Target, Bundle]
    selections: Mapping[Target, Selection]
    findings: tuple[Finding, ...]
    opened: Mapping[Target, Mapping[str, Later[RenderRequest]]] = field(default_factory=dict)
    uses: Mapping[Target, AbstractSet[str]] = field(default_factory=dict)


class _Job(NamedTuple):
    target: Target
    output: Output
    key: tuple[object, ...]
    name: bytes
    request: Later[RenderRequest]


def build(configuration: Configuration, targets: Iterable[Target], names: Collection[str] | None = None) -> Built:
    """The bundles of these targets. A target whose output cannot be rendered has findings and no bundle.

    With `names`, of all documents that are selected bundles hold only these. Outputs are made of all of them.
    """
    with start_build(configuration, targets) as building:
        built = building.finish(names)
    if configuration.memo.disk is not None:
        configuration.memo.disk.keep()
    return built


class Building:
    """A build whose templates are being rendered beside the caller; `finish` waits for them."""

    def __init__(self, configuration: Configuration, rendering: Rendering | None) -> None:
        self._configuration = configuration
        self._rendering = rendering
        self._jobs: list[_Job] = []
        self._wanted: dict[tuple[object, ...], _Job] = {}
        self.selections: dict[Target, Selection] = {}

    def select(self, targets: Iterable[Target]) -> None:
        """Select for these targets, and begin to render what is not remembered."""
        memo = self._configuration.memo
        selector = Selector(memo)
        for target in memo.progress.over("selecting for bundles", targets):
            consumer = self._configuration.consumer(target.consumer)
            effective = self._configuration.effective(target.scope)
            selection = self.selections[target] = selector.select(consumer, effective)
            if selection.is_whole:
                self._jobs += _jobs(self._configuration, target, consumer, effective, selection)
        if memo.disk is not None:
            _recall(memo, memo.disk, self._jobs)
        self._wanted = {job.key: job for job in self._jobs if job.key not in memo.renderings}
        if self._rendering is not None:
            jobs = memo.progress.over("preparing files", self._wanted.values())
            self._rendering.begin(tuple(job.request.get() for job in jobs))

    def finish(self, names: Collection[str] | None = None) -> Built:
        """The bundles; asked for once. `names` as `build` has them."""
        answers = self._rendering.answers() if self._rendering is not None else ()
        memo = self._configuration.memo
        memo.renderings.update(zip(self._wanted, answers, strict=True))
        if memo.disk is not None:
            _remember(memo, memo.disk, self._wanted.values())
        chosen = self.selections
        if names is not None:
            chosen = {target: selection.narrowed(names) for target, selection in chosen.items()}
        return _put_together(self._configuration, chosen, self._jobs)


@contextmanager
def start_build(configuration: Configuration, targets: Iterable[Target]) -> Iterator[Building]:
    """Select for these targets and begin to render. Where nothing was rendered before, the renderer gets ready while they are selected."""
    chosen = tuple(targets)
    configuration.prepare(dict.fromkeys(target.scope for target in chosen))
    if not any(configuration.consumer(target.consumer).outputs for target in chosen):
        building = Building(configuration, None)
        building.select(chosen)
        yield building
        return
    from llmcfg.pipeline.templates.render import Rendering

    files = configuration.layout.templates
    templates = {path: configuration.snapshot.read(entry.oid) for path, entry in files.items()}
    memo = configuration.memo
    is_likely = not memo.renderings and not is_sound(memo.disk, _RENDERED, "render", "templates")
    with Rendering(templates, is_likely=is_likely, progress=memo.progress) as rendering:
        building = Building(configuration, rendering)
        building.select(chosen)
        yield building


def _recall(memo: Memo, disk: Cache, jobs: Iterable[_Job]) -> None:
    """Renderings of earlier processes."""
    from llmcfg.pipeline.templates.request import Rendered

    for job in jobs:
        known = find_file(disk, job.name, job.output.template) if job.key not in memo.renderings else None
        if known is not None:
            memo.renderings[job.key] = Rendered(
                known.text, (), known.file, tuple(known.template_files), tuple(known.secrets)
            )


def _remember(memo: Memo, disk: Cache, jobs: Iterable[_Job]) -> None:
    for job in jobs:
        made: Rendered = memo.renderings[job.key]
        if made.text is not None and not made.problems:
            learn_file(disk, job.name, KnownFile(made.text, made.file, [*made.template_files], [*made.secrets]))
            learn_sound(disk, _RENDERED)


def _put_together(configuration: Configuration, selections: Mapping[Target, Selection], jobs: Sequence[_Job]) -> Built:
    findings: list[Finding] = []
    outputs: dict[Target, dict[str, Part] | None] = {
        target: {} if _has_templates(configuration, target) else None for target in selections
    }
    uses = {target: {*selection.secrets} for target, selection in selections.items()}
    locks: dict[tuple[int, frozenset[str]], Mapping[str, str]] = {}
    opened: dict[Target, dict[str, Later[RenderRequest]]] = {}
    for job in jobs:
        rendered: Rendered = configuration.memo.renderings[job.key]
        named = {*rendered.secrets, *secrets_in_text((rendered.text or b"").decode("utf-8"))}
        findings += _render_findings(configuration, job, rendered, named)
        uses[job.target] |= named
        if job.output.opened:
            opened.setdefault(job.target, {})[job.output.path] = job.request
        made = outputs[job.target]
        if rendered.text is None:
            outputs[job.target] = None
        elif made is not None:
            made[f"files/{job.output.path}"] = _part(configuration, rendered.text)
    bundles: dict[Target, Bundle] = {}
    listing = Listing()
    for target, selection in configuration.memo.progress.over("making bundles", selections.items()):
        made = outputs[target]
        if made is not None and selection.is_whole:
            effective = configuration.effective(target.scope)
            key = (id(effective.secrets), frozenset(uses[target]))
            lock = locks[key] = locks.get(key) or lock_of(effective, uses[target])
            bundles[target] = _bundle(configuration, target, selection, made, lock, listing)
    findings += recipient_findings(configuration, bundles)
    return Built(bundles, selections, tuple(findings), opened, uses)


def _has_templates(configuration: Configuration, target: Target) -> bool:
    """Whether the template of every output is there; one that is not is the consumer's finding."""
    outputs = configuration.consumer(target.consumer).outputs
    return all(_is_there(configuration, output) for output in outputs)


def _is_there(configuration: Configuration, output: Output) -> bool:
    return output.template in configuration.layout.templates or is_builtin(output.template)


def _jobs(
    configuration: Configuration, target: Target, consumer: Consumer, effective: Effective, selection: Selection
) -> Iterable[_Job]:
    if not consumer.outputs:
        return
    layout = configuration.layout
    context = Later(lambda: _context(target, effective, selection))
    documents = tuple(selection.documents.in_order())
    # By identity and type, not by digest: canonical JSON hides the order of keys and tells 2 from 2.0 as little as True from 1.
    read = (
        documents,
        tuple((path, entry.oid) for path, entry in layout.templates.items()),
        repr(sorted(effective.variables.items())),
    )
    digests = [document.digest for document in documents]
    for output in consumer.outputs:
        if _is_there(configuration, output):
            asked = (*target, output.template, output.format, output.opened)
            name = name_of_bytes("rendering", [repr((read[1:], asked)).encode(), *digests])
            yield _Job(target, output, (read, *asked), name, Later(partial(_request, output, context)))


def _context(target: Target, effective: Effective, selection: Selection) -> dict[str, Value]:
    return {
        "config": selection.tree(),
        "environment": target.environment,
        "tenant": target.tenant,
        "consumer": target.consumer,
        "variables": {**effective.variables},
    }


def _request(output: Output, context: Later[dict[str, Value]]) -> RenderRequest:
    from llmcfg.pipeline.templates.request import RenderRequest

    return RenderRequest(output.template, output.format, context.get(), opened=output.opened)


def _render_findings(configuration: Configuration, job: _Job, rendered: Rendered, uses: Iterable[str]) -> list[Finding]:
    problems = list(rendered.problems)
    if rendered.text is not None:
        effective = configuration.effective(job.target.scope)
        for text in sorted(uses):
            problems += _use_problems(parse_secret_use(text), effective)
        problems += [ciphertext_in("the rendered file")] if CIPHERTEXT in rendered.text else []
    at = {"file": rendered.file, "template": job.output.template}
    return [rendering_finding(configuration, problem, job.target, **at) for problem in problems]


def _use_problems(use: SecretUse, effective: Effective) -> Iterator[Problem]:
    """What is wrong with a reference that a rendered file holds."""
    fault = find_use_fault(use, effective)
    if fault is not None:
        hint = did_you_mean(use.name, effective.secrets, fault.hint) if fault.suggests else fault.hint
        yield Problem(fault.rule, f"in the rendered file: {fault.message}", hint=hint)
    elif use.selector == ALL:
        yield Problem("reference-kind", f"the rendered file refers to {str(use)!r}, which is a list",
                      hint="refer to one value, or select a key with this reference and go through its items")  # fmt: skip
    elif (held := effective.held(use)) is not None and not held.is_set:
        yield empty_secret(str(use))


def _bundle(
    configuration: Configuration,
    target: Target,
    selection: Selection,
    outputs: Mapping[str, Part],
    lock: Mapping[str, str],
    listing: Listing,
) -> Bundle:
    opened = [output.path for output in configuration.consumer(target.consumer).outputs if output.opened]
    parts = Laid(outputs, selection.parts.get())
    return make_bundle(target, parts, lock, recipients_of(configuration, target), opened, listing)


def lock_of(effective: Effective, uses: Iterable[str]) -> dict[str, str]:
    """The fingerprints of the ciphertexts that a scope has for these uses of secrets."""
    held = {use: effective.held(parse_secret_use(use)) for use in uses}
    return {use: value.fingerprint for use, value in held.items() if value is not None}


def _part(configuration: Configuration, content: bytes) -> Part:
    known: Part | None = configuration.memo.parts.get(("output", content))
    if known is None:
        known = configuration.memo.parts["output", content] = make_part(content)
    return known
