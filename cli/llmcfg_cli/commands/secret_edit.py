"""`llmcfg secret edit`: a secret, or a whole file of them, in an editor."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg_cli.console import note, out, short_path
from llmcfg_cli.declared import argument, option
from llmcfg_cli.identities import own_custody, own_identities
from llmcfg_cli.options import Directory, Environment, Quiet, Tenant
from llmcfg_cli.plaintext import choose_parent, edit_plaintext
from llmcfg_cli.reasons import tell_access

if TYPE_CHECKING:
    from llmcfg.custody.edits import Edit

_ENDINGS = (".yaml", ".yml", ".json", ".env", ".ini", ".age")


def edit(
    target: Annotated[
        str, argument(metavar="TARGET", help="A SOPS file, or the name of a secret.", show_default=False)
    ],
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    on_disk: Annotated[
        bool, option("--on-disk", help="Edit on a disk where there is no folder in memory.", show_default=False)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Edit a secret file, or the value of one secret, with $VISUAL or $EDITOR.

    What is there, has a / or an ending such as .yaml is a file: any SOPS file, or a new one, which is made by the rules of .sops.yaml.
    Anything else is the name of a secret of base, or with -e and -t of that overlay. The plaintext is in memory only, and wiped
    afterwards. In the file only what you change is changed.
    """
    from llmcfg.secrets.plainfolder import memory_folders

    parent = choose_parent(memory_folders(os.environ), on_disk=on_disk)
    place = directory / target
    if place.is_file() or "/" in target or target.endswith(_ENDINGS):
        chosen = _file(place)
    else:
        place, chosen = _value(target, directory, environment, tenant)
    if edit_plaintext(chosen, parent):
        out(short_path(place))
    else:
        note("nothing was changed", quiet=quiet)


def _file(place: Path) -> Edit:
    from llmcfg.clock import now
    from llmcfg.custody.edits import NewFileEdit, editable_type, open_for_edit
    from llmcfg.custody.reveal import Access
    from llmcfg.secrets.creation import Said
    from llmcfg.secrets.names import read_secret_file
    from llmcfg.wiring import find_secrets_home
    from llmcfg_cli.creation import rule_for_file

    home = find_secrets_home(place.parent)
    if not place.exists():
        return NewFileEdit(place, editable_type(place), rule_for_file(str(place), None, Said()), home.lock, now)
    opened = open_for_edit(place, cache(own_identities), home.lock, now, home.root)
    names = tuple(read_secret_file(place.name, opened.before).secrets)
    tell_access(Access(names or ("everything",), (short_path(place),), "editing"))
    return opened


def _value(name: str, directory: Path, environment: str | None, tenant: str | None) -> tuple[Path, Edit]:
    from llmcfg.custody.edits import open_value
    from llmcfg.custody.places import find_own
    from llmcfg.custody.reveal import Access

    custody = own_custody(directory)
    held = find_own(custody.configuration, environment, tenant, name)
    opened = open_value(custody, held)
    tell_access(Access((held.secret.name,), (held.file,), "editing"))
    return custody.root / held.file, opened
