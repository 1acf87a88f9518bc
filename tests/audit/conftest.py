"""Logs that tests write, at times that they choose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from llmcfg.audit.entry import Said, Who
from llmcfg.audit.log import Log
from llmcfg.audit.writer import append
from llmcfg.model.act import Act

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
YEAR = timedelta(days=365)
ADA = Who("Ada <ada@example.com>", "ada")


class Written:
    """A log, and the clock that its entries are stamped with."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.now = START

    def add(self, *subjects: str, verb: str = "secret.get", keep: timedelta = YEAR) -> None:
        """One entry for each subject, in one go."""
        append(self.log, [Said(Act(verb, subject), "noted") for subject in subjects], ADA, self.now, keep)
        self.now += timedelta(minutes=1)

    def subjects(self) -> list[str]:
        return [entry.subject for entry in self.log.entries() if not entry.act.startswith("audit.")]

    def acts(self) -> list[str]:
        return [entry.act for entry in self.log.entries()]


@pytest.fixture
def written(tmp_path):
    return Written(Log(tmp_path / "platform", "platform"))


@pytest.fixture
def signing_key(tmp_path):
    """Makes a private key in a file, as OpenSSH or as PEM."""

    def make(name="key", form="OpenSSH"):
        formats = {"OpenSSH": PrivateFormat.OpenSSH, "PEM": PrivateFormat.PKCS8}
        path = tmp_path / name
        path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, formats[form], NoEncryption()))
        path.chmod(0o600)
        return path

    return make
