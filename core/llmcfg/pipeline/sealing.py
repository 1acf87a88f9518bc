"""Sealing an environment's bundles: what is kept sealed as it is, and what has to be sealed with values that only a key opens.

A sealed file is kept for as long as what it was made from is the same: the secret lock and the recipients of its bundle. So a change of
anything else needs no key, and replicas that plan the same state plan the same work. Values are checked before anything is sealed: one that
is missing, empty or still encrypted stops all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.bundlefile.sealed import SECRETS, SealedFile, output_of, source_of
from llmcfg.errors import FindingsError
from llmcfg.model.files import Files, StoredFolder
from llmcfg.model.findings import merge_findings
from llmcfg.model.keypath import format_key_path
from llmcfg.model.reference import parse_secret_use
from llmcfg.pipeline.amending import FEW
from llmcfg.pipeline.bundle import HEAD, head_of, say_sealed
from llmcfg.pipeline.openedoutputs import Wanted, render_opened
from llmcfg.pipeline.secretuse import CIPHERTEXT, ciphertext_in, empty_secret
from llmcfg.pipeline.stored import NOTHING_STORED
from llmcfg.secrets.age import parse_recipient
from llmcfg.secrets.envelope import Content, Context, seal, sealed_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmcfg.bundlefile.sealed import SealedValue
    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Target
    from llmcfg.model.value import Path
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.bundle import Bundle, BundleFiles, SaidOfSealed, SealedFiles, Stamp
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.stored import Stored, StoredBundle
    from llmcfg.pipeline.templates.render import RenderRequest
    from llmcfg.secrets.held import SecretReader


_TWICE: Final = "it was encrypted twice: give the secret its plain value"


class Held(NamedTuple):
    """Where the value of a use stands."""

    entry: BlobEntry
    path: Path


@dataclass(frozen=True, slots=True)
class SealTask:
    """One file to seal. `secrets` are the values that it needs, by the use that takes them; `request` renders an opened output."""

    target: Target
    path: str
    source: str
    recipients: tuple[str, ...]
    secrets: Mapping[str, Held]
    request: RenderRequest | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a deployed ref should hold next, up to what only a key can make: `tasks`. `kept` are the sealed files that stay as they are.

    `manifests` are the digests of all bundles' manifests. `stored` is what it holds now; bundles that are the same in it stay as they are,
    with all that is sealed in them. `bundles` are the others.
    """

    configuration: Configuration
    environment: str
    manifests: Mapping[Target, str]
    bundles: Mapping[Target, Bundle]
    stamp: Stamp
    kept: SealedFiles
    tasks: tuple[SealTask, ...]
    stored: Stored = NOTHING_STORED

    def files(self, sealed: SealedFiles | None = None) -> Files:
        """All files; without `sealed`, those that need no key."""
        revision = self.configuration.snapshot.revision
        said: dict[str, SaidOfSealed] = {}
        folders: dict[str, Mapping[str, bytes]] = {}
        for target in self.manifests:
            folder, bundle = target.folder, self.bundles.get(target)
            if bundle is None:
                said[folder], folders[folder] = self.stored.said_of_sealed(folder), self.stored.files.folders[folder]
            else:
                files = {**self.kept.get(target, {}), **(sealed or {}).get(target, {})}
                said[folder], folders[folder] = say_sealed(files), self._over_stored(folder, bundle.files(files))
        manifests = {target.folder: manifest for target, manifest in self.manifests.items()}
        head = head_of(self.environment, manifests, revision.commit if revision else None, self.stamp, said)
        return Files({HEAD: head}, folders)

    def _over_stored(self, folder: str, files: BundleFiles) -> Mapping[str, bytes]:
        """Where few bundles change, each as what differs from the one that is stored: so most of it is neither read nor written."""
        before = self.stored.files.folders.get(folder)
        if len(self.bundles) > FEW or not isinstance(before, StoredFolder):
            return files
        stored, parts = self.stored.bundles[folder], files.bundle.parts
        own: dict[str, bytes | None] = dict.fromkeys([*(stored.digests.keys() - parts.keys()), *stored.sealed])
        own |= {path: part.content for path, part in parts.items() if stored.digests.get(path) != part.sha256}
        return before.amended({**own, **files.single})

    @property
    def open_paths(self) -> frozenset[str]:
        """The paths whose content is not known yet."""
        return frozenset(f"{task.target.folder}/{task.path}" for task in self.tasks)


def changed_targets(manifests: Mapping[Target, str], stored: Stored) -> tuple[Target, ...]:
    """The targets whose bundle is not the one that is stored, by the digests of all bundles' manifests."""
    return tuple(target for target, manifest in manifests.items() if not stored.has(target.folder, manifest))


