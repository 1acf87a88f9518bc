"""What judging signed commits costs beside Git, and whether both come to the same verdict on a history of your own choice.

    .venv/bin/python benchmarks/trust.py                     # commits of every kind of key that ssh-keygen makes
    .venv/bin/python benchmarks/trust.py --clone DIR         # each commit of a clone that is signed with SSH, up to --most

With --clone, the keys are taken from the signatures themselves, so what is compared is whether a signature is good, and not whose it is.
For each commit llmcfg and `git verify-commit` are asked, and again with one bit of its message changed, which both have to refuse. Ends
with 1 when they differ once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.trust import keys, sshsig, wire
from llmcfg.trust.commits import who_committed
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.gitobjects import split_commit
from llmcfg.trust.signers import parse_signers
from machine import headline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmcfg.trust.signers import Signers

KINDS = ("ed25519", "ecdsa", "rsa")
ROUNDS = 300


class History(NamedTuple):
    """Raw commits by name, and those whose keys signed them."""

    folder: Path
    commits: dict[str, bytes]
    signers: Signers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clone", type=Path, metavar="DIR", help="a clone whose signed commits are compared")
    parser.add_argument("--most", type=int, default=2000, metavar="N", help="so many commits; 2,000, without it")
    asked = parser.parse_args()
    print(headline(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        if asked.clone is not None:
            return compare(read_history(asked.clone, Path(folder), asked.most))
        print("| signed with | llmcfg, µs a commit | git verify-commit, ms a commit |\n|---|---:|---:|")
        for kind in KINDS:
            measure(write_history(Path(folder, kind), kind), kind)
    return 0


def measure(history: History, kind: str) -> None:
    ((name, raw),) = history.commits.items()
    ours = statistics.median(timed(lambda: judge(raw, history.signers)) for _ in range(ROUNDS))
    git = [timed(lambda: is_good_for_git(history.folder, name, history.folder / "signers")) for _ in range(15)]
    print(f"| {kind} | {ours * 1e6:.0f} | {statistics.median(git) * 1e3:.0f} |")


def compare(history: History) -> int:
    listed = history.folder / "signers"
    listed.write_text("".join(f"{signer.text}\n" for signer in history.signers.by_key.values()))
    differing: list[str] = []
    taken: list[float] = []
    for name, raw in history.commits.items():
        spoilt = raw[:-1] + bytes((raw[-1] ^ 1,))
        changed = git(history.folder, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", content=spoilt)
        taken.append(timed(partial(judge, raw, history.signers)))
        for one, content in ((name, raw), (changed.decode().strip(), spoilt)):
            if judge(content, history.signers) != is_good_for_git(history.folder, one, listed):
                differing.append(one)
    count = len(history.commits)
    print(
        f"{count} commits, signed with {len(history.signers.by_key)} keys: {count - len(differing)} judged as Git judges them"
    )
    print(f"{statistics.median(taken or [0]) * 1e6:.0f} µs a commit")
    print(*differing, sep="\n")
    return 1 if differing else 0


def read_history(folder: Path, place: Path, most: int) -> History:
    """In a bare clone at `place`, for what is changed: the one that is asked about stays as it is."""
    copy = place / "clone.git"
    subprocess.run(["git", "clone", "-q", "--bare", "--shared", str(folder), str(copy)], check=True)
    names = git(copy, "rev-list", "--all").decode().split()
    found = dict(signed_commits(copy, names, most))
    blobs = {key_of(raw).blob: key_of(raw) for raw in found.values()}
    lines = "".join(f'signer{at} namespaces="git" {key.text}\n' for at, key in enumerate(blobs.values()))
    return History(copy, found, parse_signers(lines.encode()))


def signed_commits(folder: Path, names: list[str], most: int) -> Iterator[tuple[str, bytes]]:
    for name in names:
        raw = git(folder, "cat-file", "commit", name)
        if b"\ngpgsig -----BEGIN SSH SIGNATURE-----" in raw:
            yield name, raw
            most -= 1
        if not most:
            return


def key_of(raw: bytes) -> keys.PublicKey:
    """Whose key a signature claims to be of, which stands in it."""
    fields = wire.Fields(sshsig.disarmed(split_commit(raw).signature), "signature")
    fields.take(10)
    return keys.parse_key(fields.string())


def write_history(folder: Path, kind: str) -> History:
    git_folder = folder / "r"
    git_folder.mkdir(parents=True)
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", kind, "-f", str(key)], check=True)
    git(git_folder, "init", "-q")
    signing = (
        "-c",
        "gpg.format=ssh",
        "-c",
        f"user.signingkey={key}",
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.com",
    )
    git(git_folder, *signing, "commit", "-q", "-S", "--allow-empty", "-m", "One that is signed")
    line = f'ada@example.com namespaces="git" {key.with_suffix(".pub").read_text()}'
    (git_folder / "signers").write_text(line)
    name = git(git_folder, "rev-parse", "HEAD").decode().strip()
    return History(git_folder, {name: git(git_folder, "cat-file", "commit", name)}, parse_signers(line.encode()))


def judge(raw: bytes, signers: Signers) -> bool:
    try:
        who_committed(raw, signers, seen=datetime.now(UTC))
    except SignatureError:
        return False
    return True


def is_good_for_git(folder: Path, name: str, signers: Path) -> bool:
    command = ["git", "-C", str(folder), "-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", name]
    return subprocess.run(command, capture_output=True, check=False, env=surroundings()).returncode == 0


def git(folder: Path, *arguments: str, content: bytes = b"") -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, input=content, capture_output=True, check=True, env=surroundings()).stdout


def surroundings() -> dict[str, str]:
    """Without what this user's configuration says of signatures."""
    return {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def timed(action: Callable[[], object]) -> float:
    before = time.perf_counter()
    action()
    return time.perf_counter() - before


if __name__ == "__main__":
    raise SystemExit(main())
