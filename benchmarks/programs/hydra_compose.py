"""Hydra's compose API: one primary config for each environment, whose defaults list names a config group for each folder."""

import json
import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

root, out = map(Path, sys.argv[1:3])
with initialize_config_dir(config_dir=str(root), version_base="1.3"):
    for environment in sys.argv[3:]:
        config = compose(config_name=environment)
        (out / f"{environment}.json").write_text(json.dumps(OmegaConf.to_container(config, resolve=True)))
