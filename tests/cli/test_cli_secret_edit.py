"""`secret edit`: the plaintext is where only the user and the editor see it, and nothing of it is left, however the edit ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from llmcfg.errors import UsageError
from llmcfg.secrets.age import generate_identity
from llmcfg.secrets.plainfolder import PREFIX, memory_folders
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType
from llmcfg_cli.plaintext import choose_parent
from support.sealed import MOMENT
from support.terminal import Terminal
from support.written import WrittenRepository

CANARY = "sk-canary-of-an-edit"
SHM = Path("/dev/shm")
pytestmark = pytest.mark.skipif(not SHM.is_mount(), reason="there is no folder in memory here")


class Editing:
    """A repository with one secret, and a command line whose editor is a shell script; `left` are folders with plaintext."""

    def __init__(self, folder: Path, memory: Path) -> None:
        self.memory = memory
        identity = generate_identity()
        self.folder = folder
        self.written = WrittenRepository(folder / "shop", {})
        self.root = self.written.path
        self.file = self.root / "base/secrets/secrets.yaml"
        (self.root / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
        self.file.parent.mkdir(parents=True)
        sealed = encrypt_file(f"openai: {CANARY}\n".encode(), FileType.YAML, [identity.recipient.text], MOMENT)
        self.file.write_bytes(sealed)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LLMCFG_AGE_KEY": identity.reveal(),
            "SOPS_AGE_KEY": identity.reveal(),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "LOG": str(folder / "log"),
            "XDG_RUNTIME_DIR": str(memory),
        }

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def left(self) -> list[Path]:
        return [*self.memory.iterdir()]

    def editor(self, script: str) -> str:
        """A program for EDITOR; the file is its first argument."""
        program = self.folder / "editor"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return str(program)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "llmcfg_cli", "secret", *arguments]

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            text=True,
        )

    def edit(self, script: str, target: str = "base/secrets/secrets.yaml") -> subprocess.CompletedProcess[str]:
        return self.run("edit", target, EDITOR=self.editor(script))

    def value(self, name: str) -> str:
        return self.run("get", name, "--reason", "test", "--raw").stdout


@pytest.fixture
def editing(tmp_path) -> Iterator[Editing]:
    memory = Path(mkdtemp(dir=SHM))
    try:
        yield Editing(tmp_path, memory)
    finally:
        memory.rmdir()  # raises when something is left


def test_the_file_is_in_memory_and_for_its_user_only(editing) -> None:
    done = editing.edit('{ stat -c "%a %n" "$1" "$(dirname "$1")"; cat "$1"; } > "$LOG"')
    modes = editing.log.splitlines()
    assert modes[0].startswith(f"600 {editing.memory}/{PREFIX}")
    assert modes[1].startswith(f"700 {editing.memory}/{PREFIX}")
    assert f"openai: {CANARY}" in modes
    assert done.returncode == 0


def test_the_editor_gets_no_key_and_no_value_but_in_the_file(editing) -> None:
    editing.edit('{ env; tr "\\0" " " < /proc/$PPID/cmdline; tr "\\0" "\\n" < /proc/$$/environ; } > "$LOG"')
    assert "AGE-SECRET-KEY" not in editing.log
    assert CANARY not in editing.log
    assert "secret edit" in editing.log


def test_what_is_changed_in_the_editor_is_changed_in_the_file(editing) -> None:
    done = editing.edit("sed -i 's/canary/changed/' \"$1\"; echo 'mistral: new' >> \"$1\"")
    assert (done.returncode, done.stdout) == (0, "base/secrets/secrets.yaml\n")
    assert editing.value("openai") == CANARY.replace("canary", "changed")
    assert editing.value("mistral") == "new"
    assert CANARY not in done.stdout + done.stderr


def test_what_did_not_change_is_not_written(editing) -> None:
    before = editing.file.read_bytes()
    done = editing.edit('touch "$1"')
    assert (done.returncode, done.stdout, "nothing was changed" in done.stderr) == (0, "", True)
    assert editing.file.read_bytes() == before


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("echo '{' > \"$1\"", "error:"),
        ("echo 'sops: 1' > \"$1\"", "sops"),
        ("sed -i 's/canary/x/' \"$1\"; exit 3", "the editor ended with 3"),
        ('rm "$1"', "removed the file"),
        ("kill -9 $$", "ended with -9"),
    ],
)
def test_a_broken_edit_without_a_terminal_writes_nothing(editing, script, what) -> None:
    before = editing.file.read_bytes()
    done = editing.edit(script)
    assert done.returncode == 2
    assert what in done.stderr
    assert CANARY not in done.stderr
    assert editing.file.read_bytes() == before


def test_an_editor_that_is_not_there_is_named(editing) -> None:
    for editor in ("no-such-editor", "'"):
        done = editing.run("edit", "base/secrets/secrets.yaml", EDITOR=editor)
        assert done.returncode == 2
        assert "cannot be run" in done.stderr


def test_visual_is_asked_before_editor_and_may_have_options(editing) -> None:
    visual = editing.editor('echo "$@" > "$LOG"') + " -x"
    editing.run("edit", "openai", VISUAL=visual, EDITOR="false")
    assert editing.log.startswith("-x /")


def test_one_value_is_edited_without_the_newline_that_editors_add(editing) -> None:
    done = editing.edit("printf 'other\\n' > \"$1\"", "openai")
    assert (done.returncode, done.stdout) == (0, "base/secrets/secrets.yaml\n")
    assert editing.value("openai") == "other"
    before = editing.file.read_bytes()
    assert "nothing was changed" in editing.edit("printf 'other\\n' > \"$1\"", "openai").stderr
    assert editing.file.read_bytes() == before


def test_a_value_of_several_lines_keeps_its_last_newline(editing) -> None:
    editing.run("set", "openai", "--from-stdin", "--raw", stdin="a\nb\n")
    editing.edit('sed -i s/b/c/ "$1"', "openai")
    assert editing.value("openai") == "a\nc\n"


def test_a_new_file_is_made_by_the_rules_and_nothing_of_an_empty_one(editing) -> None:
    target = "environments/dev/secrets/new.yaml"
    assert "nothing was changed" in editing.edit('echo > "$1"', target).stderr
    assert not (editing.root / target).exists()
    assert editing.edit("echo 'key: value' > \"$1\"", target).returncode == 0
    assert "ENC[" in (editing.root / target).read_text()


def test_two_changes_at_the_same_time_both_count(editing) -> None:
    other = " ".join(editing.command("set", "mistral", "--generate", "uuid"))
    script = editing.editor(f'export LLMCFG_AGE_KEY="$KEY"; {other} > "$LOG" && sed -i s/canary/x/ "$1"')
    key = editing.environment["LLMCFG_AGE_KEY"]
    done = editing.run("edit", "base/secrets/secrets.yaml", EDITOR=script, KEY=key)
    assert done.returncode == 0, done.stderr
    assert editing.value("openai") == CANARY.replace("canary", "x")
    assert len(editing.value("mistral")) == 36


def test_a_sops_file_anywhere_can_be_edited(editing, tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere/other.json"
    other.write_text('{"key": "value"}')
    recipient = (editing.root / ".sops.yaml").read_text().split("age: ")[1].strip()
    assert editing.run("encrypt", "-i", "--age", recipient, str(other)).returncode == 0
    assert editing.edit('sed -i s/value/other/ "$1"', str(other)).returncode == 0
    assert '"other"' in editing.run("decrypt", str(other)).stdout


@pytest.mark.parametrize("target", ["base/secrets/x.ini", "base/secrets/x.age"])
def test_what_cannot_be_edited_as_a_file_is_refused(editing, target) -> None:
    (editing.root / target).write_text("x")
    assert editing.edit("true", target).returncode == 2


def test_without_a_key_nothing_is_opened(editing) -> None:
    done = editing.run("edit", "base/secrets/secrets.yaml", EDITOR="true", LLMCFG_AGE_KEY="", SOPS_AGE_KEY="")
    assert done.returncode == 5


def started(editing: Editing) -> tuple[subprocess.Popen[bytes], int]:
    """An edit whose editor waits: its process, and the editor's."""
    script = editing.editor('echo $$ > "$LOG.tmp"; mv "$LOG.tmp" "$LOG"; exec sleep 600')
    command = editing.command("edit", "base/secrets/secrets.yaml")
    process = subprocess.Popen(
        command, cwd=editing.root, env={**editing.environment, "EDITOR": script}, stderr=subprocess.DEVNULL
    )
    while not (editing.folder / "log").exists():
        assert process.poll() is None
    return process, int(editing.log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_wipes_and_ends_the_editor(editing, number) -> None:
    process, editor = started(editing)
    assert editing.left
    process.send_signal(number)
    assert process.wait() == 128 + number
    assert editing.left == []
    assert ends(editor)


def ends(pid: int) -> bool:
    """Whether a process that was told to end is gone after a while; whoever adopted it may take a moment to notice."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_what_a_killed_edit_left_is_wiped_by_the_next_secret_command(editing) -> None:
    process, editor = started(editing)
    process.kill()
    process.wait()
    (left,) = editing.left
    assert CANARY in (left / "secrets.yaml").read_text()
    done = editing.run("list")
    assert (done.returncode, "wiped what 1 edit had left" in done.stderr) == (0, True)
    assert editing.left == []
    os.kill(editor, signal.SIGKILL)


def test_an_edit_that_runs_is_left_alone_by_other_commands(editing) -> None:
    process, _ = started(editing)
    assert editing.run("list").stderr == ""
    assert editing.left
    process.terminate()
    process.wait()


def test_a_broken_edit_on_a_terminal_can_be_mended(editing) -> None:
    script = 'if [ -e "$LOG" ]; then echo "openai: mended" > "$1"; else echo "{" > "$1"; touch "$LOG"; fi'
    environment = {**editing.environment, "EDITOR": editing.editor(script)}
    asked = Terminal(["secret", "edit", "base/secrets/secrets.yaml"], editing.root, environment)
    asked.wait_for("give up what you edited? [y/N] ")
    asked.type("n\n")
    assert asked.end().exit_code == 0
    assert editing.value("openai") == "mended"


def test_a_broken_edit_on_a_terminal_can_be_given_up(editing) -> None:
    before = editing.file.read_bytes()
    environment = {**editing.environment, "EDITOR": editing.editor('echo "{" > "$1"')}
    asked = Terminal(["secret", "edit", "base/secrets/secrets.yaml"], editing.root, environment)
    asked.wait_for("give up what you edited? [y/N] ")
    asked.type("y\n")
    ended = asked.end()
    assert (ended.exit_code, "nothing was written" in ended.shown) == (2, True)
    assert editing.file.read_bytes() == before


def test_without_a_folder_in_memory_a_disk_has_to_be_accepted() -> None:
    on_disk = [Path("/")]  # `tmp_path` may be in memory
    with pytest.raises(UsageError, match="no folder in memory") as refused:
        choose_parent(on_disk, on_disk=False)
    assert "--on-disk" in refused.value.hint
    assert choose_parent(on_disk, on_disk=True).is_dir()


def test_the_users_own_runtime_folder_comes_first() -> None:
    assert memory_folders({"XDG_RUNTIME_DIR": "/run/user/1000"}) == (Path("/run/user/1000"), SHM)
    assert memory_folders({"XDG_RUNTIME_DIR": "relative"}) == memory_folders({}) == (SHM,)
