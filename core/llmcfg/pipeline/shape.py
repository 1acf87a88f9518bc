"""The shape of the manifest and of consumers, by the shipped schemas, and what both of them may hold."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.manifest import SinkSpec
from llmcfg.pipeline.known import found_once, name_of
from llmcfg.pipeline.tags import find_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.ports import Cache


def tag_problems(value: dict[str, Any], rule: str) -> Iterator[Problem]:
    """Merge tags, which mean nothing in a file that no layer overrides."""
    for path, tagged in find_tags(value):
        message = f"{tagged.tag} at {format_key_path(path)} has no meaning in this file"
        yield Problem(rule, message, hint="remove the tag: only documents of layers are merged", path=path)


def file_shape_problems(
    schema: str, value: dict[str, Any], rule: str, entry: BlobEntry, disk: Cache | None
) -> tuple[Problem, ...]:
    """The same for the whole value of a file, unless it is known that nothing is wrong with it."""
    name = name_of("shape", schema, rule, entry.oid)
    return found_once(disk, name, "check", entry.path, lambda: shape_problems(schema, value, rule))


def shape_problems(schema: str, value: dict[str, Any], rule: str) -> list[Problem]:
    """Violations of a shipped schema; unknown and missing keys keep their own rules, everything else gets `rule`."""
    from llmcfg.pipeline.schema.check import check
    from llmcfg.pipeline.schema.compiling import shipped_schema

    return [
        problem if problem.rule in ("schema-unknown-key", "schema-required") else problem._replace(rule=rule)
        for problem in check(shipped_schema(schema), value)
    ]


def sinks_of(said: dict[str, Any]) -> tuple[SinkSpec, ...]:
    return tuple(_sink(kind, options) for sink in said.get("sinks", ()) for kind, options in sink.items())


def sink_problems(said: dict[str, Any], rule: str) -> Iterator[Problem]:
    """Sinks deliver below the delivery root, which the caller of apply chooses, or into a folder of a branch."""
    for index, sink in enumerate(said.get("sinks", ())):
        for kind, options in sink.items():
            why = _why_not_a_sink_path(options["path"]) if "path" in options else None
            if why:
                yield Problem(rule, f"the sink path {options['path'][:100]!r} {why}", path=("sinks", index, kind, "path"),
                              hint="write a path below the delivery root, such as delivered/{environment}")  # fmt: skip
            why = _why_not_a_branch(options["branch"]) if "branch" in options else None
            if why:
                yield Problem(rule, f"the branch {options['branch']!r} {why}", path=("sinks", index, kind, "branch"),
                              hint="write a branch such as rendered/{environment}")  # fmt: skip


def _sink(kind: str, options: dict[str, Any]) -> SinkSpec:
    return SinkSpec(
        kind,
        options.get("path", ""),
        options.get("keep", 3),
        options.get("drift", "mend"),
        options.get("endpoint") or options.get("repository", ""),
        options.get("branch", ""),
        opens=options.get("open", False),
    )


def _why_not_a_branch(branch: str) -> str | None:
    plain = branch.replace("{environment}", "environment")
    parts = plain.split("/")
    if "{" in plain or "}" in plain:
        return "has a placeholder that is not {environment}"
    if ".." in plain or any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts):
        return "is no name of a branch"
    if parts[0] == "deployed":
        return "is a deployed branch, which says what an environment runs"
    return None


def _why_not_a_sink_path(path: str) -> str | None:
    plain = path.replace("{environment}", "environment")
    parts = PurePosixPath(plain).parts
    if plain.startswith("/") or "\\" in plain or ":" in plain or ".." in parts:
        return "leaves the folder that bundles are delivered below"
    if "{" in plain or "}" in plain:
        return "has a placeholder that is not {environment}"
    if not parts or not plain.isprintable():
        return "names no folder"
    return None
