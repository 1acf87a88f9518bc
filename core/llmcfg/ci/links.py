"""Where people see a place of the repository in the web, so that the address does not depend on the commit where that can be had.

GitHub: `/pull/N/files#diff-<SHA-256 of the path>R<line>`, L for the side before, for a file of the change; else the target branch.
GitLab: the file at the commit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmcfg.ci.occasion import Occasion
    from llmcfg.model.findings import Origin


@dataclass(frozen=True, slots=True)
class Links:
    """`folder` is the configuration's in its repository, with `/` at its end; `changed` are paths from there."""

    occasion: Occasion
    folder: str
    changed: Collection[str]

    def __call__(self, origin: Origin, is_before: bool) -> str:
        """The address; empty where there is none."""
        occasion, path = self.occasion, self.folder + origin.file
        if not occasion.address.startswith(("https://", "http://")) or occasion.forge == "none":
            return ""
        address = quote(occasion.address, safe="/:")
        place = quote(path, errors="surrogatepass")
        line = f"#L{origin.line}" if origin.line else ""
        if occasion.forge == "gitlab":
            return f"{address}/-/blob/{occasion.commit}/{place}{line}" if occasion.commit else ""
        if occasion.number is not None and origin.file in self.changed:
            mark = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
            side = f"{'L' if is_before else 'R'}{origin.line}" if origin.line else ""
            return f"{address}/pull/{occasion.number}/files#diff-{mark}{side}"
        at = occasion.branch if occasion.number is not None else occasion.commit
        return f"{address}/blob/{quote(at)}/{place}{line}" if at else ""
