"""Dynaconf with the files of base, then those of the environment, and merging on."""

import json
import sys
from pathlib import Path

from dynaconf import Dynaconf

root, out = map(Path, sys.argv[1:3])
for environment in sys.argv[3:]:
    files = sorted((root / "base").rglob("*.yaml")) + sorted((root / environment).rglob("*.yaml"))
    settings = Dynaconf(settings_files=[str(file) for file in files], merge_enabled=True, core_loaders=["YAML"])
    (out / f"{environment}.json").write_text(json.dumps(settings.to_dict()))
