"""What happened to secret files, as far as it can be told without a key: never a value, and never how long one is.

A value keeps its ciphertext as long as it is not written again, so one that did not change is known not to have. When every value of a file
was written again at once, the file was encrypted anew, and which values are others only a key can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from llmcfg.secrets.inspection import looks_sealed
from llmcfg.secrets.scanning import is_secret_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmcfg.model.snapshot import ChangedFile

What: TypeAlias = Literal["added", "removed", "changed", "encrypted anew", "sealed anew"]
_RECIPIENT: Final = "recipient "
_ABOUT_THE_FILE: Final = (_RECIPIENT, "groups needed", "rule")


class SecretFileChange(NamedTuple):
    """`names` are the values that came, went or were written again; empty for a file that was sealed anew with its values unchanged.

    `readers` are recipients that can open it now and could not before, `lost` the other way round.
    """

    path: str
    what: What
    names: tuple[str, ...]
    readers: tuple[str, ...]
    lost: tuple[str, ...]


def secret_file_changes(changed: Iterable[ChangedFile], read: Callable[[str], bytes]) -> Iterator[SecretFileChange]:
    """`read` gives the content of a blob."""
    for file in changed:
        if not is_secret_file(file.path, None):
            continue
        before, after = (read(oid) if oid else b"" for oid in (file.before, file.after))
        if looks_sealed(before) or looks_sealed(after):
            yield _change(file.path, before, after)


def _change(path: str, before: bytes, after: bytes) -> SecretFileChange:
    from llmcfg.secrets.difference import differences  # slow to import, and most changes touch no secret file

    found = differences(before, after, path)
    values = [one for one in found if not one.name.startswith(_ABOUT_THE_FILE)]
    readers = [(one.name.removeprefix(_RECIPIENT), one.what) for one in found if one.name.startswith(_RECIPIENT)]
    again = [one.name for one in values if one.what == "changed"]
    if not before or not after:
        what: What = "removed" if before else "added"
    elif not values:
        what = "sealed anew"
    elif len(again) > 1 and len(again) == len(values) == _encrypted(after, path):
        what = "encrypted anew"
    else:
        what = "changed"
    return SecretFileChange(
        path,
        what,
        tuple(one.name for one in values),
        tuple(name for name, kind in readers if kind == "added"),
        tuple(name for name, kind in readers if kind == "removed"),
    )


def _encrypted(content: bytes, path: str) -> int:
    from llmcfg.secrets.outline import outline

    return sum(line.text.startswith("encrypted ") and not line.name.startswith("#") for line in outline(content, path))
