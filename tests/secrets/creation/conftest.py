"""Public keys of every kind, from the vectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcfg.secrets.age import parse_identities

KEYS = Path(__file__).parent.parent / "vectors" / "sops" / "keys"


@pytest.fixture(scope="session")
def vector_keys() -> list[str]:
    files = ("key.txt", "age-pq.txt", "ssh_ed25519", "ssh_rsa")
    return [found.recipient.text for name in files for found in parse_identities((KEYS / name).read_text())]
