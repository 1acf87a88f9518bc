"""`llmcfg explain`: where a value comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from llmcfg_cli.console import has_colour, out
from llmcfg_cli.options import OUTPUT, At, Directory, Key, RequiredEnvironment, Tenant

if TYPE_CHECKING:
    from llmcfg.model.snapshot import LineBlame
    from llmcfg.pipeline.explain import Explanation


def explain(
    key: Key,
    environment: RequiredEnvironment,
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    output: Annotated[Literal["text", "json"], OUTPUT] = "text",
) -> None:
    """Show an effective value and every layer that said something about it, in order, with file, line, commit, author and date.

    Also what the value extends and refers to, and where that is defined. The layer that won is marked.
    """
    from llmcfg.model.keypath import parse_key_path
    from llmcfg.pipeline.explain import explain as ask
    from llmcfg.pipeline.readsets import narrowed_by_reads
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.explain import view_explanation

    path = parse_key_path(key)
    with reading(directory, "looking for what says it") as workspace:
        configuration = narrowed_by_reads(workspace.configuration(at))
        scope = configuration.scope(environment, tenant)
        configuration.readable(scope)
        explanation = ask(configuration, scope, path)
        revision, repository = configuration.snapshot.revision, workspace.repository
        origins = [statement.origin for statement in explanation.statements]
        blames = [repository.blame(revision, one.file, [one.line]).get(one.line) for one in origins]
    if output == "json":
        out(to_json("Explanation", _payload(explanation, blames)))
    else:
        out(view_explanation(explanation, blames, colour=has_colour()))


def _payload(explanation: Explanation, blames: list[LineBlame | None]) -> dict[str, Any]:
    from llmcfg.model.change import ABSENT
    from llmcfg.model.keypath import format_key_path

    return {
        "key": format_key_path(explanation.key),
        "environment": explanation.scope.environment,
        "tenant": explanation.scope.tenant,
        "set": explanation.value is not ABSENT,
        **({} if explanation.value is ABSENT else {"value": explanation.value, "written": explanation.written}),
        "layers": [
            {
                "layer": statement.layer,
                "file": statement.origin.file,
                "line": statement.origin.line,
                "column": statement.origin.column,
                "tag": statement.tag,
                "value": statement.value,
                "wins": statement.wins,
                "commit": blame.commit if blame else None,
                "author": blame.author if blame else "",
                "date": blame.when.isoformat() if blame and blame.when else None,
                "subject": blame.subject if blame else "",
            }
            for statement, blame in zip(explanation.statements, blames, strict=True)
        ],
        "links": [
            {"kind": link.kind, "name": link.name, "origin": str(link.origin) if link.origin else None}
            for link in explanation.links
        ],
    }