def draft(
    configuration: Configuration,
    environment: str,
    manifests: Mapping[Target, str],
    built: Built,
    stamp: Stamp,
    stored: Stored,
) -> Draft:
    """`stored` are the bundles that are deployed now; `built` holds at least those that differ. Needs no key."""
    bundles = {target: built.bundles[target] for target in changed_targets(manifests, stored)}
    kept: dict[Target, dict[str, SealedFile]] = {}
    tasks: list[SealTask] = []
    for target, bundle in bundles.items():
        if not bundle.sealed:
            continue
        before = _sealed_before(stored.bundles.get(target.folder))
        digests = {path: part.sha256 for path, part in bundle.parts.items()}
        for path in bundle.sealed:
            source = source_of(path, digests, bundle.secrets, bundle.recipients)
            known = before.get((path, source))
            if known is not None:
                kept.setdefault(target, {})[path] = known
            else:
                held = _held(configuration, target, bundle)
                later = built.opened.get(target, {}).get(output_of(path)) if path != SECRETS else None
                request = later.get() if later is not None else None
                tasks.append(SealTask(target, path, source, bundle.recipients, held, request))
    return Draft(configuration, environment, manifests, bundles, stamp, kept, tuple(tasks), stored)


def seal_all(draft: Draft, reader: SecretReader) -> SealedFiles:
    """The files that were still to be sealed.

    Raises NotAuthorisedError and IntegrityError that name the secret file, FindingsError for values that no program should get.
    """
    configuration = draft.configuration
    findings: list[Finding] = []
    values: dict[tuple[str, Path], SealedValue] = {}
    for held, targets in _users(draft.tasks).items():
        opened = reader(held.entry.path, configuration.snapshot.read(held.entry.oid))
        leaf = opened.get(held.path)
        value = sealed_value(leaf) if leaf is not None else ""
        values[held.entry.oid, held.path] = value
        findings += _value_findings(configuration, held, value, targets)
    _raise_any(draft, findings)
    sealed: dict[Target, dict[str, SealedFile]] = {}
    tasks = configuration.memo.progress.over("sealing files", draft.tasks)
    for task, content in zip(tasks, _contents(draft, values), strict=True):
        context = Context(task.target, task.path, draft.stamp.sequence, task.source)
        recipients = [parse_recipient(text) for text in task.recipients]
        made = SealedFile(seal(context, content, recipients), draft.stamp.sequence)
        sealed.setdefault(task.target, {})[task.path] = made
    return sealed


def _contents(draft: Draft, values: Mapping[tuple[str, Path], SealedValue]) -> Iterator[Content]:
    """What each task seals. All opened outputs are rendered in one batch, before anything is sealed."""
    taken = [{use: values[held.entry.oid, held.path] for use, held in task.secrets.items()} for task in draft.tasks]
    wanted = [
        Wanted(task.target, task.request, given)
        for task, given in zip(draft.tasks, taken, strict=True)
        if task.request is not None
    ]
    opened = render_opened(draft.configuration, wanted)
    _raise_any(draft, opened.findings)
    texts = iter(opened.texts)
    for task, given in zip(draft.tasks, taken, strict=True):
        yield Content(given) if task.request is None else Content(text=next(texts))


def _raise_any(draft: Draft, findings: Sequence[Finding]) -> None:
    if findings:
        message = f"the secrets of {draft.environment} cannot be sealed"
        raise FindingsError(message, findings=merge_findings(findings))


def _sealed_before(stored: StoredBundle | None) -> dict[tuple[str, str], SealedFile]:
    """The sealed files of a deployed bundle, by path and what they were made from."""
    if stored is None or not stored.sealed:
        return {}
    return {
        (path, source_of(path, stored.digests, stored.secrets, stored.recipients)): file
        for path, file in stored.sealed.items()
    }


def _held(configuration: Configuration, target: Target, bundle: Bundle) -> dict[str, Held]:
    """Where the values of a bundle's lock stand."""
    effective = configuration.effective(target.scope)
    found: dict[str, Held] = {}
    for text in bundle.secrets:
        use = parse_secret_use(text)
        value = effective.held(use)
        if value is not None:
            found[text] = Held(effective.secrets[use.name].entry, value.path)
    return found


def _users(tasks: Iterable[SealTask]) -> dict[Held, set[str]]:
    """Every value that is needed, with the targets that need it."""
    users: dict[Held, set[str]] = {}
    for task in tasks:
        for held in task.secrets.values():
            users.setdefault(held, set()).add(str(task.target))
    return users


def _value_findings(
    configuration: Configuration, held: Held, value: SealedValue, targets: Iterable[str]
) -> Iterable[Finding]:
    name = format_key_path(held.path) or held.entry.path.rpartition("/")[2]
    path = held.path or None
    if value in ("", b""):
        problem = empty_secret(name, path)._replace(written="")
    elif CIPHERTEXT in (value if isinstance(value, bytes) else str(value).encode()):
        problem = ciphertext_in(f"the value of {name}", path)._replace(written="", hint=_TWICE)
    else:
        return []
    return [configuration.locator.in_blob(problem, held.entry, targets)]
