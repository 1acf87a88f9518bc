"""`llmcfg history`: what changed in effect, when and by whom."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar

from llmcfg.errors import NotFoundError, UsageError
from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, At, Directory, Environment, NoCache, Tenant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.wiring import Workspace

T = TypeVar("T")


class Rows(NamedTuple):
    """`cut` says why there are no more, where there should be."""

    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    items: list[dict[str, Any]]
    cut: NotFoundError | None = None


def history(
    key: Annotated[
        str | None,
        argument(
            metavar="[KEY]",
            help="Only commits at which this key's value changed.",
            completes="keys",
            show_default=False,
        ),
    ] = None,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    at: At = None,
    deployed: Annotated[bool, option("--deployed", help="What the environment ran.", show_default=False)] = False,
    count: Annotated[int, option("--max", "-n", min=1, help="How many to show.")] = 20,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    no_cache: NoCache = False,
) -> None:
    """Show the commits that changed something in effect, newest first.

    With a KEY (and -e): the commits at which its effective value changed in that environment, whichever file did it. With --deployed
    (and -e): what the environment ran, from when, and who applied it. In a shallow clone it shows what is there, and ends with 7 where
    something is missing.
    """
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.tables import table

    workspace = cached_workspace(directory, cache=not no_cache)
    if environment is None and (deployed or key):
        raise UsageError("say which environment", hint="add -e ENV")
    with progress("looking back", workspace.memo.progress):
        if deployed:
            found = _deployments(workspace, str(environment), count)
        elif key:
            found = _key_changes(workspace, key, (str(environment), tenant), at, count)
        else:
            found = _commits(workspace, environment, at, count)
        if workspace.cache is not None:
            workspace.cache.keep()
    if output == "json":
        out(to_json("History", {"items": found.items}))
    else:
        out(table(found.headings, found.rows, colour=has_colour()))
    if found.cut is not None:
        raise found.cut
    if output == "table" and not found.rows:
        note("nothing changed")


def _key_changes(workspace: Workspace, key: str, names: tuple[str, str | None], at: str | None, count: int) -> Rows:
    from llmcfg.model.change import ABSENT
    from llmcfg.model.keypath import parse_key_path
    from llmcfg.sync.history import key_history
    from llmcfg_cli.views.values import inline

    start = workspace.resolve(at)
    configuration, path = workspace.configuration_at(start), parse_key_path(key)
    scope = configuration.scope(*names)
    counts = workspace.memo.progress
    changes = key_history(workspace.repository, workspace.configuration_at, start, scope, path, progress=counts)
    found, cut = _until_cut(changes, count)
    if not found:
        configuration.readable(scope).value_at(path)  # says so if there is no such key
    rows = [
        (
            *_facts(change.facts),
            f"{(inline(change.before, 40) or 'unset') if change.is_known else 'not known'} -> "
            f"{inline(change.after, 40) or 'unset'}",
        )
        for change in found
    ]
    items = [
        _item(change.facts)
        | ({} if change.is_known else {"beforeKnown": False})
        | ({} if change.before is ABSENT else {"before": change.before})
        | ({} if change.after is ABSENT else {"after": change.after})
        for change in found
    ]
    return Rows(("COMMIT", "DATE", "AUTHOR", "SUBJECT", "VALUE"), rows, items, cut)


def _commits(workspace: Workspace, environment: str | None, at: str | None, count: int) -> Rows:
    from llmcfg.sync.effects import Remembered
    from llmcfg.sync.history import commit_history

    start = workspace.resolve(at)
    if environment is not None:
        workspace.configuration_at(start).scope(environment, None)
    tags: dict[str, list[str]] = {}
    for name, commit in workspace.repository.tags().items():
        tags.setdefault(commit, []).append(name)
    remembered = Remembered(workspace.cache, workspace.git_folder)
    changes = commit_history(workspace.repository, workspace.configuration_at, start, environment, remembered)
    found, cut = _until_cut(workspace.memo.progress.over("looking at commits", changes), count)
    rows = [
        (*_facts(change.facts), ", ".join(tags.get(change.facts.commit, ())), _effect(change.values))
        for change in found
    ]
    items = [
        _item(change.facts)
        | {
            "tags": tags.get(change.facts.commit, []),
            "values": change.values,
        }
        for change in found
    ]
    return Rows(("COMMIT", "DATE", "AUTHOR", "SUBJECT", "TAGS", "EFFECT"), rows, items, cut)


def _until_cut(changes: Iterable[T], count: int) -> tuple[list[T], NotFoundError | None]:
    """As many as there are, and what a shallow clone that ends before them says."""
    found: list[T] = []
    try:
        for change in islice(changes, count):
            found.append(change)  # `extend` would lose them
    except NotFoundError as error:
        return found, error
    return found, None


def _deployments(workspace: Workspace, environment: str, count: int) -> Rows:
    from llmcfg.sync.deployed import deployed_history

    workspace.configuration("HEAD").scope(environment, None)
    found = list(islice(deployed_history(workspace.repository, environment), count))
    rows = [
        (
            state.commit[:10],
            f"{state.when:%Y-%m-%d %H:%M}",
            state.source[:10],
            state.root[:12],
            state.by,
            f"rolled back from {state.rolled_back_from[:10]}" if state.rolled_back_from else "",
        )
        for state in found
    ]
    items: list[dict[str, Any]] = [
        {
            "commit": state.commit,
            "when": state.when.isoformat(),
            "source": state.source,
            "root": f"sha256:{state.root}",
            "by": state.by,
            "rolledBackFrom": state.rolled_back_from,
        }
        for state in found
    ]
    return Rows(("DEPLOYED", "WHEN", "SOURCE", "ROOT", "BY", ""), rows, items)


def _facts(facts: CommitFacts) -> tuple[str, str, str, str]:
    return facts.commit[:10], f"{facts.when:%Y-%m-%d}", facts.author, facts.subject


def _item(facts: CommitFacts) -> dict[str, Any]:
    return {"commit": facts.commit, "when": facts.when.isoformat(), "author": facts.author, "subject": facts.subject}


def _effect(values: int | None) -> str:
    from llmcfg_cli.views.text import plural

    if values is None:
        return "-"
    return plural(values, "value") if values else "none"
