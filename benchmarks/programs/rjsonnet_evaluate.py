"""rjsonnet, the Rust implementation: a program for each environment."""

import sys
from pathlib import Path

import rjsonnet

root, out = map(Path, sys.argv[1:3])
for environment in sys.argv[3:]:
    (out / f"{environment}.json").write_text(rjsonnet.evaluate_file(str(root / f"{environment}.jsonnet")))
