"""What was sealed in a bundle, once it was opened. It exists in memory only; who writes it anywhere says so."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmcfg.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.bundlefile.sealed import SealedValue
    from llmcfg.model.target import Target


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """The secrets of a bundle by the use that takes them, and its opened outputs by their paths."""

    target: Target
    values: Mapping[str, SealedValue] = field(repr=False)
    outputs: Mapping[str, bytes] = field(repr=False)

    def files(self) -> dict[str, bytes]:
        """What is written for a program: `secrets.json`, and `files/…` as in the bundle."""
        files = {f"files/{path}": content for path, content in self.outputs.items()}
        return {**files, "secrets.json": canonical_json(self.document()) + b"\n"} if self.values else files

    def document(self) -> dict[str, str | float | bool | dict[str, str]]:
        """The secrets for JSON: binary ones are `{"base64": …}`."""
        return {
            use: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
            for use, value in self.values.items()
        }
