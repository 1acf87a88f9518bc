"""What an environment runs: the branch `deployed/<environment>`, its tip's tree and trailers.

State is Git: the tree is the bundles, the trailers say which revision they were built from, and which revisions are quarantined.
Every deployed commit repeats the quarantine, so that its tip alone is the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmcfg.errors import IntegrityError, NotFoundError, UnknownRevisionError
from llmcfg.pipeline.bundle import ENGINE, HEAD
from llmcfg.pipeline.canonical import canonical_json, digest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.ports import Repository

SOURCE, APPLIED_BY, QUARANTINED, ROLLED_BACK, ENGINE_TRAILER = (
    "Source-Commit",
    "Applied-By",
    "Quarantined",
    "Rolled-Back-From",
    "Engine",
)
_PREFIX: Final = "refs/heads/deployed/"


@dataclass(frozen=True, slots=True)
class Deployed:
    """One state of a deployed ref. `source` is the commit that its bundles were built from, `root` their root digest."""

    environment: str
    commit: str
    source: str
    root: str
    when: datetime
    by: str
    quarantined: frozenset[str]
    rolled_back_from: str | None


def deployed_ref(environment: str) -> str:
    return _PREFIX + environment


def read_deployed(repository: Repository, environment: str) -> Deployed | None:
    """What the environment runs; None if nothing was ever applied. Raises IntegrityError for a ref that llmcfg did not write."""
    commit = repository.read_ref(deployed_ref(environment))
    return None if commit is None else _deployed(repository, environment, repository.facts(commit))


def deployed_history(repository: Repository, environment: str) -> Iterator[Deployed]:
    """All states of a deployed ref, newest first."""
    commit = repository.read_ref(deployed_ref(environment))
    if commit is not None:
        for facts in repository.history(commit):
            yield _deployed(repository, environment, facts)


def find_deployed(repository: Repository, environment: str, wanted: str) -> Deployed:
    """The newest earlier state that `wanted` names: a tag, revision or time, of the source or of the deployed ref itself.

    A time means what ran then. Raises NotFoundError if it never ran.
    """
    try:
        commit = repository.resolve(wanted).commit
    except UnknownRevisionError:
        commit = ""
    moment = _parse_time(wanted)
    for deployed in deployed_history(repository, environment):
        if moment is not None and deployed.when <= moment:
            return deployed
        if moment is None and commit in (deployed.source, deployed.commit):
            return deployed
    if moment is None and not commit:
        repository.resolve(wanted)
    raise NotFoundError(
        f"{environment} never ran {wanted!r}",
        hint=f"see what it ran: llmcfg log -e {environment} --deployed; or deploy it: llmcfg apply -e {environment} --at {wanted}",
    )


def deployed_files(repository: Repository, deployed: Deployed | None) -> Mapping[str, bytes]:
    return {} if deployed is None else repository.read_tree(deployed.commit)


def commit_message(
    subject: str, *, source: str, actor: str, quarantined: Collection[str], rolled_back_from: str | None = None
) -> str:
    trailers = [(SOURCE, source), (ENGINE_TRAILER, ENGINE), (APPLIED_BY, actor)]
    if rolled_back_from:
        trailers.append((ROLLED_BACK, rolled_back_from))
    trailers += [(QUARANTINED, commit) for commit in sorted(quarantined)]
    return subject + "\n\n" + "".join(f"{name}: {value}\n" for name, value in trailers)


def cut_to_folders(files: Mapping[str, bytes], folders: Collection[str]) -> dict[str, bytes]:
    """The files of some bundles of an environment, under a head of their own: what a sink of only these consumers holds."""
    head = _read_head(files)
    bundles = {folder: said for folder, said in head["bundles"].items() if folder in folders}
    if len(bundles) == len(head["bundles"]):
        return dict(files)
    root = digest_of({folder: said.removeprefix("sha256:") for folder, said in bundles.items()})
    kept = {path: content for path, content in files.items() if "/".join(path.split("/")[:2]) in bundles}
    kept[HEAD] = canonical_json({**head, "bundles": bundles, "root": f"sha256:{root}"}) + b"\n"
    return dict(sorted(kept.items()))


def root_of(files: Mapping[str, bytes]) -> str:
    """The root digest that the files' head names."""
    return str(_read_head(files)["root"]).removeprefix("sha256:")


def _deployed(repository: Repository, environment: str, facts: CommitFacts) -> Deployed:
    trailers = dict(facts.trailers)
    if SOURCE not in trailers:
        raise IntegrityError(
            f"deployed/{environment} at {facts.commit[:10]} was not written by llmcfg: it has no {SOURCE}",
            hint=f"see who wrote it: git log deployed/{environment}",
        )
    return Deployed(
        environment=environment,
        commit=facts.commit,
        source=trailers[SOURCE],
        root=root_of({HEAD: repository.read_tree(facts.commit).get(HEAD, b"")}),
        when=facts.when,
        by=trailers.get(APPLIED_BY, facts.author),
        quarantined=frozenset(value for name, value in facts.trailers if name == QUARANTINED),
        rolled_back_from=trailers.get(ROLLED_BACK),
    )


def _read_head(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        head: dict[str, Any] = msgspec.json.decode(files[HEAD], type=dict[str, Any])
        if not isinstance(head["bundles"], dict) or not isinstance(head["root"], str):
            raise TypeError
    except (KeyError, TypeError, msgspec.DecodeError):
        raise IntegrityError(f"the bundles have no readable {HEAD}", hint="deploy again: llmcfg apply") from None
    return head


def _parse_time(text: str) -> datetime | None:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
