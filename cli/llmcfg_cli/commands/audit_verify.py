"""`llmcfg audit verify|prove|checkpoint`: whether a log is as it was written, for who has it and for who has not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg.errors import IntegrityError, UsageError
from llmcfg.model.target import SHARED
from llmcfg_cli.auditing import begun_audit, read_checkpoint, read_proof, read_signer
from llmcfg_cli.console import has_colour, note, out, out_bytes
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Directory, Quiet, Tenant
from llmcfg_cli.views.text import plural


def verify(
    directory: Directory = Path(),
    proof: Annotated[
        Path | None,
        option(
            "--proof", metavar="FILE", help="Check what `audit prove` printed, without the log.", show_default=False
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        option("--checkpoint", metavar="FILE", help="What the proof leads to, as you have it.", show_default=False),
    ] = None,
    since: Annotated[
        Path | None,
        option("--since", metavar="FILE", help="The earlier checkpoint that you have.", show_default=False),
    ] = None,
    signer: Annotated[
        Path | None,
        option("--signer", metavar="FILE", help="The public key that signs checkpoints.", show_default=False),
    ] = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> None:
    """Check every entry of every log, their order, and that the logs go as far as their checkpoints in Git.

    Exits with 10 when something was changed, cut or put in the place of something older, and names the entry. With --proof, check that
    instead, by the checkpoint that it leads to or the key that signs them; it takes no repository.
    """
    if proof is not None:
        _verify_proof(proof, checkpoint, since, signer, output, quiet=quiet)
    elif checkpoint or since or signer:
        raise UsageError("--checkpoint, --since and --signer are about a proof", hint="name that too: --proof FILE")
    else:
        _verify_logs(directory, output, quiet=quiet)


def _verify_logs(directory: Path, output: Literal["table", "json"], *, quiet: bool) -> None:
    from llmcfg.audit.verify import check_logs
    from llmcfg_cli.views.audit import view_checked

    place, _ = begun_audit(directory)
    checked = check_logs(place.root, place.repository)
    if not quiet or output == "json":
        out(view_checked(checked, output, colour=has_colour()))
    count = sum(len(log.problems) for log in checked)
    if count:
        raise IntegrityError(
            f"the audit log is not as it was written: {plural(count, 'problem')}",
            hint="keep it as it is, and compare it with a backup",
        )


def _verify_proof(
    proof: Path,
    checkpoint: Path | None,
    since: Path | None,
    signer: Path | None,
    output: Literal["table", "json"],
    *,
    quiet: bool,
) -> None:
    from llmcfg.audit.proof import Included, check_proof
    from llmcfg_cli.views.audit import view_grown, view_included

    proved = check_proof(
        read_proof(proof),
        checkpoint=read_checkpoint(checkpoint) if checkpoint else None,
        since=read_checkpoint(since) if since else None,
        signer=read_signer(signer) if signer else None,
    )
    if not quiet or output == "json":
        out(view_included(proved, output) if isinstance(proved, Included) else view_grown(proved, output))


def prove(
    entry: Annotated[
        int | None, argument(metavar="ENTRY", min=0, help="The number of an entry.", show_default=False)
    ] = None,
    directory: Directory = Path(),
    tenant: Tenant = None,
    checkpoint: Annotated[
        Path | None,
        option("--checkpoint", metavar="FILE", help="The checkpoint to lead to.", show_default="the newest in Git"),
    ] = None,
    since: Annotated[
        Path | None,
        option("--since", metavar="FILE", help="Prove that the log grew from this one.", show_default=False),
    ] = None,
) -> None:
    """Print a proof that an entry is in a log, or that it only grew since a checkpoint, for who does not have the log.

    They check it with `llmcfg audit verify --proof`.
    """
    from llmcfg.audit.place import Kept, newest_checkpoint
    from llmcfg.audit.proof import encode_proof, prove_entry, prove_growth
    from llmcfg.audit.reading import choose_logs

    if (entry is None) == (since is None):
        raise UsageError("a proof is about one thing", hint="give the number of an entry, or --since FILE")
    place, _ = begun_audit(directory)
    (log,) = choose_logs(place.root, [tenant or SHARED])
    kept = Kept(read_checkpoint(checkpoint)) if checkpoint else newest_checkpoint(place.repository, log.name)
    if entry is not None:
        out_bytes(encode_proof(prove_entry(log, entry, kept)))
    elif since is not None:
        out_bytes(encode_proof(prove_growth(log, read_checkpoint(since), kept)))


def checkpoint(directory: Directory = Path(), quiet: Quiet = False) -> None:
    """Put a checkpoint of every log that grew into Git now, before one is due."""
    place, settings = begun_audit(directory)
    for one in place.trail(settings).checkpoint():
        note(f"{one.log} at {one.size:,}", quiet=quiet)
