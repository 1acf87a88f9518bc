"""Where figures were taken: the machine, the versions, the revision, and how busy it was."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
_LIBRARIES: Final = ("pygit2", "PyYAML", "yaml-rs", "msgspec", "jsonschema-rs", "typer")


class Machine(NamedTuple):
    processor: str
    processors: int
    memory_gib: float
    system: str
    revision: str
    versions: dict[str, str]


def read_machine() -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = {"Python": platform.python_version(), "git": said("git", "--version").removeprefix("git version ")}
    return Machine(
        processor=_processor(),
        processors=os.cpu_count() or 1,
        memory_gib=round(memory, 1),
        system=f"{platform.system()} {platform.release()}",
        revision=read_revision(),
        versions=versions | {name: version(name) for name in _LIBRARIES},
    )


def read_revision() -> str:
    """Of this checkout; `-dirty` where files differ from it."""
    return said("git", "-C", str(ROOT), "describe", "--always", "--dirty") or "unknown"


def load() -> float:
    """Processes that ran or wanted to, of the last minute."""
    return os.getloadavg()[0]


def headline() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load():.1f}"


def said(*command: str) -> str:
    """What it prints; nothing when it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
