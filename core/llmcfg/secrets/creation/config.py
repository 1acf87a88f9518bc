"""Where `.sops.yaml` is: in the folder of the file or above it, as many folders up as sops looks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.secrets.creation.rules import CONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "SOPS_CONFIG"
_MISNAMED: Final = ".sops.yml"
_FOLDERS: Final = 100


class FoundConfig(NamedTuple):
    """`path` is None where there is none; `warning` is about a file that sops does not read for its name."""

    path: Path | None
    warning: str = ""


def find_config(folder: Path, environment: Mapping[str, str], said: Path | None = None) -> FoundConfig:
    """The configuration for a file in `folder`: the one that the caller names, else that of SOPS_CONFIG, else the nearest."""
    named = said or (Path(environment[VARIABLE]) if environment.get(VARIABLE) else None)
    if named is not None:
        return FoundConfig(named)
    misnamed: Path | None = None
    for above in _upwards(folder):
        if (above / CONFIG).exists():
            return FoundConfig(above / CONFIG, _warning(misnamed))
        if misnamed is None and (above / _MISNAMED).exists():
            misnamed = above / _MISNAMED
    return FoundConfig(None, _warning(misnamed))


def path_for_rules(file: Path, config: Path) -> str:
    """How creation rules see a file: its path from the folder of the configuration, or the whole path outside of it.

    Symbolic links are not followed, since sops does not.
    """
    return _plain(file).as_posix().removeprefix(f"{_plain(config.parent).as_posix().rstrip('/')}/")


def _upwards(folder: Path) -> list[Path]:
    here = _plain(folder)
    return [here, *here.parents][:_FOLDERS]


def _plain(path: Path) -> Path:
    """Absolute and without `..`."""
    return Path(os.path.normpath(path.absolute()))


def _warning(misnamed: Path | None) -> str:
    return f"{misnamed} is not read: the file has to be called {CONFIG}" if misnamed else ""
