"""Whether the command line of an MCP server runs one version of its package, or whichever is newest.

Runners are those of npm, Python and containers. What lies on the machine, and what a program other than these runs, is nobody's newest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from llmcfg.llm.rules.ground import is_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Source = Literal["npm", "npm-git", "python", "python-git", "image"]


class _Runner(NamedTuple):
    """`naming` are the options that name the package, `valued` others that take a value, `verb` is the subcommand that runs one."""

    kind: Literal["npm", "python", "image"]
    naming: frozenset[str]
    valued: frozenset[str]
    verb: str = ""


_NPM: Final = _Runner("npm", frozenset({"-p", "--package"}), frozenset({"-c", "--call", "-w", "--workspace"}))
_UVX: Final = _Runner(
    "python",
    frozenset({"--from"}),
    frozenset({"-p", "--python", "--with", "-w", "--index", "--default-index", "--index-url", "-i", "--env-file", "--directory"}),
)  # fmt: skip
_PIPX: Final = _Runner(
    "python", frozenset({"--spec"}), frozenset({"--python", "--index-url", "-i", "--pip-args"}), "run"
)
_DOCKER: Final = _Runner(
    "image",
    frozenset(),
    frozenset(
        {
            "-e", "--env", "--env-file", "-v", "--volume", "--mount", "--tmpfs", "--network", "--net", "--name", "-p", "--publish", "-w",
            "--workdir", "-u", "--user", "--add-host", "--entrypoint", "-l", "--label", "--platform", "--gpus", "-m", "--memory", "--cpus",
            "--pull", "-h", "--hostname", "--security-opt", "--cap-add", "--cap-drop", "--dns", "--restart", "--device", "--shm-size",
        }
    ),
    "run",
)  # fmt: skip
_RUNNERS: Final[Mapping[str, _Runner]] = {
    "npx": _NPM, "bunx": _NPM, "pnpx": _NPM, "uvx": _UVX, "pipx": _PIPX, "docker": _DOCKER, "podman": _DOCKER,
}  # fmt: skip
_LOCAL: Final = re.compile(r"[./~\\]|file:|[A-Za-z]:\\")
_NPM_GIT: Final = re.compile(r"(git\+|git://|github:|gitlab:|bitbucket:|https?://|[\w.-]+/[\w.-]+(#|$))")
_PINNED: Final[Mapping[Source, re.Pattern[str]]] = {
    "npm": re.compile(r"(@[^/@]+/)?[^@]+@v?\d+(\.\d+)*[\w.+-]*"),
    "npm-git": re.compile(r"[^#]+(#([0-9a-f]{7,40}|(semver:)?v?\d[\w.+-]*)|\.tgz)"),
    "python": re.compile(r"[^@=<>~!]+(==|@)v?\d[\w.+-]*"),
    "python-git": re.compile(r"git\+\S+@([0-9a-f]{7,40}|v?\d[\w.+-]*)(#\S*)?"),
    "image": re.compile(r".+@sha256:[0-9a-f]{64}|.+:v?\d[\w.-]*"),
}


class Loose(NamedTuple):
    """A package that is not pinned, and how it would be."""

    package: str
    pinned: str


def find_loose(command: str, args: Sequence[str]) -> Loose | None:
    runner = _RUNNERS.get(command.rsplit("/", 1)[-1])
    package = _package(runner, args) if runner else ""
    if runner is None or not package or is_reference(package) or _LOCAL.match(package):
        return None
    source = _source(runner, package)
    return None if _PINNED[source].fullmatch(package) else Loose(package, _pinned(source, package))


def _package(runner: _Runner, args: Sequence[str]) -> str:
    """What an option names; without one, the first argument that is none. Empty where nothing is run."""
    first, is_running, skip = "", not runner.verb, False
    for index, arg in enumerate(args):
        option, equals, value = arg.partition("=")
        if skip:
            skip = False
        elif option in runner.naming:
            return value if equals else next(iter(args[index + 1 :]), "")
        elif arg in runner.valued:
            skip = True
        elif arg.startswith("-") or first:
            continue
        elif not is_running:
            if arg != runner.verb:
                return ""
            is_running = True
        else:
            first = arg
    return first


def _source(runner: _Runner, package: str) -> Source:
    if runner.kind == "npm":
        return "npm-git" if _NPM_GIT.match(package) else "npm"
    if runner.kind == "python":
        return "python-git" if package.startswith("git+") else "python"
    return "image"


def _pinned(source: Source, package: str) -> str:
    match source:
        case "npm":
            return f"{re.sub('(?<=.)@.*', '', package)}@1.2.3"
        case "npm-git":
            return f"{package.partition('#')[0]}#<commit>"
        case "python":
            return f"{re.split('[@=<>~!]', package)[0].strip()}==1.2.3"
        case "python-git":
            return f"{re.sub('@[^@/]*$', '', package.partition('#')[0])}@<commit>"
        case "image":
            return f"{re.sub('(@.*|:[^:/]*)$', '', package)}@sha256:…"
