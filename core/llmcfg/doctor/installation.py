"""Checks of the installation: Python, the packages that llmcfg stands on, the git program, the files that come with llmcfg."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Final

from llmcfg import __version__
from llmcfg.model.check import Check, Verdict
from llmcfg.resources import data_folder
from llmcfg.starter import starter_files

if TYPE_CHECKING:
    from collections.abc import Iterator

_OLDEST_PYTHON: Final = (3, 11)
_OLDEST_GIT: Final = (2, 28)  # `git init --initial-branch`
_MODULES: Final = {"pyyaml": "yaml._yaml", "ruamel-yaml": "ruamel.yaml", "ruamel.yaml": "ruamel.yaml"}
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)\s*([^;]*)(;.*)?")
_CLAUSE: Final = re.compile(r"(>=|<=|==|!=|<|>)\s*([0-9.]+)")
_SCHEMAS: Final = ("manifest.schema.json", "consumer.schema.json")


def check_installation() -> Iterator[Check]:
    yield _python()
    yield _packages()
    yield _git_program()
    yield _shipped_files()


def _python() -> Check:
    text = f"llmcfg {__version__}, Python {platform.python_version()} on {sys.platform}, {sys.prefix}"
    if sys.version_info < _OLDEST_PYTHON:
        return _fail("python", text, "install Python 3.11 or newer")
    return _ok("python", text)


def _packages() -> Check:
    try:
        required = [line for line in metadata.requires("llmcfg") or () if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        return _warn(
            "packages", "llmcfg runs from its sources, so nothing says which packages it needs", "pip install ."
        )
    troubles = [trouble for trouble in map(_trouble_of, required) if trouble]
    if troubles:
        return _fail("packages", "; ".join(troubles), "pip install --force-reinstall llmcfg")
    from llmcfg.git.opening import LIBGIT2_VERSION

    pygit2 = metadata.version("pygit2")
    return _ok("packages", f"{len(required)} as required; pygit2 {pygit2} with libgit2 {LIBGIT2_VERSION}")


def _trouble_of(requirement: str) -> str:
    """Why a package is not as it is required; empty if it is."""
    match = _REQUIREMENT.fullmatch(requirement)
    assert match is not None, requirement
    name, wanted = match[1], match[2].strip()
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    if not all(_satisfies(version, operator, bound) for operator, bound in _CLAUSE.findall(wanted)):
        return f"{name} is {version}, needed is {wanted}"
    try:
        import_module(_MODULES.get(name.lower(), name.lower().replace("-", "_")))
    except ImportError as error:
        return f"{name} {version} does not load: {error}"
    return ""


def _satisfies(version: str, operator: str, bound: str) -> bool:
    have, want = _numbers(version), _numbers(bound)
    length = max(len(have), len(want))
    have, want = (numbers + (0,) * (length - len(numbers)) for numbers in (have, want))
    return {
        ">=": have >= want,
        "<=": have <= want,
        "==": have == want,
        "!=": have != want,
        "<": have < want,
        ">": have > want,
    }[operator]


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _git_program() -> Check:
    program = shutil.which("git")
    if program is None:
        return _fail("git", "there is no git program on the PATH", "install git")
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return _fail("git", f"{program} does not run: {error}", "install git anew")
    version = re.search(r"\d+(\.\d+)+", said)
    text = f"{version[0] if version else said.strip()}, {program}"
    if version and _numbers(version[0]) < _OLDEST_GIT:
        return _warn(
            "git", f"{text} is older than 2.28", "install a newer git, or run git init yourself before llmcfg init"
        )
    return _ok("git", text)


def _shipped_files() -> Check:
    """Schemas, templates and the starter repository, which lie in the wheel or beside the sources."""
    schemas = data_folder("schemas")
    try:
        for name in _SCHEMAS:
            json.loads((schemas / name).read_bytes())
        count = len(starter_files("check"))
    except (OSError, ValueError) as error:
        return _fail("files", f"what comes with llmcfg is not whole: {error}", "pip install --force-reinstall llmcfg")
    return _ok("files", f"schemas, and {count} files of the starter repository, in {schemas.parent}")


def _ok(name: str, text: str) -> Check:
    return Check("installation", name, Verdict.OK, text)


def _warn(name: str, text: str, hint: str) -> Check:
    return Check("installation", name, Verdict.WARN, text, hint)


def _fail(name: str, text: str, hint: str) -> Check:
    return Check("installation", name, Verdict.FAIL, text, hint)
