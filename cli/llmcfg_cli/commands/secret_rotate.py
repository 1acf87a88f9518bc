"""`llmcfg secret rotate|retire`: a new value beside the old one, and the end of the old one."""

from __future__ import annotations

from pathlib import Path

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
from llmcfg_cli.options import Directory, Environment, Quiet, SecretName, Tenant
from llmcfg_cli.recording import account


def rotate(
    name: SecretName,
    value: Refused = None,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    from_stdin: FromStdin = False,
    from_file: FromFile = None,
    generate: Generate = None,
    length: Length = None,
    raw: Raw = False,
    type_: AsType = "str",
    quiet: Quiet = False,
) -> None:
    """Give a secret a new value and keep the old one as NAME@previous, for as long as somebody may still use it.

    The value comes from where llmcfg secret set takes it. References to the secret take the new value; {{secret:NAME@previous}} takes the
    old one, and {{secret:NAME@all}} both, for programs that accept either.
    """
    from llmcfg.custody.changes import rotate as rotated
    from llmcfg.custody.places import find_own
    from llmcfg.secrets.amend import leaf_of
    from llmcfg_cli.identities import own_custody

    refuse_values(value)
    source = Source(from_stdin, from_file, generate, length, raw)
    check_source(source)
    custody = own_custody(directory)
    held = find_own(custody.configuration, environment, tenant, name)
    new = read_new_value(source, held.secret.name)
    account().note_value(held.secret.name, new.value)
    written = rotated(custody, held, leaf_of(new.value, type_))
    out(new.public or short_path(custody.root / written.file))
    note(f"when nothing uses the old value any more: llmcfg secret retire {held.secret.name}", quiet=quiet)


def retire(
    name: SecretName,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    quiet: Quiet = False,
) -> None:
    """End the overlap of a rotation: drop the value before the last one.

    It stays in Git's history: withdraw it at its issuer too.
    """
    from llmcfg.custody.changes import retire as retired
    from llmcfg.custody.places import find_own
    from llmcfg_cli.identities import own_custody

    custody = own_custody(directory)
    held = find_own(custody.configuration, environment, tenant, name)
    written = retired(custody, held)
    out(short_path(custody.root / written.file))
    note("the old value stays in Git's history: withdraw it at its issuer", quiet=quiet)
