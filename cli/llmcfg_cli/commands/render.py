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
    from collections.abc import Mapping, Sequence

    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Target
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.configuration import Configuration


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
    from llmcfg.pipeline.onedocument import find_sound_document
    from llmcfg.wiring import choose_targets, now
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
        is_one = file is not None and at is None and len(targets) == 1
        content = find_sound_document(configuration, targets[0], file or "", now().date()) if is_one else None
        errors, built = _build(configuration, targets) if content is None else ((), None)
    if explain_cache:
        note_redone(workspace)
    if has_blocking(error for error in errors if error.rule_id != "secret-empty"):  # references need no values
        raise FindingsError("nothing is rendered, since there are errors", findings=errors, hint="see llmcfg validate")
    if built is None:
        out_file(content or b"")
        return 0
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
    from llmcfg.pipeline.bundle import environment_files

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


def _build(configuration: Configuration, targets: Sequence[Target]) -> tuple[Sequence[Finding], Built]:
    """With the errors that are found."""
    from llmcfg.pipeline.build import build
    from llmcfg.pipeline.validate import validate_configuration

    errors = [finding for finding in validate_configuration(configuration, targets) if finding.severity.rank == 2]
    return errors, build(configuration, targets)


def _write_below(folder: Path, files: Mapping[str, bytes]) -> None:
    from llmcfg.disk import make_folders, storage_errors, write_all

    placed = {folder / path: content for path, content in files.items()}
    for parent in dict.fromkeys(place.parent for place in placed):
        with storage_errors("make", parent):
            make_folders(parent)
    write_all(placed)
