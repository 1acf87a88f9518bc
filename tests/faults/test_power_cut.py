"""A machine that loses its power for real: a file system of its own, whose disk is copied at a moment that nobody chose.

What was not flushed is in memory, and not in the copy. What the copy holds is what a machine finds when its power is back.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from llmcfg.bundlefile.files import BUNDLE_FILE
from llmcfg.bundlefile.reader import open_bundle
from support.written import CONSUMER, WrittenRepository

MANIFEST = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: test
environments: {dev: {}}
sinks: [{directory: {path: "delivered/{environment}"}}]
"""
STATES = 12
NEEDED = ("mkfs.ext4", "mount", "umount")


def make_disk(path):
    with path.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(path)], check=True, capture_output=True)
    return path


@contextmanager
def mounted(disk, folder):
    """Nothing is flushed for five minutes that nobody flushes."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-o", "loop,commit=300", str(disk), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path):
    """A disk with a repository of several states, all of it flushed, of which none is deployed."""
    if os.geteuid() or not all(map(shutil.which, NEEDED)):
        pytest.skip("only root mounts a file as a disk, with mkfs.ext4 and mount")
    made = make_disk(tmp_path / "disk")
    try:
        with mounted(made, tmp_path / "mounted") as top:
            files = {"llmcfg.yaml": MANIFEST, "consumers/api.yaml": CONSUMER}
            written = WrittenRepository(top / "repository", files)
            for number in range(1, STATES + 1):
                written.commit({"base/limits.yaml": f"rpm: {number}\n"})
                written.git("tag", f"v{number}")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine mounts no file as a disk: {error.stderr.decode(errors='replace').strip()}")
    return made


def apply(repository, number):
    return [
        sys.executable,
        "-m",
        "llmcfg_cli",
        "apply",
        "-C",
        str(repository),
        "-e",
        "dev",
        "--at",
        f"v{number}",
        "-y",
        "-q",
    ]


def environment(home):
    kept = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PYTHONPATH"))}
    return {"PATH": os.environ["PATH"], "HOME": str(home), **kept}


def deployed(repository):
    command = ["git", "cat-file", "blob", "deployed/dev:_shared/api/config/limits.json"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, env=environment(repository))
    return number_in(done.stdout) if done.returncode == 0 else 0


def delivered(repository):
    """The whole bundle is verified."""
    folder = repository / "delivered/dev/current/_shared/api"
    if not (repository / "delivered/dev/current").is_symlink():
        return 0
    open_bundle(folder / BUNDLE_FILE).verify()
    return number_in((folder / "config/limits.json").read_text())


def number_in(text):
    return int(text.removeprefix('{"rpm":').rstrip("\n").removesuffix("}"))


@pytest.mark.sweep
@pytest.mark.fault("C05")
@pytest.mark.parametrize("seed", range(6))
def test_what_was_acknowledged_is_there_when_power_is_back(tmp_path, disk, seed):
    drawn = random.Random(seed)
    copy = tmp_path / "copy"
    last = drawn.randrange(1, 4)
    with mounted(disk, tmp_path / "mounted") as top:
        repository = top / "repository"
        for number in range(1, last + 1):
            subprocess.run(apply(repository, number), check=True, env=environment(tmp_path))
        running = subprocess.Popen(apply(repository, last + 1), env=environment(tmp_path))
        time.sleep(drawn.uniform(0.1, 0.8))
        running.send_signal(signal.SIGSTOP)
        shutil.copyfile(disk, copy)
        running.kill()
        running.wait()
    with mounted(copy, tmp_path / "again") as top:
        repository = top / "repository"
        assert deployed(repository) in (last, last + 1)
        assert delivered(repository) in (last, last + 1)
        assert delivered(repository) <= deployed(repository)
        check = ["git", "fsck", "--strict", "--no-dangling", "--connectivity-only"]
        assert subprocess.run(check, cwd=repository, env=environment(tmp_path)).returncode == 0
        for number in (last + 1, last + 2):
            subprocess.run(apply(repository, number), check=True, env=environment(tmp_path))
            assert (deployed(repository), delivered(repository)) == (number, number)


@pytest.mark.sweep
def test_a_program_that_flushes_nothing_is_noticed(tmp_path, disk):
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted/sitecustomize.py").write_text("import os\nos.fsync = os.fdatasync = lambda _: None\n")
    careless = {**environment(tmp_path), "PYTHONPATH": str(tmp_path / "planted")}
    with mounted(disk, tmp_path / "mounted") as top:
        subprocess.run(apply(top / "repository", 1), check=True, env=careless)
        assert (deployed(top / "repository"), delivered(top / "repository")) == (1, 1)
        shutil.copyfile(disk, tmp_path / "copy")
    with mounted(tmp_path / "copy", tmp_path / "again") as top:
        assert (deployed(top / "repository"), delivered(top / "repository")) != (1, 1)
