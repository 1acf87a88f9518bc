"""LibreChat's librechat.yaml as a repository that renders it back.

LibreChat loads its file with js-yaml, which reads YAML 1.2. A text that is `${NAME}` becomes a reference to a secret where NAME looks like
a credential; others, and those inside a longer text, stay as they are, and LibreChat goes on reading them from its environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.importers.program import Program
from llmcfg.importers.sectioned import import_sections

if TYPE_CHECKING:
    from llmcfg.importers.imported import Imported

LIBRECHAT: Final = Program(
    label="librechat",
    title="LibreChat",
    consumer="chat-ui",
    output="librechat.yaml",
    prefix="${",
    sections=frozenset({"version", "endpoints", "interface", "mcpServers", "modelSpecs", "registration"}),
    suffix="}",
    has_yaml_12=True,
)


def import_librechat(content: bytes, *, name: str, file: str = "librechat.yaml") -> Imported:
    """The repository for a librechat.yaml; `name` is what its manifest calls it, `file` where findings say they are."""
    return import_sections(LIBRECHAT, content, name=name, file=file)
