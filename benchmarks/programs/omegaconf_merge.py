"""`OmegaConf.load` of every file, `OmegaConf.merge` for each environment. What is below base is loaded once."""

import json
import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf


def load(folder: Path) -> DictConfig:
    tree: dict[str, dict[str, object]] = {}
    for path in sorted(folder.rglob("*.yaml")):
        tree.setdefault(path.parent.name, {})[path.stem] = OmegaConf.load(path)
    return OmegaConf.create(tree)


root, out = map(Path, sys.argv[1:3])
base = load(root / "base")
for environment in sys.argv[3:]:
    merged = OmegaConf.merge(base, load(root / "environments" / environment))
    (out / f"{environment}.json").write_text(json.dumps(OmegaConf.to_container(merged, resolve=True)))
