"""`rotations.yaml`: the secrets that have to get a new value, because somebody knows the old one who should not.

An entry stands for one secret of one file and one reason. It goes when the secret gets a new value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.documents.loader import load_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.value import Value

FILE: Final = "rotations.yaml"
_NEW: Final = b"""\
# Secrets that have to get a new value. An entry goes when its secret is set or rotated.
apiVersion: llmcfg.dev/v1
kind: Rotations
due: []
"""


class Due(NamedTuple):
    """`since` is a day: 2026-01-31."""

    secret: str
    file: str
    since: str
    recipient: str = ""
    reason: str = ""


def read_due(content: bytes) -> tuple[Due, ...]:
    """The entries that can be read, each at its position in the file; what is no entry is one of empty texts."""
    document, _ = load_document(content)
    listed = document.value.get("due") if document is not None else None
    return tuple(_due(item) for item in listed) if isinstance(listed, list) else ()


def with_marked(content: bytes | None, wanted: Iterable[Due]) -> bytes:
    """The file with these entries too; one for the same secret, file and recipient stays as it is. None: there is no file yet.

    What is around the list stays as it is. Raises UsageError for a file that cannot be edited.
    """
    from llmcfg.documents.editor import set_value

    content = content or _NEW
    known = {(due.secret, due.file, due.recipient): due for due in read_due(content)}
    before = len(known)
    for due in wanted:
        known.setdefault((due.secret, due.file, due.recipient), due)
    if len(known) == before:
        return content
    entries: list[Value] = [{name: text for name, text in due._asdict().items() if text} for due in known.values()]
    return set_value(content, ("due",), entries)


def without(content: bytes, file: str, name: str) -> bytes:
    """The file without the entries for a secret of a file: call it when that has got a new value. The same bytes if there are none."""
    from llmcfg.documents.editor import delete_value

    due = read_due(content)
    for index in reversed(range(len(due))):
        if (due[index].file, due[index].secret) == (file, name):
            content = delete_value(content, ("due", index))
    return content


def _due(item: Any) -> Due:
    texts = {field: item.get(field) for field in Due._fields} if isinstance(item, dict) else {}
    return Due(*(text if isinstance(text, str) else "" for text in (texts.get(field) for field in Due._fields)))
