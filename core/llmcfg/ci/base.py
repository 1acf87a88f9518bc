"""What a change is compared with.

In this order: what was asked for; the target branch that HEAD merges the change into; the commit that the forge names, or the one at which
HEAD left it; the commit at which HEAD left the main branch, or HEAD's own parent where it lies on that branch. A clone that was cut off may
lack any of them: then the next one is taken and a note says so, or an error says how to fetch more. Nothing is ever taken silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.ci.occasion import Occasion
    from llmcfg.git.repository import GitRepository
    from llmcfg.model.snapshot import Revision

_FETCH_MORE: Final = "fetch more of the history (GitHub: fetch-depth: 0 of actions/checkout; GitLab: GIT_DEPTH: 0), or name it: --base REV"
_MAIN_BRANCHES: Final = ("refs/remotes/origin/HEAD", *(
    f"refs/{place}/{name}" for name in ("main", "master") for place in ("remotes/origin", "heads")
))  # fmt: skip


class Base(NamedTuple):
    """`commit` None: there was nothing before. `how` says in words what it is; `notes` what could not be seen.

    `source` is the tip of what is proposed, where HEAD is the forge's own merge of it.
    """

    commit: str | None
    how: str
    notes: tuple[str, ...] = ()
    source: str | None = None


def find_base(repository: GitRepository, head: Revision, occasion: Occasion, asked: str | None) -> Base:
    """Raises UnknownRevisionError for what was asked and is not there, NotFoundError where a clone was cut off too early."""
    if asked is not None:
        return Base(repository.resolve(asked).commit, "as --base says")
    parents = repository.facts(head.commit).parents
    if occasion.source is not None and len(parents) == 2 and parents[1] == occasion.source:
        target = _present(repository, head, parents[0])
        return Base(target, "the target branch, which HEAD merges the change into", source=occasion.source)
    named = _named(repository, head, occasion)
    if named is not None:
        return named
    notes = () if occasion.base is None else (f"{occasion.base[:10]}, the commit before, is not in this clone",)
    return _plain(repository, head, occasion, notes)


def _named(repository: GitRepository, head: Revision, occasion: Occasion) -> Base | None:
    """By the commit that the forge names; None where it names none or that is not here."""
    base = occasion.base
    if base is None or not repository.has_object(base):
        return None
    if occasion.is_exact:
        return Base(base, "the commit before")
    left = repository.merge_base(base, head.commit)
    if left is not None:
        return Base(left, "where the change left its target branch")
    return Base(base, "the target branch", (_cut_off("its target branch"),) if repository.is_shallow else ())


def _plain(repository: GitRepository, head: Revision, occasion: Occasion, notes: tuple[str, ...]) -> Base:
    for ref, tip in _main_tips(repository, occasion.branch):
        left = repository.merge_base(tip, head.commit)
        if left == head.commit:
            break
        if left is not None:
            return Base(left, f"where HEAD left {ref}", notes)
        if repository.is_shallow:
            return Base(tip, ref, (*notes, _cut_off(ref)))
    parents = repository.facts(head.commit).parents
    if not parents:
        return Base(None, "nothing: HEAD is the first commit", notes)
    return Base(_present(repository, head, parents[0]), "the first parent of HEAD", notes)


def _main_tips(repository: GitRepository, branch: str | None) -> Iterator[tuple[str, str]]:
    wanted = (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}") if branch else ()
    for ref in (*wanted, *_MAIN_BRANCHES):
        tip = repository.read_ref(ref)
        if tip is not None and repository.has_object(tip):
            yield ref.removeprefix("refs/remotes/").removeprefix("refs/heads/"), tip


def _present(repository: GitRepository, head: Revision, commit: str) -> str:
    if not repository.has_object(commit):
        raise NotFoundError(f"the history ends at {head.short}: this clone is shallow", hint=_FETCH_MORE)
    return commit


def _cut_off(branch: str) -> str:
    return (
        f"this clone is shallow and does not hold the commit at which the change left {branch}, so it is compared with the "
        "branch as it is now: what came there since then shows as taken back"
    )
