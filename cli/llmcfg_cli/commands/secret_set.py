"""`llmcfg secret set|unset`: change the secrets of one layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg_cli.console import note, out, short_path
from llmcfg_cli.new_values import (
    AsType,
    FromFile,
    FromStdin,
    Generate,
    Length,
    Raw,
    Refused,
    Source,
    check_source,
    read_new_value,
    refuse_values,
)
from llmcfg_cli.options import Directory, Environment, Quiet, SecretFile, SecretName, Tenant
from llmcfg_cli.recording import account
from llmcfg_cli.views.text import plural

if TYPE_CHECKING:
    from llmcfg.custody.changes import Written
    from llmcfg.custody.files import Custody


def set_secret(
    name: SecretName,
    value: Refused = None,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    file: SecretFile = None,
    from_stdin: FromStdin = False,
    from_file: FromFile = None,
    generate: Generate = None,
    length: Length = None,
    raw: Raw = False,
    type_: AsType = "str",
    quiet: Quiet = False,
) -> None:
    """Set a secret in base, or with -e and -t in the overlay of that environment and tenant.

    The value is asked for twice and not shown, or comes from --from-stdin, --from-file or --generate; never from the command line. Only
    its line, mac and lastmodified change in the file. A file that is not there is made by the rules of .sops.yaml. Without a key that
    opens the file the value goes into a drop file beside it, which somebody with a key folds in: llmcfg secret fold.
    """
    from llmcfg.custody.changes import put, put_binary
    from llmcfg.custody.places import BINARY, choose_place, parse_name
    from llmcfg.secrets.amend import leaf_of
    from llmcfg_cli.identities import own_custody

    refuse_values(value)
    path = parse_name(name)
    source = Source(from_stdin, from_file, generate, length, raw)
    check_source(source)
    custody = own_custody(directory)
    place = choose_place(custody.configuration, custody.configuration.own_layer(environment, tenant), path, file)
    if place.is_new:
        custody.rule(place.file)  # what would refuse the value refuses it before it is asked for
    new = read_new_value(source, place.name)
    account().note_value(place.name, new.value)
    if place.file.endswith(BINARY):
        written = put_binary(custody, place.file, new.value)
    else:
        written = put(custody, place.folder, place.file, {place.path: leaf_of(new.value, type_)})
    if new.public:
        out(new.public)
    else:
        out(short_path(custody.root / written.file))
    note(_told(custody, written, place.name), quiet=quiet)


def unset(
    name: SecretName,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    quiet: Quiet = False,
) -> None:
    """Take a secret out of base, or with -e and -t out of the overlay of that environment and tenant.

    A file goes with its last secret. What was pushed stays in Git's history: put another value in its place at its issuer.
    """
    from llmcfg.custody.changes import unset as take_out
    from llmcfg.custody.places import find_own
    from llmcfg_cli.identities import own_custody

    custody = own_custody(directory)
    held = find_own(custody.configuration, environment, tenant, name)
    written = take_out(custody, held)
    out(short_path(custody.root / written.file))
    note(_told(custody, written, held.secret.name), quiet=quiet)


def _told(custody: Custody, written: Written, name: str) -> str:
    match written.outcome:
        case "same":
            return f"{name} has this value already; nothing was written"
        case "made":
            count = len(custody.rule(written.file).recipients)
            return f"{written.file} is encrypted now; .sops.yaml lets {plural(count, 'recipient')} open it"
        case "dropped":
            return (
                f"none of your keys opens the file of {name}, so the value waits in a drop file\n"
                "next: commit it; whoever has a key folds it in with llmcfg secret fold"
            )
        case "removed":
            return f"{written.file} is gone with its last secret"
        case _:
            return ""
