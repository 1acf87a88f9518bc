"""Adds to what is known of LiteLLM's settings the keys that a wheel of it asks for: `python .ci/litellm_keys.py WHEEL`.

Only what it asks its sections for by name is seen; attributes of the package that a section sets were listed from the running package, and
keys that it no longer reads stay until somebody takes them out. Nothing of the wheel is run.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from zipfile import ZipFile

from llmcfg.llm.litellm import known

FILE = Path(known.__file__).with_name("known.json")
ASKED = r'{0}\s*(?:\.get\(|\.pop\(|\[)\s*"(\w+)"|"(\w+)" (?:not )?in {0}\b'


def asked_for(section: str, sources: list[str]) -> set[str]:
    pattern = re.compile(ASKED.format(section))
    return {key for source in sources for pair in pattern.findall(source) for key in pair if key}


def main(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("litellm/") and name.endswith(".py")]
        sources = [archive.read(name).decode("utf-8") for name in names]
    groups = json.loads(FILE.read_text(encoding="utf-8"))
    for section in known.SECTIONS:
        groups[section] = sorted({*groups[section], *asked_for(section, sources)})
    FILE.write_text(json.dumps(groups, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python .ci/litellm_keys.py WHEEL")
    main(Path(sys.argv[1]))
