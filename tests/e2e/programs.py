"""Real programs that read what llmcfg writes, from environments of their own that `.ci/e2e` makes. Everything stays on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
SAMPLE: Final = PROJECT / "sample-repo"
LLMCFG: Final = Path(sys.executable).with_name("llmcfg")
PATIENCE: Final = 150  # seconds for a program of 300 MB to start on a machine that does other things too


class Answer(NamedTuple):
    status: int
    content: Any


def post(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return _send(
        urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})
    )


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    return _send(urllib.request.Request(url, headers=dict(headers or {})))


def _send(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return Answer(response.status, _content(response.read()))
    except urllib.error.HTTPError as error:
        return Answer(error.code, _content(error.read()))
    except (OSError, urllib.error.URLError) as error:
        return Answer(0, str(error))


def _content(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def wait_until(is_so: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode} before {what}")
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain until {what}"
        time.sleep(0.1)


class SampleCopy:
    """A copy of sample-repo under Git that is changed by commits and deployed by the command line, as a person would."""

    def __init__(self, folder: Path, settings: Path | None = None) -> None:
        shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("delivered", ".demo"))
        self.folder = folder
        self.settings = settings
        self._git("init", "--quiet", "--initial-branch=main")

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text, path
        self.write(path, text.replace(old, new))

    def commit(self, message: str) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        settings = ["--settings", str(self.settings)] if self.settings and arguments[0] in ("apply", "plan") else []
        environment = {**os.environ, "LLMCFG_AGE_KEY_FILE": str(self.folder / "demo-identity.txt"), "NO_COLOR": "1"}
        return subprocess.run(
            [LLMCFG, *arguments, *settings], cwd=self.folder, env=environment, input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def apply(self, environment: str = "dev") -> subprocess.CompletedProcess[str]:
        return self.run("apply", "-e", environment, "--yes")

    def deploy(self, message: str) -> None:
        """Commit and apply; both must go well."""
        self.commit(message)
        applied = self.apply()
        assert applied.returncode == 0, applied.stdout + applied.stderr

    def _git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, "-c", "core.hooksPath=/dev/null", *arguments], cwd=self.folder, check=True)
