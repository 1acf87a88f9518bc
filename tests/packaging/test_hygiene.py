"""Nothing tracked says where it was written: no machine's paths, no package mirrors, no words of a workplace, no private keys."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# Written so that this file does not match itself.
BANNED = {
    "a path of somebody's machine": r"(?<![\w.~-])/(?:work|root|home/(?!runner\b|user\b|ada\b)\w+|Users/\w+)/[\w.]|/tmp/(?:v|brief)\b",
    "a folder of wheels": r"/opt/whee[l]s",
    "an address of a package index": r"(?:extra-)?index-ur[l]\W{1,4}\w|--trusted-hos[t]|pypi\.org/simpl[e]|files\.pythonhoste[d]"
    r"|registry\.npmj[s]|find-link[s]",
    "words of a workplace": r"\bCE[O]\b|\bDEVELOPERS\.m[d]\b|\bthis workplac[e]\b|\bthe workplac[e]\b|\bissues sho[w]\b|\bissue \d\b"
    r"|\bshared/(?:specs|corpus|vectors|data|DESIGN|STYLE)\b",
    "a private key": r"AGE-SECRET-KE[Y]-1[A-Z0-9]{58}|-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KE[Y]-----(?:\\n|\n)[A-Za-z0-9+/]{20}",
}
# Test vectors of encryption need the keys that open them, and the sample repository is there to be opened. Nothing else may lie there.
PUBLIC_KEYS = ("tests/secrets/", "sample-repo/demo-identity.txt")


def tracked(checkout: Path) -> Iterator[tuple[str, str]]:
    listed = subprocess.run(["git", "-C", str(checkout), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("needs a Git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = checkout / name
        if path.is_file() and not path.is_symlink():
            yield name, path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize("kind", BANNED)
def test_no_tracked_file_has(kind: str, checkout: Path) -> None:
    pattern = re.compile(BANNED[kind])
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in tracked(checkout)
        if not (kind == "a private key" and name.startswith(PUBLIC_KEYS))
        for match in pattern.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("a path of somebody's machine", "see /wor" + "k/main/core"),
        ("a path of somebody's machine", "/hom" + "e/alice/project"),
        ("a folder of wheels", "/opt/" + "wheels"),
        ("an address of a package index", "pip install --index-" + "url x"),
        ("words of a workplace", "as iss" + "ue 2 says"),
        ("a private key", "AGE-SECRET-" + "KEY-1" + "Q" * 58),
    ],
)
def test_the_ban_on_it_bites(kind: str, text: str) -> None:
    assert re.search(BANNED[kind], text)
