"""Identities of every kind, and the files that another program made for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcfg.secrets.age import Identity, parse_identities


@pytest.fixture(scope="session")
def vectors() -> Path:
    return Path(__file__).parent / "vectors"


@pytest.fixture(scope="session")
def identities(vectors: Path) -> dict[str, Identity]:
    names = ("x25519", "pq", "ssh-ed25519", "ssh-rsa")
    return {name: parse_identities((vectors / f"{name}.key").read_text())[0] for name in names}
