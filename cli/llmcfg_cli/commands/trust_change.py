"""`llmcfg trust init|add-signer|rotate|revoke|rules|renew|sign|publish`: new versions of the root of trust."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import ConflictError, UsageError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import Directory
from llmcfg_cli.trusting import Days, Draft, SigningKeys, finish, next_version, read_rules, sign_root, write_draft
from llmcfg_cli.trusting import publish as put

if TYPE_CHECKING:
    from llmcfg.wiring import Workspace

_YEAR = 365


def init(
    key: SigningKeys,
    directory: Directory = Path(),
    root_key: Annotated[
        list[Path] | None,
        option(
            "--root-key",
            metavar="FILE",
            help="Another key of the root, by its .pub file; may be repeated.",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[int, option("--threshold", metavar="N", help="How many keys change the root.", min=1)] = 1,
    signers: Annotated[
        Path | None,
        option(
            "--signers", metavar="FILE", help="Who signs commits, as OpenSSH's allowed_signers.", show_default=False
        ),
    ] = None,
    bundle_key: Annotated[
        list[Path] | None,
        option(
            "--bundle-key",
            metavar="FILE",
            help="A key that signs bundles (Ed25519), by its .pub file; may be repeated.",
            show_default=False,
        ),
    ] = None,
    days: Days = _YEAR,
    draft: Draft = None,
) -> None:
    """Begin to trust: make the root, which says who signs commits and bundles, and sign it.

    What is committed so far is vouched for; from now on, commits count when a signer signed them. Nothing else in the repository changes.
    """
    import secrets
    from datetime import timedelta

    from llmcfg.clock import now
    from llmcfg.git.sshkeygen import read_public_key
    from llmcfg.trust.edits import first_version
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    if workspace.root_store().current() is not None:
        raise ConflictError("this clone trusts a root already", hint="see llmcfg trust show")
    keys = dict.fromkeys(read_public_key(file) for file in (*key, *(root_key or ())))
    lines = _signer_lines(signers) if signers else ()
    root = first_version(
        secrets.token_hex(16),
        tuple(keys),
        threshold=threshold,
        signers=lines,
        bundles=[read_public_key(file) for file in bundle_key or ()],
        vouched=_tip(workspace),
        now=now(),
        lifetime=timedelta(days=days),
    )
    finish(workspace, root, key, draft)
    if not lines:
        note("nobody signs commits yet: llmcfg trust add-signer NAME FILE --key KEY")


def add_signer(
    name: Annotated[str, argument(metavar="NAME", help="Who signs, such as a mail address.", show_default=False)],
    public_key: Annotated[
        Path, argument(metavar="FILE", help="Their .pub file, or an exported key of OpenPGP.", show_default=False)
    ],
    key: SigningKeys,
    directory: Directory = Path(),
    since: Annotated[
        datetime | None, option("--from", metavar="TIME", help="The key counts from then on.", show_default=False)
    ] = None,
    until: Annotated[
        datetime | None, option("--until", metavar="TIME", help="The key counts until then.", show_default=False)
    ] = None,
    days: Days = _YEAR,
    draft: Draft = None,
) -> None:
    """Let somebody sign commits and tags. Times are UTC, and mean when a commit is first seen, not what it says of itself."""
    from llmcfg.git.gpg import read_certificate
    from llmcfg.git.sshkeygen import read_public_key
    from llmcfg.trust.signers import Signer
    from llmcfg.trust.sshsig import GIT
    from llmcfg.wiring import Workspace

    made = read_certificate(public_key) or read_public_key(public_key)
    signer = Signer((name,), made, (GIT,), _utc(since), _utc(until))
    workspace = Workspace(directory)
    finish(workspace, next_version(workspace, days).with_signer(signer.text), key, draft)


def rotate(
    key: SigningKeys,
    directory: Directory = Path(),
    add: Annotated[
        list[Path] | None,
        option("--add", metavar="FILE", help="A new key of the root, by its .pub file.", show_default=False),
    ] = None,
    drop: Annotated[
        list[str] | None,
        option("--drop", metavar="SHA256:…", help="A key of the root that ends, by fingerprint.", show_default=False),
    ] = None,
    threshold: Annotated[
        int | None,
        option("--threshold", metavar="N", help="How many keys change the root.", min=1, show_default=False),
    ] = None,
    add_bundle: Annotated[
        list[Path] | None,
        option("--add-bundle", metavar="FILE", help="A new key that signs bundles.", show_default=False),
    ] = None,
    drop_bundle: Annotated[
        list[str] | None,
        option("--drop-bundle", metavar="SHA256:…", help="A key that signs bundles and ends.", show_default=False),
    ] = None,
    days: Days = _YEAR,
    draft: Draft = None,
) -> None:
    """Change the keys of the root, or those that sign bundles; old and new keys may overlap for as long as you like.

    A new set of root keys takes enough signatures of the old set and of the new one. For a key that leaked: llmcfg trust revoke.
    """
    from llmcfg.git.sshkeygen import read_public_key
    from llmcfg.wiring import Workspace

    of_root, of_bundles = bool(add or drop or threshold), bool(add_bundle or drop_bundle)
    if of_root == of_bundles:
        raise UsageError("say which keys", hint="either --add and --drop, or --add-bundle and --drop-bundle")
    workspace = Workspace(directory)
    version = next_version(workspace, days)
    if of_root:
        root = version.with_root_keys([read_public_key(file) for file in add or ()], drop or (), threshold)
    else:
        root = version.with_bundle_keys([read_public_key(file) for file in add_bundle or ()], drop_bundle or ())
    finish(workspace, root, key, draft)


def revoke(
    what: Annotated[str, argument(metavar="WHAT", help="A signer's name, or a key's fingerprint.", show_default=False)],
    key: SigningKeys,
    directory: Directory = Path(),
    vouch: Annotated[
        str | None,
        option(
            "--vouch",
            metavar="REV",
            help="The last commit that you looked at, and that counts with all before it.",
            completes="revisions",
            show_default="HEAD",
        ),
    ] = None,
    days: Days = _YEAR,
    draft: Draft = None,
) -> None:
    """Take a signer or a key out, at once. What it signed so far counts where you vouch for it, up to --vouch.

    A key that signed bundles ends an epoch: all bundles that it ever signed are refused, so deploy every environment anew.
    """
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    finish(workspace, next_version(workspace, days).revoked(what, _tip(workspace, vouch)), key, draft)


def rules(
    file: Annotated[Path, argument(metavar="FILE", help="YAML with `rules` and `environments`.", show_default=False)],
    key: SigningKeys,
    directory: Directory = Path(),
    days: Days = _YEAR,
    draft: Draft = None,
) -> None:
    """Say who changes which paths, and who promotes to which environments."""
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    finish(workspace, next_version(workspace, days).with_rules(read_rules(file)), key, draft)


def renew(key: SigningKeys, directory: Directory = Path(), days: Days = _YEAR, draft: Draft = None) -> None:
    """Make the same root good for longer."""
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    finish(workspace, next_version(workspace, days).renewed(), key, draft)


def sign(
    file: Annotated[Path, argument(metavar="FILE", help="What --out wrote.", show_default=False)],
    key: SigningKeys,
) -> None:
    """Add signatures to a version that is not published yet. Needs no repository, so a machine without a network will do."""
    from llmcfg.signing.roots import read_root_file
    from llmcfg.trust.failure import SignatureError
    from llmcfg.trust.root import encode_root, parse_root
    from llmcfg_cli.views.trust import view_draft

    try:
        root, envelope = parse_root(read_root_file(file))
    except SignatureError as error:
        raise UsageError(f"{file} is no root of trust: {error.reason}", hint="name what --out wrote") from None
    made = {signature.key: signature for signature in (*envelope.signatures, *sign_root(root, key))}
    out(view_draft(root, tuple(made)))
    write_draft(file, encode_root(root, tuple(made.values())))


def publish(
    file: Annotated[Path, argument(metavar="FILE", help="What others signed.", show_default=False)],
    directory: Directory = Path(),
) -> None:
    """Make a version that enough keys signed the newest one."""
    from llmcfg.signing.roots import read_root_file
    from llmcfg.wiring import Workspace

    put(Workspace(directory), read_root_file(file))


def _tip(workspace: Workspace, named: str | None = None) -> tuple[str, ...]:
    """The commit that is named, or HEAD's; none in a repository without commits."""
    revision = workspace.resolve(named) if named else workspace.repository.head()
    return (revision.commit,) if revision else ()


def _signer_lines(file: Path) -> tuple[str, ...]:
    from llmcfg.sync.trusted import read_signers

    return tuple(signer.text for signer in read_signers(file).by_key.values())


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None
