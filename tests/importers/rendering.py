"""What an imported repository renders: its files go through the whole pipeline, from bytes in memory to bundles."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from llmcfg.model.findings import Severity
from llmcfg.model.snapshot import BlobEntry
from llmcfg.pipeline.build import build
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import Revision


class Rendering(NamedTuple):
    """The rendered files of each target by environment, and every finding of severity error."""

    files: Mapping[str, Mapping[str, bytes]]
    errors: Sequence[Finding]

    def config(self, environment: str, file: str = "config.yaml") -> Any:
        """A file as LiteLLM reads it."""
        return yaml.safe_load(self.files[environment][f"files/{file}"])


class MemorySnapshot:
    """Implements ports.Snapshot over a mapping of path to bytes."""

    revision: Revision | None = None
    label = "memory"
    findings: Sequence[Finding] = ()

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._blobs = {_blob_id(content): content for content in files.values()}
        self.entries = {path: BlobEntry(path, _blob_id(files[path]), len(files[path])) for path in sorted(files)}

    def read(self, oid: str) -> bytes:
        return self._blobs[oid]


def render(files: Mapping[str, bytes]) -> Rendering:
    snapshot = MemorySnapshot(files)
    memo = Memo()
    configuration = Configuration(snapshot, memo)
    built = build(configuration, configuration.targets)
    findings = [*validate(snapshot, memo), *built.findings]
    return Rendering(
        {target.environment: bundle.files() for target, bundle in built.bundles.items()},
        [finding for finding in findings if finding.severity is Severity.ERROR],
    )


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
