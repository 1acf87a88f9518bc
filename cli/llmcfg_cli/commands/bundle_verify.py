"""`llmcfg bundle verify`: whether a bundle is what a root of trust lets its consumer take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg_cli.console import out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Consumer, Environment, Tenant

if TYPE_CHECKING:
    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.signing.statement import Statement


def verify(
    bundle: Annotated[
        Path,
        argument(
            metavar="BUNDLE",
            help="A file bundle.llmcfg, or the folder of a delivered bundle.",
            exists=True,
            show_default=False,
        ),
    ],
    root: Annotated[
        Path,
        option(
            "--root", metavar="FILE", help="The root of trust that says whose signatures count.", show_default=False
        ),
    ],
    environment: Environment = None,
    tenant: Tenant = None,
    consumer: Consumer = None,
    output: Annotated[Literal["text", "json", "dsse"], OUTPUT] = "text",
) -> None:
    """Check who signed a bundle, for whom, and that everything in it is what was signed. Needs nothing but the bundle and the root.

    With -e, or with -c and -t, it has to be for them. `-o dsse` prints the signed statement, an in-toto statement in a DSSE envelope, for
    other tools. Exits with 10 for a bundle that is not to be taken.
    """
    from llmcfg.model.target import SHARED, Target
    from llmcfg.signing.statement import encoded_envelope_of
    from llmcfg_cli.views.bundle import view_verified

    folder = Target("", None if tenant == SHARED else tenant, consumer).folder if consumer is not None else None
    read, statement = check(bundle, root, environment, folder)
    if output == "dsse":
        out(encoded_envelope_of(read).decode())
    else:
        claims = read.head.claims
        out(view_verified(statement, [made.fingerprint for made in claims.signatures] if claims else [], output))


def check(
    path: Path, root: Path, environment: str | None = None, folder: str | None = None
) -> tuple[Bundle, Statement]:
    """The bundle at a path, and what was signed of it. Raises UntrustedError with the path."""
    from llmcfg.clock import now
    from llmcfg.signing.roots import read_root
    from llmcfg.signing.verdict import UntrustedError, Wanted, check_bundle
    from llmcfg.sinks.signed import read_signed

    bundle = read_signed(path)
    try:
        return bundle, check_bundle(bundle, read_root(root), Wanted(environment, folder), now=now())
    except UntrustedError as error:
        raise UntrustedError(f"{path} is not to be taken: {error.message}", hint=error.hint, code=error.code) from None
