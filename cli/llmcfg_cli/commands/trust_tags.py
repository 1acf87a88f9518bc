"""`llmcfg trust approve|promote`: signed tags that let a commit count where its own signature is not enough."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import Directory
from llmcfg_cli.trusting import trusted_root

if TYPE_CHECKING:
    from llmcfg.model.snapshot import Revision
    from llmcfg.trust.root import Root
    from llmcfg.wiring import Workspace

_KEY = option(
    "--key",
    "-k",
    metavar="FILE",
    help="Your private key of SSH, or the .pub file of one in ssh-agent.",
    show_default=False,
)
_REVISION = argument(metavar="[REV]", help="The commit.", completes="revisions", show_default=True)


def approve(
    key: Annotated[Path, _KEY],
    revision: Annotated[str, _REVISION] = "HEAD",
    directory: Directory = Path(),
) -> None:
    """Approve a commit with all that leads to it, for rules that take more than one signer, or another."""
    from llmcfg.sync.pathrules import APPROVALS
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    _require_signer(trusted_root(workspace), key)
    commit = workspace.resolve(revision)
    _tag(workspace, APPROVALS, commit, f"approve {commit.commit}\n", key)


def promote(
    environment: Annotated[
        str,
        argument(metavar="ENV", help="The environment.", completes="environments", show_default=False),
    ],
    key: Annotated[Path, _KEY],
    revision: Annotated[str, _REVISION] = "HEAD",
    directory: Directory = Path(),
) -> None:
    """Say that a commit is to run in an environment.

    The tag binds repository, environment, commit and the digest of its files: nothing else runs by it, nor this one elsewhere.
    """
    from llmcfg.sync.promotion import PROMOTIONS, promotion_of
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    root = trusted_root(workspace)
    rule = root.environments.get(environment)
    if rule is None:
        raise UsageError(
            f"the root of trust asks for no promotion to {environment}",
            hint=f"it asks for {', '.join(root.environments) or 'none'}; llmcfg trust rules changes that",
        )
    name = _require_signer(root, key)
    if name not in rule.signers:
        raise NotAuthorisedError(
            f"{name} may not promote to {environment}", hint=f"{', '.join(rule.signers)} may", code="not-promoted"
        )
    commit = workspace.resolve(revision)
    configuration = workspace.configuration_at(commit)
    wanted = promotion_of(root, environment, commit, configuration.snapshot)
    message = f"promote {commit.commit[:10]} to {environment}\n\n{wanted.text}"
    _tag(workspace, f"{PROMOTIONS}{environment}/", commit, message, key)


def _require_signer(root: Root, key: Path) -> str:
    """Whose key it is. Raises NotAuthorisedError for nobody's, whose word would count for nothing."""
    from llmcfg.clock import now
    from llmcfg.git.sshkeygen import read_public_key
    from llmcfg.trust.failure import SignatureError
    from llmcfg.trust.sshsig import GIT

    try:
        return root.committers.whose(read_public_key(key), namespace=GIT, at=now()).name
    except SignatureError as error:
        raise NotAuthorisedError(
            f"{key} would count for nothing: {error.reason}", hint="see llmcfg trust show", code=error.code
        ) from None


def _tag(workspace: Workspace, prefix: str, revision: Revision, message: str, key: Path) -> None:
    """The name holds whose key it is, so that two people never want the same."""
    import hashlib

    from llmcfg.git.sshkeygen import read_public_key, sign
    from llmcfg.trust.sshsig import GIT

    whose = hashlib.sha256(read_public_key(key).blob).hexdigest()[:8]
    name = f"{prefix}{revision.commit[:12]}/{whose}"
    workspace.repository.create_tag(
        name, revision.commit, message, sign=lambda content: sign(key, content, GIT, os.environ)
    )
    out(name)
    note(f"share it: git push origin refs/tags/{name}")
