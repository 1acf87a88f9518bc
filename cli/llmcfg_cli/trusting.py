"""What the commands that change the root of trust share: signing a version with the keys that were named, and where it goes then."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from llmcfg.errors import NotFoundError, UsageError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import option

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcfg.trust.dsse import Signature
    from llmcfg.trust.edits import NextVersion
    from llmcfg.trust.root import Root
    from llmcfg.wiring import Workspace

SigningKeys: TypeAlias = Annotated[
    list[Path],
    option(
        "--key",
        "-k",
        metavar="FILE",
        help="A key that signs: a private key of SSH, or the .pub file of one in ssh-agent; may be repeated.",
        show_default=False,
    ),
]
Days: TypeAlias = Annotated[
    int, option("--days", metavar="N", help="How long the new version is good for.", min=1, max=3650)
]
Draft: TypeAlias = Annotated[
    Path | None,
    option(
        "--out",
        metavar="FILE",
        help="Write the signed version here instead, for others to sign too.",
        show_default=False,
    ),
]


def trusted_root(workspace: Workspace) -> Root:
    """Raises NotFoundError where this clone trusts none."""
    root = workspace.root_store().current()
    if root is None:
        raise NotFoundError(
            "this clone trusts no root", hint="make one: llmcfg trust init; or take one over: llmcfg trust pin FILE"
        )
    return root


def next_version(workspace: Workspace, days: int) -> NextVersion:
    from datetime import timedelta

    from llmcfg.clock import now
    from llmcfg.trust.edits import NextVersion

    return NextVersion(trusted_root(workspace), now(), timedelta(days=days))


def sign_root(root: Root, keys: Iterable[Path]) -> list[Signature]:
    """Raises NotAuthorisedError for a key that cannot be used."""
    from llmcfg.git.sshkeygen import sign
    from llmcfg.trust.root import NAMESPACE, signature_of, signing_input

    return [signature_of(root, sign(key, signing_input(root), NAMESPACE, os.environ)) for key in keys]


def finish(workspace: Workspace, root: Root, keys: Sequence[Path], draft: Path | None) -> None:
    """Sign a version and put it on its ref, or into a file when others have to sign it too."""
    from llmcfg.trust.root import encode_root

    content = encode_root(root, sign_root(root, keys))
    if draft is not None:
        write_draft(draft, content)
        return
    publish(workspace, content)


def write_draft(file: Path, content: bytes) -> None:
    from llmcfg.disk import atomic_write

    atomic_write(file, content)
    note(
        f"wrote {file}; others sign it with: llmcfg trust sign {file} --key KEY, and one does: llmcfg trust publish {file}"
    )


def publish(workspace: Workspace, content: bytes) -> None:
    from llmcfg.sync.demand import REF

    root = workspace.root_store().publish(content)
    out(f"version {root.version} of the root of trust, sha256:{root.digest}")
    note(f"it is on {REF} and trusted here; share it: git push origin {REF}")


def read_rules(file: Path) -> Any:
    """What a YAML file with rules says. Raises UsageError with every mistake and its line."""
    from llmcfg.documents.loader import load_document

    try:
        document, problems = load_document(file.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", hint="docs/spec/trust.md has what it holds") from None
    if document is None or problems:
        said = "; ".join(f"line {problem.line}: {problem.message}" for problem in problems)
        raise UsageError(f"{file} cannot be read as rules: {said}", hint="docs/spec/trust.md has what it holds")
    return document.value
