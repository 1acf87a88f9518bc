"""Files that sops made, the identities that open them, and one fixed time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmcfg.secrets.age import Identity, generate_identity, parse_identities
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType

KEY_FILES = ("key.txt", "shamir1.txt", "shamir2.txt", "shamir3.txt", "age-pq.txt", "ssh_ed25519", "ssh_rsa")


@pytest.fixture(scope="session")
def vectors() -> Path:
    return Path(__file__).parent.parent / "vectors" / "sops"


@pytest.fixture(scope="session")
def keyring(vectors: Path) -> list[Identity]:
    """Every identity of the vectors."""
    return [found for name in KEY_FILES for found in parse_identities((vectors / "keys" / name).read_text())]


@pytest.fixture(scope="session")
def alice(vectors: Path) -> Identity:
    return parse_identities((vectors / "keys" / "key.txt").read_text())[0]


@pytest.fixture(scope="session")
def bob() -> Identity:
    return generate_identity()


@pytest.fixture(scope="session")
def moment() -> datetime:
    return datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def sealed(alice: Identity, moment: datetime) -> Callable[..., bytes]:
    """A new file for alice: `sealed(text)` or `sealed(text, FileType.JSON)`."""

    def seal(text: str | bytes, file_type: FileType = FileType.YAML, **options: object) -> bytes:
        content = text.encode() if isinstance(text, str) else text
        return encrypt_file(content, file_type, [alice.recipient.text], moment, **options)

    return seal
