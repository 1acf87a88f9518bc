"""Two branches that meet: what each of them changes in effect, and where the merge is not what each of them meant (`ci.meetings`).

What counts are effective values of keys in scopes, wherever they are written; what the manifest and the consumers decide beside them; what
the files say that judge changes; and rendered files, where no value tells it. A scope that one branch ends meets only what the other
changes for that scope: what it changes for others too, it means for these. Findings that only the merge has are told too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmcfg.ci.known import split_findings
from llmcfg.ci.met import Sides, decisions_met, guards_met, values_met
from llmcfg.ci.renderings import renderings_met
from llmcfg.ci.sides import compare_sides, examine_side, open_side
from llmcfg.documents.merging import merge_documents
from llmcfg.errors import NotFoundError
from llmcfg.git.edited import EditedSnapshot
from llmcfg.git.mergetree import merge_commits
from llmcfg.model.findings import has_blocking, merge_findings
from llmcfg.model.versions import TextMerge
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.merge import no_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from llmcfg.ci.meetings import Meeting
    from llmcfg.ci.sides import Examined
    from llmcfg.git.mergetree import MergedFiles
    from llmcfg.model.findings import Finding
    from llmcfg.model.impact import Difference
    from llmcfg.model.snapshot import Revision
    from llmcfg.model.value import Path
    from llmcfg.model.versions import Versions
    from llmcfg.pipeline.merge import RuleLookup
    from llmcfg.wiring import Workspace


@dataclass(frozen=True, slots=True)
class FileConflict:
    """A file whose lines Git cannot merge. `keys` are those in conflict; `by_key` says that there are none, and the driver merges it."""

    path: str
    keys: tuple[Path, ...]
    by_key: bool


@dataclass(frozen=True, slots=True)
class MergeCheck:
    """`has_merge` is false where files in conflict, or a manifest that cannot be read, left nothing to look at.

    `changed` is how many values each branch changes.
    """

    base: str
    ours: Revision
    theirs: Revision
    changed: tuple[int, int]
    files: tuple[FileConflict, ...]
    meetings: tuple[Meeting, ...]
    decisions: tuple[Meeting, ...]
    guards: tuple[Meeting, ...]
    renderings: tuple[Meeting, ...]
    secrets: tuple[str, ...]
    findings: tuple[Finding, ...]
    has_merge: bool
    protected: frozenset[str]
    unseen: tuple[str, ...] = field(default=())

    @property
    def is_conflict(self) -> bool:
        met = any(meeting.is_conflict for meeting in (*self.meetings, *self.decisions, *self.guards, *self.renderings))
        return met or bool(self.secrets) or any(not file.by_key for file in self.files)

    @property
    def has_errors(self) -> bool:
        return has_blocking(self.findings)


def check_merge(
    workspace: Workspace, ours: Revision, theirs: Revision, *, as_of: date, environment: Mapping[str, str]
) -> MergeCheck:
    """`environment` is that of the git program. Raises NotFoundError where the two have no common commit here."""
    base = workspace.repository.merge_base(ours.commit, theirs.commit)
    if base is None:
        raise NotFoundError(
            f"{ours.name} and {theirs.name} have no common commit in this clone",
            hint="fetch more of the history (GitHub: fetch-depth: 0 of actions/checkout; GitLab: GIT_DEPTH: 0)",
        )
    before = open_side(workspace, base, as_of)
    mine, yours = (open_side(workspace, one.commit, as_of, before.configuration) for one in (ours, theirs))
    files = merge_commits(workspace.repository.git_dir, environment, ours.commit, theirs.commit)
    solved = {
        path: _by_key(path, versions, _rules(mine, path.removeprefix(workspace.git_folder)))
        for path, versions in files.conflicts.items()
    }
    merged = _examine_merge(workspace, files, solved, Sides(before, mine, yours), as_of)
    readable = merged if merged and merged.configuration else None
    sides = Sides(before, mine, yours, readable)
    compared = [compare_sides(before, side) for side in (mine, yours, readable) if side]
    differences = [difference for difference, _ in compared]
    meetings = values_met(sides, differences)
    return MergeCheck(
        base=base,
        ours=ours,
        theirs=theirs,
        changed=(len(differences[0].values), len(differences[1].values)),
        files=tuple(found for found, _ in solved.values()),
        meetings=meetings,
        decisions=decisions_met(sides, differences),
        guards=guards_met(sides),
        renderings=renderings_met(sides, {scope for meeting in meetings for scope in meeting.where}),
        secrets=_secrets(differences[0], differences[1]),
        findings=_new_findings(merged, mine, yours) if merged else (),
        has_merge=readable is not None,
        protected=frozenset(_protected(before, mine, yours)),
        unseen=tuple(dict.fromkeys(text for _, unseen in compared for text in unseen)),
    )


def _rules(side: Examined, file: str) -> RuleLookup:
    """How the lists of a document merge, as in the driver; a file of another kind has no rules."""
    name = side.configuration.layout.document_at(file) if side.configuration else None
    return side.configuration.merge_rules(name)[1] if side.configuration and name else no_rules


def _by_key(path: str, versions: Versions[bytes], rule_at: RuleLookup) -> tuple[FileConflict, bytes]:
    """The conflict of a file, with what the merge by key makes of it."""
    merged = merge_documents(versions, rule_at, lambda _: TextMerge(b"", is_clean=False))
    keys = tuple(clash.path for clash in merged.clashes)
    return FileConflict(path, keys, by_key=merged.is_clean), merged.content


def _examine_merge(
    workspace: Workspace,
    files: MergedFiles,
    solved: Mapping[str, tuple[FileConflict, bytes]],
    sides: Sides,
    as_of: date,
) -> Examined | None:
    """None where there is no merge, since a file is in conflict or a side cannot be opened."""
    ours, theirs = sides.ours.configuration, sides.theirs.configuration
    if ours is None or theirs is None or any(not found.by_key for found, _ in solved.values()):
        return None
    whole = {**files.changed, **{path: content for path, (_, content) in solved.items()}}
    folder = workspace.git_folder
    changed = {path.removeprefix(folder): content for path, content in whole.items() if path.startswith(folder)}
    read = {path.partition("/")[0] for side in (ours, theirs) for path in side.snapshot.entries}
    wanted = {path: content for path, content in changed.items() if path.partition("/")[0] in read}
    snapshot = EditedSnapshot(ours.snapshot, wanted, "merge")
    return examine_side(lambda: Configuration(snapshot, workspace.memo), as_of, sides.before.configuration)


def _secrets(ours: Difference, theirs: Difference) -> tuple[str, ...]:
    """The names of secrets that both change for one target."""
    sides = [{(one.name, target) for one in side.secrets for target in one.targets} for side in (ours, theirs)]
    return tuple(sorted({name for name, _ in sides[0] & sides[1]}))


def _new_findings(merged: Examined, ours: Examined, theirs: Examined) -> tuple[Finding, ...]:
    return split_findings(merge_findings([*ours.findings, *theirs.findings]), merged.findings, ()).new


def _protected(*sides: Examined) -> Iterator[str]:
    for side in sides:
        if side.configuration is not None:
            yield from (name for name, one in side.configuration.manifest.environments.items() if one.protected)
