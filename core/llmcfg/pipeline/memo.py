"""What building remembers between scopes, targets and revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from llmcfg.model.progress import Progress
from llmcfg.pipeline.compose import ComposeMemo
from llmcfg.pipeline.resolve import ResolveMemo

if TYPE_CHECKING:
    from llmcfg.llm.records.document import Readings
    from llmcfg.model.findings import Problem
    from llmcfg.model.later import Later
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Value
    from llmcfg.pipeline.manifest import Parsed
    from llmcfg.pipeline.marks import Marks
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.pipeline.schema.compiled import CompiledSchema
    from llmcfg.policies.answers import Evaluated
    from llmcfg.policies.loading import Policies
    from llmcfg.ports import Cache
    from llmcfg.secrets.creation import CreationRule, CreationRules
    from llmcfg.secrets.inspection import Inspected
    from llmcfg.secrets.names import SecretFile


class Memo(Struct):
    """What building remembers between scopes, targets and revisions, under content ids. Dropping it never changes a result.

    `disk` is what earlier processes remembered; results of it are in the memory first. `progress` counts what is built.
    """

    disk: Cache | None = None
    progress: Progress = field(default_factory=Progress)
    compose: ComposeMemo = field(default_factory=ComposeMemo)
    resolve: ResolveMemo = field(default_factory=ResolveMemo)
    manifests: dict[BlobEntry, Parsed] = field(default_factory=dict)
    folders: dict[BlobEntry, dict[Scope, tuple[str, ...]]] = field(default_factory=dict)
    secret_files: dict[tuple[str, str], SecretFile] = field(default_factory=dict)
    schemas: dict[tuple[str, tuple[tuple[str, str], ...]], CompiledSchema | tuple[Problem, ...]] = field(
        default_factory=dict
    )
    verdicts: dict[tuple[str, int], tuple[Resolved, tuple[Problem, ...]]] = field(default_factory=dict)
    parts: dict[tuple[object, ...], Any] = field(default_factory=dict)
    renderings: dict[tuple[object, ...], Any] = field(default_factory=dict)
    inspected: dict[tuple[str, str], Inspected] = field(default_factory=dict)
    sealed: dict[str, bool] = field(default_factory=dict)
    creation_rules: dict[str, tuple[CreationRules, tuple[Problem, ...]]] = field(default_factory=dict)
    chosen_rules: dict[tuple[str, str], CreationRule | None] = field(default_factory=dict)
    plaintext: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)
    stored: dict[str, Later[Value]] = field(default_factory=dict)
    checked: dict[str, frozenset[bytes]] = field(default_factory=dict)
    file_digests: dict[str, str] = field(default_factory=dict)
    documents_read: set[str] = field(default_factory=set)
    policies: dict[tuple[object, ...], tuple[Policies, Evaluated]] = field(default_factory=dict)
    readings: Readings | None = None
