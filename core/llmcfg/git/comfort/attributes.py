"""The lines of `.gitattributes` that name the drivers of documents and secret files. They are committed, and hold for every clone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.disk import atomic_write
from llmcfg.git.comfort.drivers import DOCUMENTS, SECRETS

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.git.program import Git

FILE: Final = ".gitattributes"
LINES: Final = (
    f"*.yaml merge={DOCUMENTS}",
    f"*.yml merge={DOCUMENTS}",
    f"**/secrets/** merge={SECRETS} diff={SECRETS}",
    f"*.age -text merge={SECRETS} diff={SECRETS}",
)
_TITLE: Final = "# documents and secret files: merged by key, shown without secrets (llmcfg hooks install)"
_DOCUMENT: Final = "base/x.yaml"
_SECRET_FILES: Final = (
    "base/secrets/x.yaml",
    "environments/x/secrets/x.json",
    "tenants/x/environments/x/secrets/x/x.env",
    "x/x.age",
)


def has_attributes(git: Git, root: Path) -> bool:
    """Whether documents and secret files below `root` have the drivers, by whatever line of whatever file."""
    return has_secret_attributes(git, root) and _attributes(git, root, "merge", _DOCUMENT) == {DOCUMENTS}


def has_secret_attributes(git: Git, root: Path) -> bool:
    """The same of secret files alone."""
    return all(_attributes(git, root, name, *_SECRET_FILES) == {SECRETS} for name in ("merge", "diff"))


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


def _attributes(git: Git, root: Path, name: str, *paths: str) -> set[str]:
    return {*git.fields("check-attr", "-z", name, "--", *(str(root / path) for path in paths))[2::3]}


def _block() -> bytes:
    return "".join(f"{line}\n" for line in (_TITLE, *LINES)).encode()
