"""Secret files as llmcfg writes them, for two keys that nobody keeps."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import UTC, datetime
from textwrap import dedent

from llmcfg.secrets.age import encrypt_to, generate_identity
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType

RECIPIENTS = tuple(generate_identity().recipient for _ in range(2))
NAMES = tuple(recipient.text for recipient in RECIPIENTS)
MOMENT = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)


def sealed(text: str, recipients: tuple[str, ...] = NAMES, **options) -> str:
    """The SOPS file of a YAML text."""
    return encrypt_file(dedent(text).encode(), FileType.YAML, list(recipients), MOMENT, **options).decode()


def sealed_whole(content: bytes, recipients=RECIPIENTS) -> bytes:
    """The age file of some bytes."""
    return encrypt_to(recipients, content)


def token(text: str) -> str:
    """What stands for a value in a file, always the same for the same text: well-formed, but nobody can open it."""
    nonce = hashlib.sha256(text.encode()).digest()
    parts = {"data": text.encode() or b" ", "iv": nonce, "tag": nonce[:16]}
    written = ",".join(f"{name}:{b64encode(part).decode()}" for name, part in parts.items())
    return f"ENC[AES256_GCM,{written},type:str]"


def written(*lines: str) -> str:
    """A secret file of these lines, as far as it can be told without a key."""
    return "".join(f"{line}\n" for line in lines) + _METADATA


_METADATA = sealed("any: value").partition("\n")[2]
