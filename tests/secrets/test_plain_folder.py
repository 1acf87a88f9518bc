"""Plaintext folders: only the user enters them, nothing outlives them, and what a killed process leaves is wiped by the next."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from llmcfg.secrets.plainfolder import PREFIX, find_memory, plain_folder, sweep

HOLDER = """
import sys
from pathlib import Path
from llmcfg.secrets.plainfolder import plain_folder

with plain_folder(Path(sys.argv[1])) as folder:
    (folder / "values.yaml").write_text("canary")
    print(folder, flush=True)
    sys.stdin.read()
"""


class Holder:
    """Another process that holds a folder with plaintext."""

    def __init__(self, parent: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def holder(tmp_path):
    held = Holder(tmp_path)
    yield held
    held.end()


def test_a_folder_can_be_entered_by_its_user_only_and_is_gone_afterwards(tmp_path) -> None:
    with plain_folder(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "value").write_text("secret")
    assert list(tmp_path.iterdir()) == []


def test_copies_that_an_editor_left_beside_the_file_are_wiped_too(tmp_path) -> None:
    with plain_folder(tmp_path) as folder:
        for name in ("value", ".value.swp", "value~", "#value#", "backup/value", "deep/er/value"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("secret")
        (folder / ".#value").symlink_to("ada@host.1234")
    assert list(tmp_path.iterdir()) == []


def test_content_is_overwritten_before_its_name_goes(tmp_path) -> None:
    kept = tmp_path / "kept"
    with plain_folder(tmp_path / "..") as folder:
        (folder / "value").write_bytes(b"secret" * 30_000)
        os.link(folder / "value", kept)
    assert kept.read_bytes() == bytes(180_000)


def test_a_link_out_of_the_folder_is_removed_and_not_followed(tmp_path) -> None:
    (tmp_path / "mine").write_text("stays")
    with plain_folder(tmp_path) as folder:
        (folder / "link").symlink_to(tmp_path / "mine")
        (folder / "folder").symlink_to(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine").read_text() == "stays"


def test_an_error_in_the_body_wipes_and_passes_on(tmp_path) -> None:
    with pytest.raises(RuntimeError), plain_folder(tmp_path) as folder:
        (folder / "value").write_text("secret")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept(tmp_path, holder) -> None:
    holder.kill()
    assert (holder.folder / "values.yaml").read_text() == "canary"
    assert sweep([tmp_path, tmp_path]) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_process_that_runs_is_left_alone(tmp_path, holder) -> None:
    assert sweep([tmp_path]) == 0
    assert (holder.folder / "values.yaml").read_text() == "canary"


def test_a_folder_whose_wiping_was_cut_short_is_swept(tmp_path, holder) -> None:
    holder.kill()
    (holder.folder / ".lease").unlink()
    assert sweep([tmp_path]) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_only_looks_like_a_folder_of_ours_is_left_alone(tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / f"{PREFIX}file").write_text("x")
    assert sweep([tmp_path, tmp_path / "not-there"]) == 0
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_folder_of_another_user_is_left_alone(tmp_path, holder) -> None:
    holder.kill()
    os.chown(holder.folder, 54321, 54321)
    assert sweep([tmp_path]) == 0
    assert (holder.folder / "values.yaml").exists()


def mounts(tmp_path: Path, kind: str) -> Path:
    device = tmp_path.stat().st_dev
    file = tmp_path / "mountinfo"
    file.write_text(
        f"36 35 {os.major(device)}:{os.minor(device)} / /mnt rw,relatime shared:5 - {kind} some rw\nodd line\n"
    )
    return file


@pytest.mark.parametrize(("kind", "found"), [("tmpfs", True), ("ramfs", True), ("ext4", False), ("nfs4", False)])
def test_memory_is_what_the_system_calls_so(tmp_path, kind, found) -> None:
    table = mounts(tmp_path, kind)
    assert find_memory([tmp_path / "missing", tmp_path], table) == (tmp_path if found else None)


def test_without_a_table_of_mounts_nothing_is_memory(tmp_path) -> None:
    assert find_memory([tmp_path], tmp_path / "none") is None


@pytest.mark.skipif(not Path("/dev/shm").is_mount(), reason="there is no /dev/shm here")
def test_dev_shm_is_memory_on_linux() -> None:
    assert find_memory([Path("/dev/shm")]) == Path("/dev/shm")
