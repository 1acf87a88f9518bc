"""`llmcfg trust show|check|pin|export`: whom this clone trusts, and what that lets count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Directory, Quiet
from llmcfg_cli.trusting import trusted_root


def show(directory: Directory = Path(), output: Annotated[Literal["table", "json"], OUTPUT] = "table") -> None:
    """Show the root of trust: who signs, who may change and deploy what, and which keys sign bundles."""
    from llmcfg.clock import now
    from llmcfg.wiring import Workspace
    from llmcfg_cli.views.trust import view_root

    out(view_root(trusted_root(Workspace(directory)), now(), output))


def check(
    revision: Annotated[
        str,
        argument(metavar="[REV]", help="The revision.", completes="revisions", show_default=True),
    ] = "HEAD",
    directory: Directory = Path(),
    base: Annotated[
        str | None,
        option(
            "--base",
            metavar="REV",
            help="Only the commits since this one.",
            completes="revisions",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> int:
    """Tell which commits that lead to a revision count, and who has to do what about those that do not.

    Looks at all that nobody vouched for and that was not accepted here before. Exits with 10 when one does not count.
    """
    from llmcfg.errors import IntegrityError
    from llmcfg.wiring import Workspace
    from llmcfg_cli.settings import surroundings
    from llmcfg_cli.views.trust import view_verdict

    workspace = Workspace(directory, surroundings=surroundings())
    trusted_root(workspace)
    gate = workspace.gate()
    assert gate is not None
    since = workspace.resolve(base).commit if base else None
    verdict = gate.judge(workspace.resolve(revision).commit, since)
    out(view_verdict(verdict, gate.hint, output))
    return IntegrityError.exit_code if verdict.refused else 0


def pin(
    file: Annotated[Path, argument(metavar="FILE", help="What `llmcfg trust export` wrote.", show_default=False)],
    directory: Directory = Path(),
    digest: Annotated[
        str,
        option(
            "--digest", metavar="SHA256", help="What its digest has to be, as somebody told you.", show_default=False
        ),
    ] = "",
    quiet: Quiet = False,
) -> None:
    """Trust a root from now on, in this clone. Everything that follows it is taken over by itself."""
    from llmcfg.signing.roots import read_root_file
    from llmcfg.wiring import Workspace

    store = Workspace(directory).root_store()
    store.pin(read_root_file(file), digest.removeprefix("sha256:"))
    root = store.current()
    assert root is not None
    note(f"trusted: version {root.version}, sha256:{root.digest}", quiet=quiet)


def export(
    directory: Directory = Path(),
    to: Annotated[Path | None, option("--out", metavar="FILE", help="Write it here.", show_default="on stdout")] = None,
    signers: Annotated[
        bool,
        option(
            "--signers",
            help="Write the list of signers instead, for gpg.ssh.allowedSignersFile of Git.",
            show_default=False,
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write the newest root, signed, for other machines to pin."""
    from llmcfg.disk import atomic_write
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    root = trusted_root(workspace)
    content = root.ssh_signers_text.encode() if signers else workspace.root_store().envelope()
    assert content is not None
    if to is None:
        out(content.decode().removesuffix("\n"))
        return
    atomic_write(to, content)
    note(f"version {root.version}, sha256:{root.digest}", quiet=quiet)
