"""`llmcfg tag`: name a revision as a release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from llmcfg.errors import FindingsError
from llmcfg_cli.console import has_colour, out, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, At, Directory
from llmcfg_cli.recording import account

if TYPE_CHECKING:
    from llmcfg.model.snapshot import CommitFacts


def tag(
    name: Annotated[
        str | None, argument(metavar="[NAME]", help="The release's name, such as v1.4.0.", show_default=False)
    ] = None,
    directory: Directory = Path(),
    at: At = None,
    message: Annotated[str, option("--message", "-m", help="What the release is.", show_default=False)] = "",
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> None:
    """Make an annotated tag for a revision whose configuration is sound; without a name, list the tags.

    A release never moves: a name that exists for another commit is refused with 6.
    """
    from llmcfg.model.findings import has_blocking
    from llmcfg.pipeline.validate import validate_configuration
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.tables import table

    workspace = cached_workspace(directory, cache=True)
    repository = workspace.repository
    if name is None:
        found = [(known, repository.facts(commit)) for known, commit in sorted(repository.tags().items())]
        if output == "json":
            out(to_json("Tags", {"items": [_payload(known, facts) for known, facts in found]}))
        else:
            rows = [(known, facts.commit[:10], f"{facts.when:%Y-%m-%d}", facts.subject) for known, facts in found]
            out(table(("TAG", "COMMIT", "DATE", "SUBJECT"), rows, colour=has_colour()))
        return
    revision = workspace.resolve(at)
    with progress("validating", workspace.memo.progress):
        findings = validate_configuration(workspace.configuration_at(revision))
    if has_blocking(findings):
        raise FindingsError(
            f"{revision.short} has errors, so it is no release", findings=findings, hint="mend them and commit"
        )
    account().note(commit=revision.commit)
    repository.create_tag(name, revision.commit, message or f"release {name}")
    out(f"{name} is {revision.short}")


def _payload(name: str, facts: CommitFacts) -> dict[str, Any]:
    return {"name": name, "commit": facts.commit, "when": facts.when.isoformat(), "subject": facts.subject}
