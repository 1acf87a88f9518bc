"""What an environment runs: the branch `deployed/<environment>`, its tip's tree and trailers.

State is Git: the tree is the bundles, the trailers say which revision they were built from, and what is quarantined: the revisions that
were rolled back, and the root digests that they had, since a later revision with the same bundles is the same thing again. Every deployed
commit repeats the quarantine, so that its tip alone is the state.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llmcfg.canonical import canonical_json, digest_of
from llmcfg.errors import IntegrityError, NotFoundError
from llmcfg.model.files import Files
from llmcfg.model.moment import parse_moment
from llmcfg.pipeline.bundle import ENGINE, HEAD, Stamp, stamp_fields
from llmcfg.pipeline.stored import read_head

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.pipeline.stored import Head
    from llmcfg.ports import Repository

SOURCE, APPLIED_BY, QUARANTINED, QUARANTINED_ROOT, ROLLED_BACK, ENGINE_TRAILER, DURING_FREEZE = (
    "Source-Commit",
    "Applied-By",
    "Quarantined",
    "Quarantined-Root",
    "Rolled-Back-From",
    "Engine",
    "During-Freeze",
)
_PREFIX: Final = "refs/heads/deployed/"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_ACTOR_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Deployed:
    """One state of a deployed ref.

    `source` is the commit that its bundles were built from, `root` their root digest; empty when the head cannot be read. `sequence` counts
    the states from 1; 0 when the head has none.
    """

    environment: str
    commit: str
    source: str
    root: str
    when: datetime
    by: str
    quarantined: frozenset[str]
    quarantined_roots: frozenset[str]
    rolled_back_from: str | None
    sequence: int = 0


def deployed_ref(environment: str) -> str:
    return _PREFIX + environment


def deployed_environments(repository: Repository) -> set[str]:
    """The environments that have a deployed ref, whether or not a manifest still names them."""
    return {ref.removeprefix(_PREFIX) for ref in repository.list_refs(_PREFIX)}


def read_deployed(repository: Repository, environment: str) -> Deployed | None:
    """What the environment runs; None if nothing was ever applied. Raises IntegrityError for a ref that llmcfg did not write."""
    ref = deployed_ref(environment)
    commit = repository.read_ref(ref)
    if commit is None:
        return None
    deployed = _deployed(repository, environment, repository.facts(commit))
    if deployed is None:
        last = next(deployed_history(repository, environment), None)
        way_out = (
            f"git update-ref {ref} {last.commit} {commit}" if last else f"git branch -m deployed/{environment} other"
        )
        raise IntegrityError(
            f"deployed/{environment} at {commit[:10]} was not written by llmcfg: it has no {SOURCE}",
            hint=f"see who wrote it: git log deployed/{environment}; {'go back' if last else 'move it away'} with {way_out}, "
            f"then: llmcfg apply -e {environment}",
        )
    return deployed


def deployed_history(repository: Repository, environment: str) -> Iterator[Deployed]:
    """All states of a deployed ref, newest first; commits that llmcfg did not write are no states of it."""
    commit = repository.read_ref(deployed_ref(environment))
    if commit is not None:
        for facts in repository.history(commit):
            deployed = _deployed(repository, environment, facts)
            if deployed is not None:
                yield deployed


def find_deployed(repository: Repository, environment: str, wanted: str) -> Deployed:
    """The newest state that `wanted` names: a tag, branch, revision or time, of the source or of the deployed ref itself.

    A time means what ran then. Raises NotFoundError if it never ran, UnknownRevisionError if there is no such thing.
    """
    moment = None if _is_name(repository, wanted) else parse_moment(wanted)
    commit = repository.resolve(wanted).commit if moment is None else ""
    for deployed in deployed_history(repository, environment):
        if commit in (deployed.source, deployed.commit) if moment is None else deployed.when <= moment:
            return deployed
    how = "" if moment else f"; or deploy it: llmcfg apply -e {environment} --at {wanted}"
    raise NotFoundError(
        f"{environment} never ran {wanted!r}" if moment is None else f"{environment} ran nothing yet at {wanted}",
        hint=f"see what it ran: llmcfg history -e {environment} --deployed{how}",
    )


def deployed_files(repository: Repository, deployed: Deployed | None) -> Files:
    return Files({}, {}) if deployed is None else repository.read_files(deployed.commit)


def commit_message(
    subject: str,
    *,
    source: str,
    actor: str,
    quarantined: Collection[str],
    quarantined_roots: Collection[str] = (),
    rolled_back_from: str | None = None,
    during_freeze: str = "",
) -> str:
    """The message of a deployed commit. `actor` is whatever Git's configuration says; it cannot break out of its line."""
    trailers = [(SOURCE, source), (ENGINE_TRAILER, ENGINE), (APPLIED_BY, _one_line(actor) or "unknown")]
    if during_freeze:
        trailers.append((DURING_FREEZE, _one_line(during_freeze)))
    if rolled_back_from:
        trailers.append((ROLLED_BACK, rolled_back_from))
    trailers += [(QUARANTINED, commit) for commit in sorted(quarantined)]
    trailers += [(QUARANTINED_ROOT, f"sha256:{root}") for root in sorted(quarantined_roots)]
    return subject + "\n\n" + "".join(f"{name}: {value}\n" for name, value in trailers)


