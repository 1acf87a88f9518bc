"""`llmcfg open`: the sealed secrets of a bundle, for the consumer that they are sealed to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import NotFoundError, UsageError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Consumer, Directory, Environment, Quiet, Tenant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.bundlefile.opened import OpenedBundle
    from llmcfg.pipeline.stored import StoredBundle
    from llmcfg.secrets.age import Identity


def open_bundle(
    bundle: Annotated[
        Path | None,
        argument(
            metavar="[BUNDLE]",
            help="The folder of a delivered bundle; without it, -e and -c name a deployed one.",
            show_default=False,
        ),
    ] = None,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    consumer: Consumer = None,
    identity: Annotated[
        list[Path] | None,
        option(
            "--identity",
            "-i",
            metavar="FILE",
            help="The consumer's key file; may be repeated.",
            show_default="where sops looks for keys",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        option("--to", metavar="DIR", help="Write secrets.json and the opened files here.", show_default=False),
    ] = None,
    output: Annotated[Literal["json", "env"], OUTPUT] = "json",
    root: Annotated[
        Path | None,
        option(
            "--root",
            metavar="FILE",
            help="A root of trust: open only what is signed as it demands; of a BUNDLE.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Open what is sealed in a bundle, with the consumer's key: print the secrets, or write them and the opened files to a folder.

    Everything is checked first: digests against head and manifest, and inside each sealed file for which tenant, environment, consumer,
    path and sequence it was sealed. Exits with 5 without a key that fits, 7 where nothing is sealed, 10 for a file that is not what it
    should be.
    """
    from llmcfg.secrets.opened import open_bundle as open_sealed_bundle
    from llmcfg.sinks.delivered import write_opened
    from llmcfg_cli.views.text import plural

    if (bundle is None) == (environment is None or consumer is None):
        raise UsageError(
            "say which bundle to open",
            hint="name its folder, or choose a deployed one with -e ENV, -t TENANT and -c CONSUMER",
        )
    if root is not None:
        _check_signed(bundle, root)
    stored = _delivered(bundle) if bundle else _deployed(directory, str(environment), tenant, str(consumer))
    opened = open_sealed_bundle(stored, _identities(identity))
    if to is not None:
        files = opened.files()
        write_opened(to, files)
        out("\n".join(str(to / path) for path in files))
        return
    out(_as_json(opened) if output == "json" else _as_env(opened, quiet=quiet))
    if opened.outputs:
        note(f"{plural(len(opened.outputs), 'opened file')} not shown; write with --to DIR", quiet=quiet)


def _check_signed(bundle: Path | None, root: Path) -> None:
    from llmcfg_cli.commands.bundle_verify import check

    if bundle is None:
        raise UsageError("--root is for a delivered bundle", hint="name its folder: llmcfg open BUNDLE --root FILE")
    check(bundle, root)


def _delivered(folder: Path) -> StoredBundle:
    from llmcfg.sinks.delivered import read_delivered

    return read_delivered(folder)


def _deployed(directory: Path, environment: str, tenant: str | None, consumer: str) -> StoredBundle:
    """The bundle that an environment runs, from its deployed branch."""
    from llmcfg.model.suggest import did_you_mean
    from llmcfg.model.target import SHARED, Target
    from llmcfg.pipeline.stored import read_bundles
    from llmcfg.sync.deployed import deployed_files, read_deployed
    from llmcfg.wiring import Workspace

    repository = Workspace(directory).repository
    deployed = read_deployed(repository, environment)
    if deployed is None:
        raise NotFoundError(
            f"nothing was ever deployed to {environment}", hint=f"deploy: llmcfg apply -e {environment}"
        )
    bundles = read_bundles(deployed_files(repository, deployed))
    folder = Target(environment, None if tenant == SHARED else tenant, consumer).folder
    if folder not in bundles:
        raise NotFoundError(
            f"{environment} runs no bundle {folder}",
            hint=did_you_mean(folder, bundles, f"it runs {', '.join(bundles)}"),
        )
    return bundles[folder]


def _identities(files: list[Path] | None) -> Sequence[Identity]:
    from llmcfg.secrets.age import read_key_file
    from llmcfg.secrets.guard import forbid_dumps
    from llmcfg_cli.identities import own_identities, passphrase_question

    if not files:
        return own_identities()
    forbid_dumps()
    ask = passphrase_question()
    return [found for file in files for found in read_key_file(file, ask=ask).identities]


def _as_json(opened: OpenedBundle) -> str:
    from llmcfg_cli.views.document import to_json

    target = opened.target._asdict()
    return to_json("OpenedBundle", {"target": target, "secrets": opened.document()})


def _as_env(opened: OpenedBundle, *, quiet: bool) -> str:
    """Variables for the secrets that are text. Raises UsageError when two would have one name."""
    from llmcfg.model.scalartext import scalar_text
    from llmcfg.secrets.envfile import environment_names, write_env

    values = {use: value for use, value in opened.values.items() if not isinstance(value, bytes)}
    names = environment_names(values)
    for variable, uses in names.items():
        if len(uses) > 1:
            raise UsageError(f"{' and '.join(uses)} would both be {variable}", hint="print them with -o json")
    left_out = sorted(opened.values.keys() - values.keys())
    if left_out:
        note(f"left out, since they are no text: {', '.join(left_out)}", quiet=quiet)
    return write_env((variable, scalar_text(values[use])) for variable, (use,) in names.items())
