"""The programs of benchmarks/, which import one another by their bare names."""

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name):
    """One of their modules. What it imported is forgotten again, since other modules have such names, too."""
    sys.path.insert(0, str(FOLDER))
    before = dict(sys.modules)
    for other in FOLDER.glob("*.py"):
        sys.modules.pop(other.stem, None)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))
        for other in FOLDER.glob("*.py"):
            sys.modules.pop(other.stem, None)
        sys.modules |= {name: module for name, module in before.items() if name not in sys.modules}
