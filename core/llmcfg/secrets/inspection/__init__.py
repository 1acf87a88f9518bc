"""What can be told of a secret file without any key: who can open it, and whatever is wrong with it.

Rules: nothing is decrypted, and no value is in a message. Readers of SOPS files are liberal; here everything that one of them would refuse,
or that makes a secret easier to find out, is a problem with its place.
"""

from __future__ import annotations

from llmcfg.errors import UsageError
from llmcfg.model.findings import Problem
from llmcfg.secrets.inspection.outline import Inspected, Nonce

__all__ = ["Inspected", "Nonce", "inspect_file", "looks_sealed"]

_MARKS = (b"ENC[AES256_GCM,", b"sops")


def looks_sealed(content: bytes) -> bool:
    """Whether a file may be a SOPS file, wherever it lies and whatever it is called."""
    return all(mark in content for mark in _MARKS)


def inspect_file(file: str, content: bytes) -> Inspected:
    """A SOPS file or, by its ending, an age file. One that is neither gives nothing: `names` says so."""
    if file.endswith(".age"):
        from llmcfg.secrets.inspection.agefile import inspect_age

        return inspect_age(content)
    from llmcfg.secrets.inspection.sopsfile import inspect_parsed
    from llmcfg.secrets.sops.model import file_type_of
    from llmcfg.secrets.sops.stores import parse_encrypted

    file_type = file_type_of(file)
    try:
        parsed = parse_encrypted(content, file_type)
    except UsageError as error:
        problem = Problem("secret-unreadable", error.message, hint=error.hint)
        return Inspected((problem,) if looks_sealed(content) else ())
    return inspect_parsed(parsed, file_type)
