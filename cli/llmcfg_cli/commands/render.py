"""`llmcfg render`: write bundles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import FindingsError, NotFoundError, UsageError
from llmcfg.model.suggest import did_you_mean
from llmcfg_cli.console import out, out_file, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import At, Consumers, Directory, Environments, ExplainCache, NoCache, Quiet, Tenants

if TYPE_CHECKING:
    from collections.abc import Mapping


def render(
    file: Annotated[
        str | None,
        argument(
            metavar="[FILE]",
            help="Print this one file of one bundle, such as files/config.yaml or config/routing.json.",
            show_default=False,
        ),
    ] = None,
    directory: Directory = Path(),
    environments: Environments = None,
    tenants: Tenants = None,
    consumers: Consumers = None,
    at: At = None,
    to: Annotated[
        Path | None,
        option("--to", metavar="DIR", help="Write the bundles below this folder.", show_default=False),
    ] = None,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    explain_cache: ExplainCache = False,
) -> int:
    """Write the bundles of all targets, or of those chosen, to a folder; or print one file of one bundle.

    Needs no key: secrets stay references. The same revision gives the same bytes on every machine.
    """
    from llmcfg.model.findings import has_blocking
    from llmcfg.pipeline.build import build
    from llmcfg.pipeline.bundle import environment_files
    from llmcfg.pipeline.validate import validate_configuration
    from llmcfg.wiring import choose_targets
    from llmcfg_cli.settings import cached_workspace, note_redone
    from llmcfg_cli.views.text import plural

    if (file is None) == (to is None):
        raise UsageError(
            "say what to write", hint="--to DIR writes bundles, FILE with -e and -c prints one file of one bundle"
        )
    workspace = cached_workspace(directory, cache=not no_cache)
    with progress("rendering", workspace.memo.progress, quiet=quiet):
        configuration = workspace.configuration(at)
        targets = choose_targets(configuration, environments or (), tenants or (), consumers or ())
        findings = [finding for finding in validate_configuration(configuration, targets) if finding.severity.rank == 2]
        built = build(configuration, targets)
    if explain_cache:
        note_redone(workspace)
    if has_blocking(finding for finding in findings if finding.rule_id != "secret-empty"):  # references need no values
        raise FindingsError(
            "nothing is rendered, since there are errors", findings=findings, hint="see llmcfg validate"
        )
    if file is not None:
        if len(targets) != 1:
            raise UsageError(
                f"{file} is asked of {len(targets)} bundles",
                hint="choose one with -e ENV, -t TENANT (or -t _shared) and -c CONSUMER",
            )
        files = built.bundles[targets[0]].files()
        if file not in files:
            known = ", ".join(path for path in files if path.startswith("files/")) or "manifest.json"
            raise NotFoundError(f"{targets[0]} has no file {file!r}", hint=did_you_mean(file, files, f"it has {known}"))
        out_file(files[file])
        return 0
    assert to is not None
    revision = configuration.snapshot.revision
    with progress("writing", quiet=quiet):
        for environment in dict.fromkeys(target.environment for target in targets):
            bundles = {target: bundle for target, bundle in built.bundles.items() if target.environment == environment}
            _write_below(
                to / environment, environment_files(environment, bundles, revision.commit if revision else None)
            )
    out(f"{plural(len(built.bundles), 'bundle')} written to {to}")
    return 0


def _write_below(folder: Path, files: Mapping[str, bytes]) -> None:
    from llmcfg.disk import make_folders, storage_errors, write_all

    placed = {folder / path: content for path, content in files.items()}
    for parent in dict.fromkeys(place.parent for place in placed):
        with storage_errors("make", parent):
            make_folders(parent)
    write_all(placed)
