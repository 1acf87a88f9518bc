"""Writes `schemas/` for prompts from the table of their fields: `python -m tests.prompts.update`."""

from __future__ import annotations

import json
from pathlib import Path

from llmcfg.prompts.fields import SCHEMAS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "schemas", ROOT / "sample-repo/schemas")


def written() -> dict[Path, str]:
    """The shipped schemas, and the sample's copies of them."""
    texts = {name: json.dumps(make(), indent=2) + "\n" for name, make in SCHEMAS.items()}
    shipped = {FOLDERS[0] / name: text for name, text in texts.items()}
    return {**shipped, **{FOLDERS[1] / name.replace(".schema", ""): text for name, text in texts.items()}}


if __name__ == "__main__":
    for place, text in written().items():
        place.write_text(text, encoding="utf-8")
