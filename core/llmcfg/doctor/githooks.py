"""Checks of what `llmcfg hooks install` sets up in a clone, and of what Git keeps of decrypted text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.doctor.verdicts import fail, ok, warn
from llmcfg.git.comfort.attributes import FILE, has_attributes, has_secret_attributes
from llmcfg.git.comfort.commitcheck import LINE, find_hook
from llmcfg.git.comfort.drivers import (
    MERGE,
    MERGE_DOCUMENTS,
    TEXTCONV,
    caching_drivers,
    is_runnable,
    kept_texts,
    program_of,
)
from llmcfg.model.check import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmcfg.git.program import Git

_INSTALL: Final = "llmcfg hooks install"


def check_hooks(git: Git, root: Path) -> Iterator[Check]:
    """One check for each part, and one for each place where Git keeps decrypted text. `root` holds the configuration."""
    yield _attributes(git, root)
    yield _driver("document driver", program_of(git, MERGE_DOCUMENTS), "documents are merged by lines")
    yield _driver("merge driver", program_of(git, MERGE), "secret files are merged as text, and always conflict")
    yield _driver("diff driver", program_of(git, TEXTCONV), "secret files are shown as ciphertext")
    yield _commit_check(git)
    yield from check_kept_texts(git)


def summarise_hooks(git: Git, root: Path) -> Iterator[Check]:
    """The same in one line where nothing is missing, for among other checks. Nothing where attributes do not name the drivers."""
    if has_secret_attributes(git, root):
        missing = [check for check in check_hooks(git, root) if check.verdict is Verdict.WARN]
        if missing:
            names = ", ".join(check.name for check in missing)
            yield warn(
                "hooks", f"this clone lacks what .gitattributes names, or the check of commits: {names}", _hint(missing)
            )
        else:
            yield ok("hooks", "documents and secret files are merged by key, and commits are checked for secrets")
    yield from check_kept_texts(git)


def check_kept_texts(git: Git) -> Iterator[Check]:
    for name in caching_drivers(git):
        yield fail(
            "kept text",
            f"Git keeps what the diff driver {name} prints, in refs/notes/textconv/{name}: plaintext, if it decrypts",
            f"git config diff.{name}.cachetextconv false",
        )
    for ref in kept_texts(git):
        yield fail(
            "kept text",
            f"{ref} holds what a diff driver printed: plaintext, if it decrypted",
            f"git update-ref -d {ref}; if it was ever pushed, rotate the secrets that were shown",
        )


def _attributes(git: Git, root: Path) -> Check:
    if has_attributes(git, root):
        return ok("attributes", f"{FILE} names the drivers for documents and secret files")
    return warn("attributes", f"{FILE} does not name the drivers for documents and secret files", _INSTALL)


def _driver(name: str, program: str | None, otherwise: str) -> Check:
    if program is None:
        return warn(name, f"not set, so {otherwise}", _INSTALL)
    if not is_runnable(program):
        return warn(name, f"{program} cannot be run, so {otherwise}", _INSTALL)
    return ok(name, program)


def _commit_check(git: Git) -> Check:
    hook = find_hook(git)
    match hook.state:
        case "ours" | "calls us":
            return ok("pre-commit", str(hook.path))
        case "foreign":
            return warn(
                "pre-commit", f"{hook.path} was not made by llmcfg, and does not look for secrets", f"add to it: {LINE}"
            )
        case "elsewhere":
            return warn("pre-commit", f"hooks are in {hook.path.parent}, which other repositories may share",
                         f"add to its pre-commit: {LINE}")  # fmt: skip
        case "missing":
            return warn("pre-commit", "nothing looks for secrets in what is committed", _INSTALL)


def _hint(checks: list[Check]) -> str:
    return "; ".join(dict.fromkeys(check.hint for check in checks))
