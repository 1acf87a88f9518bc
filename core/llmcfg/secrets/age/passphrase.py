"""Key files that are themselves age files with a passphrase, as `age -p` writes them. The only place where scrypt is allowed."""

from __future__ import annotations

from typing import Final

from llmcfg.errors import IntegrityError
from llmcfg.secrets.age.armor import is_armored, remove_armor
from llmcfg.secrets.age.header import VERSION_LINE, read_header

_WORK_FACTOR: Final = 20  # powers of two; age writes 18, which takes a second


def is_age_file(content: bytes) -> bool:
    return content.startswith(VERSION_LINE) or (is_armored(content) and b"AGE ENCRYPTED FILE" in content[:2048])


def open_with_passphrase(content: bytes, passphrase: str) -> bytes:
    """Raises NotAuthorisedError for a wrong passphrase, IntegrityError for what is not such a file or asks for too much work."""
    from llmcfg.secrets.age import rage

    binary = remove_armor(content) if is_armored(content) else content
    stanza = read_header(binary, passphrase=True).stanzas[0]
    factor = stanza.arguments[-1]
    if stanza.type != "scrypt" or not (factor.isdecimal() and len(factor) <= 2 and 1 <= int(factor) <= _WORK_FACTOR):
        raise IntegrityError(
            "this key file is not encrypted with a passphrase alone, or asks for too much work to be opened",
            hint="open it with the age program and write it anew: age -p",
        )
    return rage.open_with_passphrase(binary, passphrase)