def cut_to_folders(files: Files, folders: Collection[str]) -> Files:
    """The files of some bundles of an environment, under a head of their own: what a sink of only these consumers holds."""
    head = read_head(files.top)
    bundles = {folder: said for folder, said in head.bundles.items() if folder in folders}
    if len(bundles) == len(head.bundles):
        return files
    root = digest_of({folder: said.removeprefix("sha256:") for folder, said in bundles.items()})
    said = json.loads(files.top[HEAD])
    sealed = said.get("sealed")
    said |= {"bundles": bundles, "root": f"sha256:{root}", "previous": None}
    said |= {"sealed": sealed and {folder: of_it for folder, of_it in sealed.items() if folder in bundles}}
    return Files(
        _with_head(files, said), {folder: files.folders[folder] for folder in bundles if folder in files.folders}
    )


def stamp_anew(files: Files, stamp: Stamp) -> Files:
    """Files that were deployed before, as the next state: what was sealed stays sealed for the state that it was sealed in."""
    return Files(_with_head(files, {**json.loads(files.top[HEAD]), **stamp_fields(stamp)}), files.folders)


def _with_head(files: Files, said: Mapping[str, Any]) -> Mapping[str, bytes]:
    return {**files.top, HEAD: canonical_json(said) + b"\n"}


def next_stamp(repository: Repository, deployed: Deployed | None) -> Stamp:
    """The stamp of the state that follows. States whose head cannot be read count too, so that no sequence comes twice."""
    if deployed is None:
        return Stamp(1, None)
    passed = 0
    for before in deployed_history(repository, deployed.environment):
        if before.root:
            return Stamp(before.sequence + passed + 1, deployed.root or None)
        passed += 1
    return Stamp(passed + 1, None)


def _deployed(repository: Repository, environment: str, facts: CommitFacts) -> Deployed | None:
    trailers = dict(facts.trailers)
    if not _COMMIT.fullmatch(trailers.get(SOURCE, "")):
        return None
    head = _head(repository, facts.commit)
    return Deployed(
        environment=environment,
        commit=facts.commit,
        source=trailers[SOURCE],
        root=head.root.removeprefix("sha256:") if head else "",
        when=facts.when,
        by=trailers.get(APPLIED_BY, facts.author),
        quarantined=frozenset(value for name, value in facts.trailers if name == QUARANTINED),
        quarantined_roots=frozenset(
            value.removeprefix("sha256:") for name, value in facts.trailers if name == QUARANTINED_ROOT
        ),
        rolled_back_from=trailers.get(ROLLED_BACK),
        sequence=(head.sequence if head else None) or 0,
    )


def _head(repository: Repository, commit: str) -> Head | None:
    """The head of a deployed commit; None when it cannot be read."""
    try:
        return read_head({HEAD: repository.read_file(commit, HEAD) or b""})
    except IntegrityError:
        return None


def _is_name(repository: Repository, text: str) -> bool:
    """Whether a tag or branch is called like that; it comes before a time, as in `Repository.resolve`."""
    return text in repository.tags() or repository.read_ref(f"refs/heads/{text}") is not None


def _one_line(text: str) -> str:
    """Without line breaks of any kind, control and invisible characters, and cut, since it comes from outside."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:_ACTOR_CHARACTERS].rstrip()
