"""What each rule about LLM platforms means, with an example that breaks it and one that does not: the pages beside this module.

docs/rules shows each, and the tests check that each example does what it says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

_PAGES: Final = Path(__file__).with_name("pages")
_EXAMPLE: Final = re.compile(r"^```yaml (bad|good)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Explained(NamedTuple):
    """`text` says what is found and how it is mended. An example is files, each under a line `# its/path.yaml`."""

    text: str
    bad: str
    good: str


def explain(rule: str) -> Explained:
    page = (_PAGES / f"{rule}.md").read_text(encoding="utf-8")
    examples = {match[1]: match[2] for match in _EXAMPLE.finditer(page)}
    return Explained(" ".join(page.partition("```")[0].split()), examples["bad"], examples["good"])
