"""A host that follows a remote and delivers to every kind of sink, run as people run it: real processes, a real remote.

Its settings lie beside it, so a host that was prepared once can be copied, with everything that it follows and delivers to.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from llmcfg.bundlefile.files import BUNDLE_FILE
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.errors import NotFoundError
from llmcfg.sinks.delivered import read_delivered
from llmcfg.sinks.directory import DirectorySink
from support.servers import Consumer
from support.written import WrittenRepository

MANIFEST: Final = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: test
environments:
  dev: {track: {branch: main}}
sinks:
  - directory: {path: "delivered/{environment}", open: true}
  - http: {endpoint: gateway}
  - git: {repository: fleet, branch: "rendered/{environment}", path: here}
"""
CONSUMER: Final = "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\nafter_apply: program\n"
LONG: Final = 120.0  # seconds until something that should happen is said not to
KILLED: Final = -signal.SIGKILL
BUNDLE: Final = "_shared/api"
_TESTS: Final = str(Path(__file__).resolve().parent.parent)


def limits(number: int) -> dict[str, str]:
    return {"base/limits.yaml": f"rpm: {number}\n"}


class Host:
    """`folder` holds the remote, a clone to push from, a repository that is delivered to, and the host's own files."""

    def __init__(self, folder: Path, consumer: Consumer, url: str) -> None:
        self.folder = folder
        self.consumer = consumer
        self.remote = folder / "remote.git"
        self.fleet = folder / "fleet.git"
        self.own = folder / "own"
        self.settings = folder / "settings.yaml"
        self.program = ["-m", "llmcfg_cli"]
        self.programs = ""  # a folder that is looked into before those of the machine
        if not folder.exists():
            folder.mkdir(parents=True)
            self._make()
        self.own.mkdir(exist_ok=True)
        self._write_settings(url)
        self.clone = WrittenRepository.__new__(WrittenRepository)
        self.clone.path = folder / "clone"
        self.clone._clock = 1_700_009_000

    def copy(self, folder: Path, url: str) -> Host:
        shutil.copytree(self.folder, folder, symlinks=True)
        copied = Host(folder, self.consumer, url)
        copied.clone.git("remote", "set-url", "origin", str(copied.remote))
        return copied

    def keep_record(self) -> None:
        """Put on record from now on what is done here."""
        self.settings.write_text(f"{self.settings.read_text()}audit: {{}}\n")

    def push(self, number: int) -> str:
        commit = self.clone.commit(limits(number))
        self.clone.git("push", "-q", "origin", "main")
        return commit

    def run(self, *arguments: str, failpoints: str = "", at: Path | None = None) -> int:
        """The exit code of `llmcfg` with these arguments; a negative number when it was killed."""
        done = subprocess.run(
            [sys.executable, *self.program, *arguments],
            cwd=at or self.folder,
            env=self.environment(failpoints),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONG,
        )
        self.said = done.stdout + done.stderr
        return done.returncode

    def sync(self, failpoints: str = "") -> int:
        return self.run("sync", "--once", "-q", "--settings", str(self.settings), failpoints=failpoints)

    def start(self, failpoints: str = "", log: str = "log") -> subprocess.Popen[bytes]:
        """The daemon; what it says goes to a file."""
        with (self.folder / log).open("wb") as out:
            return subprocess.Popen(
                [sys.executable, *self.program, "sync", "--settings", str(self.settings)],
                cwd=self.folder,
                env=self.environment(failpoints),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def environment(self, failpoints: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PYTHONPATH"))}
        path = ":".join(filter(None, [self.programs, os.environ["PATH"]]))
        own = {"PATH": path, "HOME": str(self.own), "GIT_CONFIG_NOSYSTEM": "1"}
        kept["PYTHONPATH"] = ":".join(filter(None, [_TESTS, kept.get("PYTHONPATH", "")]))
        return {**own, **kept, "XDG_RUNTIME_DIR": str(self.own), "LLMCFG_FAILPOINTS": failpoints}

    def misbehave(self, bug: str) -> None:
        """Run the program with a bug of misbehaving.py."""
        self.program = ["-m", "faults.misbehaving", bug]

    def be_overtaken(self) -> str:
        """Somebody else's push to the deployed branch comes right before the host's own; the commit that they push."""
        git = shutil.which("git")
        tip = self.clone.git("ls-remote", "origin", "deployed/dev").split()[0]
        self.clone.git("fetch", "-q", "origin", "deployed/dev")
        message = self.clone.git("log", "-1", "--format=%B", tip)
        other = self.clone.git("commit-tree", f"{tip}^{{tree}}", "-p", tip, "-m", message)
        self.programs = str(self.folder / "programs")
        script = self.folder / "programs/git"
        script.parent.mkdir()
        script.write_text(f"""\
#!/bin/sh
first() (
    mkdir {self.folder}/raced && cd {self.clone.path} && env -i PATH="$PATH" {git} push -q origin {other}:refs/heads/deployed/dev
)
case " $* " in *" push "*" {self.remote} "*) first 2>/dev/null ;; esac
exec {git} "$@"
""")
        script.chmod(0o755)
        return other

    def be_unwell(self, number: int | None) -> None:
        """The program behind the hook is not well with this configuration."""
        (self.folder / "unwell").write_text(f'"rpm":{number}}}' if number is not None else "nothing")

    # what there is to see

    def recorded(self) -> list[tuple[str, str]]:
        """Acts and their outcomes, of a record that is sound; none where it was not begun."""
        repository = str(self.own / "state/repository.git")
        if self.run("audit", "verify", "-C", repository) == NotFoundError.exit_code:
            return []
        assert self.run("audit", "verify", "-C", repository) == 0, self.said
        assert self.run("audit", "export", "-C", repository) == 0, self.said
        return [(entry["act"], entry["outcome"]) for entry in map(json.loads, self.said.splitlines())]

    def delivered(self) -> int | None:
        """The number that a program reads from the directory, which has to be a whole bundle; None when nothing is there."""
        current = self.own / "delivered/dev/current"
        if not current.is_symlink():
            return None
        folder = current.resolve() / BUNDLE
        read_delivered(folder)
        open_bundle(folder / BUNDLE_FILE).verify()
        return _number((folder / "config/limits.json").read_bytes())

    def posted(self) -> int | None:
        taken = self.consumer.files() if self.consumer.taken else None
        return None if taken is None else _number(taken[f"{BUNDLE}/config/limits.json"])

    def branched(self) -> int | None:
        return self._number_in(self.fleet, "rendered/dev", f"here/{BUNDLE}")

    def deployed(self) -> int | None:
        """By the deployed branch of the remote."""
        return self._number_in(self.remote, "deployed/dev", BUNDLE)

    def states(self) -> list[int]:
        """What the deployed branch ran, oldest first."""
        commits = self._git(self.remote, "rev-list", "--reverse", "deployed/dev").split()
        return [number for commit in commits if (number := self._number_in(self.remote, commit, BUNDLE)) is not None]

    def is_deployed(self, commit: str) -> bool:
        return commit in self._git(self.remote, "rev-list", "deployed/dev").split()

    def tip(self) -> str:
        return self._git(self.remote, "rev-parse", "-q", "--verify", "deployed/dev")

    def leftovers(self) -> list[str]:
        """What nobody needs and nobody removed."""
        found = [path for path in self.folder.rglob("*.lock") if path.name != "lock" and ".git" in str(path)]
        found += self.folder.rglob("*.new")
        found += [path for path in (self.own / "state").rglob("*.tmp") if "repository.git" not in str(path)]
        found += DirectorySink(self.own / "delivered/dev").leftovers()
        return [str(path) for path in found]

    def damage(self) -> list[str]:
        """What git finds wrong with the repositories. Objects that nothing names are no damage."""
        said = []
        for path in (self.remote, self.fleet, self.own / "state/repository.git"):
            if path.is_dir():
                out = self._git(path, "fsck", "--strict", "--no-dangling", "--connectivity-only")
                said += [f"{path.name}: {line}" for line in out.splitlines() if "notice" not in line]
        return said

    def _number_in(self, repository: Path, commit: str, folder: str) -> int | None:
        text = self._git(repository, "cat-file", "blob", f"{commit}:{folder}/config/limits.json")
        return _number(text.encode()) if text else None

    def _git(self, repository: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=repository, capture_output=True, text=True, env=self.environment("")
        )
        return done.stdout.strip()

    def _make(self) -> None:
        clone = WrittenRepository(
            self.folder / "clone", {"llmcfg.yaml": MANIFEST, "consumers/api.yaml": CONSUMER, **limits(1)}
        )
        clone.git("clone", "-q", "--bare", "--template=", ".", str(self.remote))
        clone.git("remote", "add", "origin", str(self.remote))
        self.fleet.mkdir()
        self._git(self.fleet, "init", "-q", "--bare", "--template=")

    def _write_settings(self, url: str) -> None:
        self.be_unwell(None)
        probe = f'! grep -q -F -f {self.folder}/unwell "$1/config/limits.json"'
        self.settings.write_text(f"""\
apiVersion: llmcfg.dev/v1
kind: Sync
remote: {{url: "{self.remote}"}}
state: {self.own}/state
deliver_to: {self.own}
opened: {self.own}/opened
poll: 1
endpoints:
  gateway: {{url: "{url}"}}
repositories:
  fleet: {{url: "{self.fleet}"}}
hooks:
  program:
    probe: {{command: [/bin/sh, -c, '{probe}', probe, "{{bundle}}"], seconds: 5}}
""")


def _number(content: bytes) -> int:
    """The one number of the configuration, which is all of it."""
    text = content.decode().strip()
    assert text.startswith('{"rpm":'), f"not what was written: {text}"
    assert text.endswith("}"), f"cut off: {text}"
    return int(text[7:-1])


def wait_until(holds: Callable[[], bool], what: str, facts: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline, f"{what}: never; {facts()}"
        time.sleep(0.02)


def end(daemon: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    daemon.send_signal(number)
    return daemon.wait(LONG)
