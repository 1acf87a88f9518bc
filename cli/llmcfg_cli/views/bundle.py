"""What was signed of a bundle, as text or JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from llmcfg_cli.views.document import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.signing.statement import Statement


def view_verified(statement: Statement, keys: Sequence[str], output: Literal["text", "json"]) -> str:
    """`keys` are the fingerprints of those that signed."""
    issued = _time(statement.issued)
    expires = _time(statement.expires) if statement.expires else None
    if output == "json":
        said = {
            "repository": statement.repository,
            "target": statement.target._asdict(),
            "epoch": statement.epoch,
            "sequence": statement.sequence,
            "issued": issued,
            "expires": expires,
            "commit": statement.commit,
            "digest": f"sha256:{statement.digest.hex()}",
            "signedBy": list(keys),
        }
        return to_json("VerifiedBundle", said)
    return "\n".join(
        (
            f"{statement.target}: number {statement.sequence} of epoch {statement.epoch}, from {statement.commit[:10]}",
            f"signed {issued} by {', '.join(keys)}; {f'expires {expires}' if expires else 'does not expire'}",
        )
    )


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
