"""Whether a document is written as `llmcfg fmt` writes it, looked at once for each content."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.pipeline.known import is_sound, learn_sound, name_of

if TYPE_CHECKING:
    from llmcfg.ports import Cache


class Written(NamedTuple):
    """A document as it should be written; `is_sound` is false for what is no sound YAML, which stays as it is."""

    content: bytes
    is_sound: bool = True


def well_written(content: bytes, about: str, disk: Cache | None = None) -> Written:
    """`about` is the document's path. `disk` remembers contents that are as they should be."""
    name = name_of("well written", sha256(content).hexdigest())
    if is_sound(disk, name, "format", about):
        return Written(content)
    written = _rewritten(content)
    if written == Written(content):
        learn_sound(disk, name)
    return written


def _rewritten(content: bytes) -> Written:
    from llmcfg.documents.fixes import fix_ambiguous
    from llmcfg.documents.layout import normalise_layout
    from llmcfg.documents.loader import load_document
    from llmcfg.secrets.sops import stores
    from llmcfg.secrets.sops.model import FileType

    is_sealed = b"sops" in content and stores.find_encrypted(content, FileType.YAML) is not None
    fixed = content if is_sealed else normalise_layout(fix_ambiguous(content))
    return Written(fixed, fixed != content or load_document(content, secrets=True).document is not None)
