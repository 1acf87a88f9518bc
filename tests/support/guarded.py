"""A repository whose secrets are canaries, and commands on it, each of which is watched and followed by a search of all that there is."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from llmcfg.secrets.age import generate_identity
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType
from support.canaries import Leak, Search, make_canaries
from support.commands import COMMANDS
from support.sealed import MOMENT
from support.watched import Programs, Ran, run_watched
from support.written import WrittenRepository

LLMCFG: Final = Path(sys.executable).with_name("llmcfg")
NAMES: Final = {"openai": "plain", "b64": "base64", "pem": "lines", "sh": "shell", "wide": "wide", "pin": "digits"}
SECRETS: Final = "base/secrets/secrets.yaml"
_SPARED: Final = ("given", "taken", "keys", "bin")  # what a test wrote there, or asked for
_MANIFEST: Final = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: guarded
environments: {dev: {track: {branch: main}}, prod: {}}
sinks: [{directory: {path: "delivered/{environment}", keep: 2}}]
"""
_TEMPLATE: Final = "{% for name in config.gateway %}{{ name }}={{ config.gateway[name] | env_quote }}\n{% endfor %}"


@dataclass(frozen=True)
class Step:
    """A command line, as it is typed.

    `stdin` is the name of a canary. `prints` are the beginnings of the names of those that stdout is for, all of which have to be there.
    `is_stranger`: somebody whose key opens nothing runs it. `gives_away`: whoever typed this put a secret on the command line or into the
    environment, where the process itself has it, and for a moment what it forks. `until` is a file at which it gets SIGTERM.
    """

    line: str
    code: int = 0
    stdin: str = ""
    prints: str = ""
    is_stranger: bool = False
    gives_away: bool = False
    until: str = ""
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def command(self) -> str:
        """Its name in the command table; empty for another program."""
        return max((name for name, _ in COMMANDS if f"{self.line} ".startswith(f"{name} ")), key=len, default="")


Scene: TypeAlias = "tuple[Step | Callable[[Guarded], None], ...]"


