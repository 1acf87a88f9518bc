"""A real repository with the real drivers and hook, an author with a key, and the llmcfg command that Git runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmcfg.secrets.age import generate_identity, parse_identities
from llmcfg.secrets.sops.edit import edit_values
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.model import file_type_of

MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
PROGRAM = Path(sys.executable).with_name("llmcfg")
FILE = "base/secrets/providers.yaml"


class Clone:
    """One work tree of one author. `identity` is the author's key; `environment` is all that its programs see."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        home.mkdir(parents=True, exist_ok=True)
        self.identity = generate_identity()
        self.key_file = home / "key.txt"
        self.key_file.write_text(f"{self.identity.reveal()}\n")
        self.key_file.chmod(0o600)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LLMCFG_AGE_KEY_FILE": str(self.key_file),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            "GIT_EDITOR": "true",
            **{name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "COV_"))},
        }

    def run(self, *command: str, code: int | None = 0, stdin: bytes = b"", at: Path | None = None) -> str:
        """What it printed on both streams; `code` None takes any."""
        done = subprocess.run(
            command, cwd=at or self.root, env=self.environment, input=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, timeout=120,
        )  # fmt: skip
        said = done.stdout.decode("utf-8", "replace")
        assert code is None or done.returncode == code, said
        return said

    def git(self, *arguments: str, code: int | None = 0, at: Path | None = None) -> str:
        return self.run("git", *arguments, code=code, at=at)

    def llmcfg(self, *arguments: str, code: int | None = 0, stdin: bytes = b"", at: Path | None = None) -> str:
        return self.run(str(PROGRAM), *arguments, code=code, stdin=stdin, at=at)

    def init(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def write(self, path: str, content: str | bytes) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)

    def seal(self, text: str, path: str = FILE, *recipients: str) -> None:
        """Make a secret file for the author, and for others."""
        names = [self.identity.recipient.text, *recipients]
        self.write(path, encrypt_file(text.encode(), file_type_of(path), names, MOMENT))

    def edit(self, changes: dict[str, object], path: str = FILE) -> None:
        """Set values by dotted keys."""
        place = self.root / path
        paths = {tuple(name.split(".")): value for name, value in changes.items()}
        place.write_bytes(edit_values(place.read_bytes(), file_type_of(path), [self.identity], paths, MOMENT))

    def commit(self, message: str = "change", *, checked: bool = False) -> str:
        """Commit everything. What only sets the scene is not `checked` by the hook, whose process would be started for nothing."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, *([] if checked else ["--no-verify"]))
        return self.git("rev-parse", "HEAD").strip()

    def plain(self, path: str = FILE) -> str:
        """The plaintext; the MAC is checked."""
        content = (self.root / path).read_bytes()
        return decrypt_file(content, file_type_of(path), parse_identities(self.key_file.read_text())).plain.decode()

    def everything_that_git_keeps(self) -> bytes:
        """All objects of the repository, and what lies in its folder beside them."""
        objects = self.git("cat-file", "--batch-all-objects", "--batch").encode()
        others = [path for path in (self.root / ".git").rglob("*") if path.is_file() and "objects" not in path.parts]
        return b"".join((objects, *(path.read_bytes() for path in others)))


@pytest.fixture
def bare_clone(tmp_path: Path) -> Clone:
    """An empty repository without drivers."""
    clone = Clone(tmp_path / "shop", tmp_path / "home")
    clone.init()
    return clone


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository with drivers and hook, of which each test has a copy."""
    folder = tmp_path_factory.mktemp("set_up")
    clone = Clone(folder / "shop", folder / "home")
    clone.init()
    clone.llmcfg("hooks", "install", "-q")
    return clone.root


@pytest.fixture
def ready_clone(set_up: Path, tmp_path: Path) -> Clone:
    """An empty repository with drivers and hook."""
    shutil.copytree(set_up, tmp_path / "shop")
    return Clone(tmp_path / "shop", tmp_path / "home")


@pytest.fixture
def clone(ready_clone: Clone) -> Clone:
    """With drivers, hook, and one secret file."""
    ready_clone.seal("# keys\nopenai: first\nmistral: second\n")
    ready_clone.commit("start")
    return ready_clone
