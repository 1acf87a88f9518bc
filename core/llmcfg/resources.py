"""Where the shipped schemas and templates lie: in the wheel under `_data`, in a checkout beside `core/`."""

from __future__ import annotations

from pathlib import Path


def data_folder(folder: str) -> Path:
    """The shipped folder `schemas` or `templates`, from the wheel or from a checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "_data" / folder
    return packaged if packaged.is_dir() else package.parent.parent / folder
