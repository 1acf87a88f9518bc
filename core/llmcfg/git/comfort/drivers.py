"""The settings of a clone that say how Git merges documents, and merges and shows secret files.

They are made in the repository's own settings, which its linked work trees share. That Git never keeps what the diff driver printed
(`cachetextconv`) is always written, whatever other settings say.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.git.program import Git

DOCUMENTS: Final = "llmcfg"
SECRETS: Final = "llmcfg-secret"
MERGE_DOCUMENTS: Final = f"merge.{DOCUMENTS}.driver"
MERGE: Final = f"merge.{SECRETS}.driver"
TEXTCONV: Final = f"diff.{SECRETS}.textconv"
_OURS: Final = {
    MERGE_DOCUMENTS: re.compile(r"(.+) merge-driver %O %A %B %P"),
    MERGE: re.compile(r"(.+) secret merge %O %A %B %P"),
    TEXTCONV: re.compile(r"(.+) secret outline"),
}
_CACHING: Final = re.compile(r"diff\.(.+)\.cachetextconv")
_TRUE: Final = frozenset({"", "true", "yes", "on", "1"})


def driver_settings(program: str) -> Mapping[str, str]:
    """The settings for a path of llmcfg."""
    word = shlex.quote(program)
    merging = word.replace("%", "%%")
    return {
        f"merge.{DOCUMENTS}.name": "documents by key (llmcfg)",
        MERGE_DOCUMENTS: f"{merging} merge-driver %O %A %B %P",
        f"merge.{SECRETS}.name": "secret files by key (llmcfg)",
        MERGE: f"{merging} secret merge %O %A %B %P",
        TEXTCONV: f"{word} secret outline",
        f"diff.{SECRETS}.cachetextconv": "false",
    }


def set_drivers(git: Git, program: str) -> bool:
    """Whether anything had to be set."""
    own = _settings(git, "--local")
    wanted = driver_settings(program)
    changed = {name: value for name, value in wanted.items() if own.get(name) != value}
    for name, value in changed.items():
        git.run("config", "--local", "--replace-all", name, value)
    return bool(changed)


def unset_drivers(git: Git) -> bool:
    """Remove the settings that `set_drivers` made for any path; whether there were any. A driver of that name that is not ours stays."""
    own = _settings(git, "--local")
    ours = [name for name, pattern in _OURS.items() if pattern.fullmatch(own.get(name, ""))]
    kinds = tuple(f"{name.rpartition('.')[0]}." for name in ours)
    found = [name for name in driver_settings("llmcfg") if name in own and name.startswith(kinds)]
    for name in found:
        git.run("config", "--local", "--unset-all", name)
    return bool(found)


def program_of(git: Git, setting: str) -> str | None:
    """The path of llmcfg in a driver's setting as Git has it, from whichever file; None where the setting is missing or not ours."""
    found = _OURS[setting].fullmatch(_settings(git).get(setting, ""))
    if found is None:
        return None
    words = shlex.split(found[1])
    return words[0] if setting == TEXTCONV else words[0].replace("%%", "%")


def is_runnable(program: str) -> bool:
    from shutil import which

    return which(program) is not None


def caching_drivers(git: Git) -> list[str]:
    """The diff drivers whose output Git keeps in the repository."""
    found = ((_CACHING.fullmatch(name), value) for name, value in _settings(git).items())
    return sorted(match[1] for match, value in found if match and value.lower() in _TRUE)


def kept_texts(git: Git) -> list[str]:
    """The refs under which Git keeps what diff drivers printed: with `sops -d` as a driver, plaintext."""
    return git.run("for-each-ref", "--format=%(refname)", "refs/notes/textconv/").decode().split()


def _settings(git: Git, *scope: str) -> Mapping[str, str]:
    """The last value of each; a name without a value is true, as for Git."""
    found: dict[str, str] = {}
    for field in git.fields("config", *scope, "--list", "-z", codes=(0, 1)):
        name, _, value = field.partition("\n")
        found[name] = value
    return found
