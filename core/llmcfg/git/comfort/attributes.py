"""The lines of `.gitattributes` that name the drivers of secret files. They are committed, and hold for everyone who clones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.disk import atomic_write
from llmcfg.git.comfort.drivers import DRIVER

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.git.program import Git

FILE: Final = ".gitattributes"
LINES: Final = (
    f"**/secrets/** merge={DRIVER} diff={DRIVER}",
    f"*.age -text merge={DRIVER} diff={DRIVER}",
)
_TITLE: Final = "# secret files: merged by key, shown without secrets (llmcfg hooks install)"
_EXAMPLES: Final = (
    "base/secrets/x.yaml",
    "environments/x/secrets/x.json",
    "tenants/x/environments/x/secrets/x/x.env",
    "x/x.age",
)


def has_attributes(git: Git, root: Path) -> bool:
    """Whether secret files below `root` have the drivers, by whatever line of whatever file."""
    fields = git.fields("check-attr", "-z", "merge", "diff", "--", *(str(root / example) for example in _EXAMPLES))
    return all(value == DRIVER for value in fields[2::3])


def add_attributes(git: Git, root: Path) -> bool:
    """Whether lines had to be added to the file in `root`."""
    if has_attributes(git, root):
        return False
    file = root / FILE
    content = file.read_bytes() if file.is_file() else b""
    before = content if not content or content.endswith(b"\n") else content + b"\n"
    atomic_write(file, before + _block())
    return True


def remove_attributes(root: Path) -> bool:
    """Remove the lines that `add_attributes` added; whether they were there. Lines that came otherwise stay."""
    file = root / FILE
    content = file.read_bytes() if file.is_file() else b""
    before, found, after = content.partition(_block())
    if not found:
        return False
    if before or after:
        atomic_write(file, before + after)
    else:
        file.unlink()
    return True


def _block() -> bytes:
    return "".join(f"{line}\n" for line in (_TITLE, *LINES)).encode()
