"""KCL's API: for each environment one program of all files of base and of the environment, which unify."""

import sys
from pathlib import Path

from kcl_lib.api import API, ExecProgramArgs

root, out = map(Path, sys.argv[1:3])
base = sorted(root.glob("*.k")) + sorted((root / "base").rglob("*.k"))
for environment in sys.argv[3:]:
    files = [str(file) for file in base + sorted((root / environment).rglob("*.k"))]
    ran = API().exec_program(ExecProgramArgs(k_filename_list=files))
    if ran.err_message:
        sys.exit(ran.err_message)
    (out / f"{environment}.json").write_text(ran.json_result)
