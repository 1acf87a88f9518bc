"""A process that has loaded an identity leaves no core dump and is closed to other processes of the user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOAD = """
import ctypes, resource, sys
from pathlib import Path
from llmcfg.secrets.age import generate_identity, read_key_file, read_places
from llmcfg.secrets.guard import forbid_dumps

file = Path(sys.argv[1])
file.write_text(generate_identity().reveal())
before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
{load}
print(before, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux")
@pytest.mark.parametrize(
    "load",
    [
        "read_key_file(file)",
        "read_places({'LLMCFG_AGE_KEY_FILE': str(file)}, file.parent)",
        "forbid_dumps()\nforbid_dumps()",
    ],
)
def test_loading_an_identity_forbids_dumps(load: str, tmp_path: Path) -> None:
    program = LOAD.format(load=load)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "keys")], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "1 0 0"
