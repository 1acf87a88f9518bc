"""What answers stand on: the work tree, what Git says about it, the program that gave the answer, and for a plan what is deployed.

A plan that finds nothing to do says so of refs, of the work tree and of what lies in the sinks. Where all of these are files, they tell
when to look again.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Protocol

from llmcfg.cache.engine import changing_files
from llmcfg.cache.stamp import keep_answer
from llmcfg.filefacts import TICK_NS, facts_of, were_settled
from llmcfg.git.worksnapshot import WorkTreeSnapshot
from llmcfg.limits import CACHE_STAMPS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from llmcfg.filefacts import Facts
    from llmcfg.git.repository import GitRepository
    from llmcfg.model.manifest import SinkSpec, Track
    from llmcfg.ports import Snapshot
    from llmcfg.sync.plan import Plan


class Grounded(Protocol):
    """A repository, which may have to be opened to say what answers stand on."""

    @property
    def git_dir(self) -> Path: ...

    def ground(self) -> Sequence[Path] | None: ...


_MOST_FILES: Final = 100_000
"""In sinks. Asking for the facts of more takes longer than anybody waits for an answer that is given at once."""


def remember(
    root: Path,
    question: str,
    answer: tuple[str, str],
    *,
    repository: Grounded,
    snapshot: Snapshot,
    program: Path,
    began_ns: int,
    places: Iterable[Path] = (),
) -> None:
    """Stamp an answer below `root`, so that the question is answered at once until something changes.

    `snapshot` is what was asked about, and so is what lies in `places`, or does not. `program` is the folder of who asks, and `began_ns`
    when it began to answer. Only answers about the work tree are stamped, and none while anything changed lately: that may change again
    without a trace.
    """
    if not isinstance(snapshot, WorkTreeSnapshot) or snapshot.newest_ns >= began_ns - TICK_NS:
        return
    ground = repository.ground()
    if ground is None:
        return
    asked = [*ground, *places]
    absent = [str(path) for path in asked if not path.exists()]
    there = ((str(path), path.stat()) for path in asked if path.exists())
    beside = {path: facts_of(found) for path, found in chain(changing_files(program), there)}
    present = {**beside, **snapshot.stood_on}
    if _were_settled(beside, began_ns):
        keep_answer(
            str(root), question, answer,
            of=str(repository.git_dir), present=present, absent=absent, most=CACHE_STAMPS,
        )  # fmt: skip


def places_of(
    plan: Plan, repository: GitRepository, track: Track, sinks: Collection[SinkSpec], delivery_root: Path | None
) -> Sequence[Path] | None:
    """What a plan that has nothing to do stands on beside the work tree, there or not.

    `track` is how its revision was chosen, `sinks` are all that the environment has: one that is not there may come. None where the plan
    stands on more than files: on who signed, on the clock, on other machines and programs, or on its being put on record.
    """
    from llmcfg.audit.settings import FOLDER as AUDIT
    from llmcfg.sinks.directory import DirectorySink
    from llmcfg.sync.demand import FOLDER as TRUST

    not_there = [repository.state_folder / name for name in (AUDIT, TRUST)]
    is_idle = plan.is_empty and not plan.quarantined and len(plan.deliveries) == len(sinks)
    if not is_idle or track.revision is not None or any(path.exists() for path in not_there):
        return None
    found = [*not_there, *repository.refs_ground()]
    for delivery in plan.deliveries:
        below = delivery.sink.stands_on() if isinstance(delivery.sink, DirectorySink) else None
        if below is None or delivery_root is None or delivery.sink.folder is None:
            return None
        found += (above for above in delivery.sink.folder.parents if above.is_relative_to(delivery_root))
        found += islice(below, _MOST_FILES)
    return found if len(found) < _MOST_FILES else None


def _were_settled(facts: Mapping[str, Facts], began_ns: int) -> bool:
    return all(were_settled(each, began_ns) for each in facts.values())
