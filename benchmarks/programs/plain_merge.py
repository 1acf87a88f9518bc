"""The plain way: PyYAML's CSafeLoader, a merge of four lines, JSON. No positions, no checks, no digests."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def load(folder: Path) -> dict[Path, Any]:
    return {
        path.relative_to(folder): yaml.load(path.read_bytes(), yaml.CSafeLoader)
        for path in sorted(folder.rglob("*.yaml"))
    }


def merge(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: merge(below[key], value) if key in below else value for key, value in above.items()}}


root, out = map(Path, sys.argv[1:3])
for environment in sys.argv[3:]:
    documents = load(root / "base")
    for path, value in load(root / "environments" / environment).items():
        documents[path] = merge(documents.get(path, {}), value)
    tree = {str(path.with_suffix("")): value for path, value in documents.items()}
    (out / f"{environment}.json").write_text(json.dumps(tree, sort_keys=True))
