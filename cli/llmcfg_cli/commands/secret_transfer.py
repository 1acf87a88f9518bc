"""`llmcfg secret copy|import|export`: secrets from one place to another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import UsageError
from llmcfg_cli.console import ask, has_colour, note, out, out_bytes, short_path, table_width
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Directory, Environment, Quiet, SecretFile, SecretName, Tenant, Yes
from llmcfg_cli.reasons import Reason, reason_for, tell_access

if TYPE_CHECKING:
    from llmcfg.model.value import Path as KeyPath
    from llmcfg.secrets.envfile import Variable

STDIN = "-"


def copy(
    name: SecretName,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    to_env: Annotated[
        str | None,
        option(
            "--to-env",
            metavar="ENV",
            help="The environment to copy to.",
            completes="environments",
            show_default="that of -e",
        ),
    ] = None,
    to_tenant: Annotated[
        str | None,
        option(
            "--to-tenant",
            metavar="TENANT",
            help="The tenant to copy to.",
            completes="tenants",
            show_default="that of -t",
        ),
    ] = None,
    to_base: Annotated[bool, option("--to-base", help="Copy to base.", show_default=False)] = False,
    new_name: Annotated[
        str | None, option("--as", metavar="NAME", help="The name of the copy.", show_default="NAME")
    ] = None,
    file: SecretFile = None,
    yes: Yes = False,
    quiet: Quiet = False,
) -> None:
    """Copy a secret to another environment, tenant or name without showing it: -e dev --to-env prod.

    With -e, the value that the environment uses is copied, whichever layer it comes from. The copy goes into the overlay of the
    environment and tenant that are named. One that is there already is only replaced when you say so.
    """
    from llmcfg.custody.places import choose_place, find_held, parse_name, read_name
    from llmcfg.custody.transfer import check_copy
    from llmcfg.custody.transfer import copy as copied
    from llmcfg.model.keypath import format_key_path
    from llmcfg_cli.identities import own_custody

    if to_base and (to_env or to_tenant):
        raise UsageError("--to-base names another place than --to-env and --to-tenant", hint="give one of them")
    custody = own_custody(directory)
    configuration = custody.configuration
    source = find_held(configuration, environment, tenant, format_key_path(read_name(name)))
    folder = configuration.own_layer(*((None, None) if to_base else (to_env or environment, to_tenant or tenant)))
    place = choose_place(configuration, folder, parse_name(new_name or name), file)
    check_copy(source, place)
    if place.held is not None and not yes and not ask(f"{place.file} holds {place.name} already; replace it?"):
        raise UsageError("nothing was copied", hint="name the copy otherwise with --as")
    written = copied(custody, source, place)
    out(short_path(custody.root / written.file))
    note(f"from {source.file}", quiet=quiet)


def import_env(
    file: Annotated[str, argument(metavar="FILE", help="A .env file; - is stdin.", show_default=False)],
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    to_file: SecretFile = None,
    prefix: Annotated[
        str, option("--prefix", metavar="KEY", help="Put the names under this key.", show_default="at the top")
    ] = "",
    lower: Annotated[bool, option("--lower", help="Write the names in lower case.", show_default=False)] = False,
    yes: Yes = False,
    quiet: Quiet = False,
) -> None:
    """Take over the variables of a .env file as secrets: new ones, and those whose value differs.

    Names are shown before anything is written, and values never. What stands in the file stays there: remove it afterwards.
    """
    from llmcfg.custody.transfer import compare, take_over
    from llmcfg_cli.identities import own_custody
    from llmcfg_cli.views.secrets import view_incoming
    from llmcfg_cli.views.text import plural

    variables = _variables(file)
    custody = own_custody(directory)
    folder = custody.configuration.own_layer(environment, tenant)
    named = [(_name(variable, prefix, lower=lower), variable) for variable in variables if variable.value]
    incoming = compare(custody, folder, [(path, variable.value) for path, variable in named], to_file)
    out(view_incoming(incoming, colour=has_colour(), width=table_width()))
    empty = [variable.name for variable in variables if not variable.value]
    if empty:
        note(f"left out, since they have no value: {', '.join(empty)}", quiet=quiet)
    count = sum(one.state != "same" for one in incoming)
    if not count:
        note("nothing to do", quiet=quiet)
        return
    if not yes and not ask(f"set {plural(count, 'secret')}?"):
        raise UsageError("nothing was written", hint="leave out of the file what you do not want")
    written = take_over(custody, folder, incoming)
    note(f"written: {', '.join(short_path(custody.root / one.file) for one in written)}", quiet=quiet)


def export(
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    output: Annotated[Literal["dotenv", "json", "yaml"], OUTPUT] = "dotenv",
    reason: Reason = None,
    quiet: Quiet = False,
) -> None:
    """Print all secrets that an environment uses, for a tenant or for the platform itself; without -e, those of the layer.

    As .env file, names become those of variables: openai.api_key is OPENAI_API_KEY. It asks for a reason, or takes --reason.
    """
    from llmcfg.custody.export import export_secrets, secrets_to_export
    from llmcfg_cli.identities import own_custody
    from llmcfg_cli.views.text import plural

    custody = own_custody(directory)
    wanted = secrets_to_export(custody.configuration, environment, tenant)
    why = reason_for(reason, plural(len(wanted), "secret"))
    exported = export_secrets(custody, wanted, output, why, tell_access)
    out_bytes(exported.content)
    if exported.left_out:
        note(f"left out: {', '.join(exported.left_out)}", quiet=quiet)


def _variables(file: str) -> tuple[Variable, ...]:
    """Raises UsageError that has every problem of the file with its line."""
    from llmcfg.secrets.envfile import parse_env
    from llmcfg_cli.new_values import read_bounded

    name = "stdin" if file == STDIN else file
    if file == STDIN:
        content = read_bounded(sys.stdin.buffer.read, "stdin")
    else:
        with Path(file).open("rb") as stream:
            content = read_bounded(stream.read, file)
    try:
        found = parse_env(content.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 (byte {error.start})", hint="name a .env file") from None
    if found.problems:
        problems = "\n".join(f"{name}:{problem.line}: {problem.message}" for problem in found.problems)
        raise UsageError(f"{name} cannot be taken over\n{problems}", hint="mend these lines; nothing was written")
    return found.variables


def _name(variable: Variable, prefix: str, *, lower: bool) -> KeyPath:
    from llmcfg.custody.places import parse_name

    name = variable.name.lower() if lower else variable.name
    return parse_name(f"{prefix}.{name}" if prefix else name)