class Guarded:
    """The repository, three keys, and canaries: those that are secrets at the start (`old`, `prod`), and others."""

    def __init__(self, folder: Path, memory: Path) -> None:
        self.folder, self.memory = folder, memory
        self.canaries = {
            name: value for prefix in ("old", "new", "prod") for name, value in make_canaries(prefix).items()
        }
        keys = {name: generate_identity() for name in ("ada", "bob", "machine", "stranger")}
        self.ada, self.bob, self.machine, _ = keys.values()
        for name in ("given", "taken", "keys", "home", "tmp", "config", "cache", "data", "state"):
            (folder / name).mkdir()
        for name, key in keys.items():
            self._write_key(name, key.reveal())
            self.canaries[f"key.{name}"] = key.reveal().encode()
        self.search = Search(self.canaries)
        self.programs = Programs(folder / "bin")
        self.programs.make("print-key", f"cat {folder}/keys/ada.txt")
        self.editor("true")
        self.cleartext: set[Path] = set()
        self.repository = WrittenRepository(folder / "repo", {})
        self.root = self.repository.path
        self._write_repository()

    def run(self, step: Step) -> set[Leak]:
        """What leaked from the command into anywhere."""
        line = self.filled(step.line)
        words = shlex.split(line)
        ran = run_watched(
            words if words[0] == "git" else [str(LLMCFG), *words],
            folder=self.root,
            environment={
                **self._environment(step.is_stranger),
                **{name: self.filled(value) for name, value in step.environment},
            },
            programs=self.programs,
            stdin=self.canaries[step.stdin] if step.stdin else None,
            end_when=self.folder / step.until if step.until else None,
        )
        assert ran.exit_code == step.code, f"{line}: {ran.exit_code} {ran.stdout.decode()} {ran.stderr.decode()}"
        assert ran.cores <= {"0"}, f"{line} may leave a core dump"
        return {*self._leaks_of_output(step, ran), *self._leaks_of_processes(step, ran), *self.leaks()}

    def leaks(self) -> Iterator[Leak]:
        """What is in any file, by name or content, and in what Git keeps."""
        for top in (*(place for place in self.folder.iterdir() if place.name not in _SPARED), self.memory):
            for place in (top, *top.rglob("*")):
                yield from self.search.find(os.fsencode(place.name), f"the name of {place}")
                if place.is_file() and "objects" not in place.parts and place not in self.cleartext:
                    yield from self.search.find(place.read_bytes(), str(place))
        for objects in self.folder.rglob("objects/pack"):
            yield from self.search.find(_everything_kept_in(objects.parent.parent), "an object of Git")

    def filled(self, text: str) -> str:
        """With recipients, canaries and folders for their names in <>."""
        known = {
            **{name: str(self.folder / name) for name in ("given", "taken", "keys", "bin", "state")},
            **{name: str(getattr(self, name).recipient) for name in ("ada", "bob", "machine")},
            "ada's key": self.ada.reveal(),
            "canary": self.canaries["new.plain"].decode(),
        }
        for name, value in known.items():
            text = text.replace(f"<{name}>", value)
        return text

    def give(self, name: str, content: bytes) -> None:
        """A file with plaintext for a command to read."""
        (self.folder / "given" / name).write_bytes(content)

    def expose(self, path: str, content: bytes) -> None:
        """A file of the work tree that somebody wrote a secret into."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        self.cleartext.add(place)

    def editor(self, script: str) -> None:
        self.programs.make("edit", script)

    def git(self, *arguments: str) -> str:
        return self.repository.git(*arguments)

    def _leaks_of_output(self, step: Step, ran: Ran) -> set[Leak]:
        printed = self.search.find(ran.stdout, "stdout")
        meant = {name for name in self.canaries for start in step.prints.split() if name.startswith(start)}
        assert meant <= {leak.name for leak in printed}, (
            f"{step.line} does not print what it is for: {ran.stdout.decode()}"
        )
        return {leak for leak in printed if leak.name not in meant} | self.search.find(ran.stderr, "stderr")

    def _leaks_of_processes(self, step: Step, ran: Ran) -> Iterator[Leak]:
        for place, content in ran.seen.items():
            if not (step.gives_away and place.startswith(("it.", "a child.", "starter-of-"))):
                yield from self.search.find(content, place)

    def _environment(self, is_stranger: bool) -> dict[str, str]:
        mine = {"LLMCFG_AGE_KEY_FILE": f"{self.folder}/keys/stranger.txt"}
        command = {"SOPS_AGE_KEY_CMD": f"{self.folder}/bin/print-key"}
        return {
            "PATH": f"{self.programs.folder}{os.pathsep}{LLMCFG.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": f"{self.folder}/home",
            "TMPDIR": f"{self.folder}/tmp",
            **{f"XDG_{name.upper()}_HOME": f"{self.folder}/{name}" for name in ("config", "cache", "data", "state")},
            "XDG_RUNTIME_DIR": str(self.memory),
            "EDITOR": f"{self.folder}/bin/edit",
            "GIT_CONFIG_NOSYSTEM": "1",
            "LLMCFG_DEBUG": "1",
            **(mine if is_stranger else command),
            **{name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "COV_"))},
        }

    def _write_key(self, name: str, text: str) -> None:
        place = self.folder / "keys" / f"{name}.txt"
        place.write_text(f"{text}\n")
        place.chmod(0o600)

    def _write_repository(self) -> None:
        gateway = "timeout: 30\n" + "".join(f'{name}: "{{{{secret:{name}}}}}"\n' for name in NAMES)
        consumer = f"select: [gateway]\nrecipients: [{self.machine.recipient}]\n"
        output = "outputs: [{path: gateway.env, template: templates/gateway.env.j2, opened: true}]\n"
        self.repository.commit(
            {
                "llmcfg.yaml": _MANIFEST,
                ".sops.yaml": f"creation_rules:\n  - age: [{self.ada.recipient}, {self.bob.recipient}]\n",
                "base/gateway.yaml": gateway,
                SECRETS: self.sealed("old"),
                "environments/prod/secrets/secrets.yaml": self.sealed("prod"),
                "consumers/gateway.yaml": f"apiVersion: llmcfg.dev/v1\nkind: Consumer\n{consumer}{output}",
                "templates/gateway.env.j2": _TEMPLATE,
            }
        )

    def sealed(self, prefix: str) -> str:
        recipients = [self.ada.recipient.text, self.bob.recipient.text]
        return encrypt_file(self.plain(prefix), FileType.YAML, recipients, MOMENT).decode()

    def plain(self, prefix: str) -> bytes:
        """A YAML file with all secrets."""
        lines = (f"{name}: {_yaml(self.canaries[f'{prefix}.{shape}'].decode())}\n" for name, shape in NAMES.items())
        return "".join(lines).encode()


def _yaml(text: str) -> str:
    if text.isdigit():
        return text
    return json.dumps(text, ensure_ascii=False)


def _everything_kept_in(git_folder: Path) -> bytes:
    arguments = ["git", "--git-dir", str(git_folder), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(arguments, capture_output=True, check=True).stdout
