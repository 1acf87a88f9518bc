"""`llmcfg key gen|list|show-public`: the private keys that open secrets, and their public halves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import ConflictError, NotAuthorisedError
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.secrets.age.identities import Identity
    from llmcfg.secrets.age.places import Reading

STDOUT = "-"
PRIVATE = 0o600


def gen(
    output: Annotated[
        str | None,
        option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to make; - is stdout.",
            show_default="where sops looks for keys",
        ),
    ] = None,
    pq: Annotated[
        bool, option("--pq", help="Make a post-quantum key (age 1.3 or newer reads it).", show_default=False)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Make a private key (an age identity) in a file that only you can read, and print its public key.

    Without --output it goes where both llmcfg and sops find it: sops/age/keys.txt in your configuration folder. A file that is there is
    never overwritten. Keep a copy in a safe place: what is encrypted to a lost key alone is lost.
    """
    from llmcfg.secrets.age.identities import generate_identity
    from llmcfg.secrets.age.places import default_key_file
    from llmcfg.secrets.guard import forbid_dumps

    forbid_dumps()
    identity = generate_identity(post_quantum=pq)
    if output == STDOUT:
        out(_key_file(identity))
        note(f"public key: {identity.recipient}", quiet=quiet)
        return
    path = Path(output) if output else default_key_file(os.environ, Path.home(), system=sys.platform)
    _write(path, _key_file(identity))
    out(identity.recipient.text)
    note(f"the private key is in {path}; keep a copy in a safe place", quiet=quiet)


def list_places(output: Annotated[Literal["table", "json"], OUTPUT] = "table", quiet: Quiet = False) -> None:
    """List where private keys are found, with their public keys.

    The places are those of sops, after LLMCFG_AGE_KEY and LLMCFG_AGE_KEY_FILE. Commands that print keys are named and not run.
    """
    from llmcfg.secrets.age.places import find_places, read_places
    from llmcfg_cli.views.keys import view_places

    readings = read_places(os.environ, Path.home(), system=sys.platform, run_commands=False)
    out(view_places(readings, output, home=Path.home(), colour=has_colour()))
    _warn(readings, quiet=quiet)
    if not readings:
        looked = ", ".join(str(place) for place in find_places(os.environ, Path.home(), system=sys.platform))
        note(f"no private key was found in {looked}; llmcfg key gen makes one", quiet=quiet)


def show_public(
    file: Annotated[
        Path | None,
        argument(metavar="[FILE]", help="A key file; without it, every key that is found.", show_default=False),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Print public keys, one a line: what others write into .sops.yaml or a manifest so that you can open their secrets."""
    from llmcfg.secrets.age.places import read_key_file, read_places, unique_identities
    from llmcfg_cli.identities import passphrase_question

    if file is not None:
        readings: Sequence[Reading] = (read_key_file(file, ask=passphrase_question()),)
    else:
        readings = read_places(os.environ, Path.home(), system=sys.platform, ask=passphrase_question())
    errors = [reading.error for reading in readings if reading.error is not None]
    if errors:
        raise errors[0]
    identities = unique_identities(readings)
    if not identities:
        raise NotAuthorisedError("no private key was found", hint="llmcfg key gen makes one")
    out("\n".join(identity.recipient.text for identity in identities))
    _warn(readings, quiet=quiet)


def _key_file(identity: Identity) -> str:
    return f"# public key: {identity.recipient}\n{identity.reveal()}\n"


def _write(path: Path, content: str) -> None:
    from llmcfg.disk import make_folders, storage_errors, sync_folder, write_new

    with storage_errors("write", path):
        make_folders(path.parent, mode=0o700)
        try:
            write_new(path, content.encode(), mode=PRIVATE)
        except FileExistsError as error:
            raise ConflictError(
                f"{path} is there already, and a private key that is overwritten is lost",
                hint="choose another file with -o, or add to it what 'llmcfg key gen -o -' prints",
            ) from error
        sync_folder(path.parent)


def _warn(readings: Sequence[Reading], *, quiet: bool) -> None:
    from llmcfg_cli.views.text import visible

    for reading in readings:
        if reading.warning:
            note(f"warning: {visible(reading.warning)}\nhint: {visible(reading.hint)}", quiet=quiet)
