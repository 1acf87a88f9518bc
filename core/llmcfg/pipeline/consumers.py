"""Reading consumers/<name>.yaml: from YAML to values in which every name refers to something.

All problems are collected; what is broken is left out of the result, so that the rest can still be checked.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from llmcfg.documents.loader import load_document
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import KeyPathError, parse_key_path
from llmcfg.model.manifest import Consumer, Output
from llmcfg.model.names import why_not_a_name, why_not_an_output
from llmcfg.model.rules import RULES, Severity
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.builtins.names import BUILTIN, BUILTIN_NAMES
from llmcfg.pipeline.shape import file_shape_problems, sink_problems, sinks_of, tag_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from llmcfg.model.findings import Finding
    from llmcfg.model.manifest import Manifest
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Path
    from llmcfg.pipeline.layers import Layout
    from llmcfg.pipeline.locate import Locator
    from llmcfg.ports import Cache

_FORMATS: Final = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".env": "env"}


def parse_consumers(
    layout: Layout, manifest: Manifest, read: Callable[[str], bytes], locator: Locator, disk: Cache | None = None
) -> tuple[tuple[Consumer, ...], tuple[Finding, ...]]:
    """The consumers that can be built for, by name, and what is wrong with any of them."""
    consumers: list[Consumer] = []
    findings: list[Finding] = []
    for name, entry in layout.consumers.items():
        consumer, problems = _parse(name, entry, read(entry.oid), layout, manifest, disk)
        consumers += [consumer] if consumer is not None else []
        findings += [locator.in_blob(problem, entry) for problem in problems]
    return tuple(sorted(consumers, key=lambda consumer: consumer.name)), tuple(findings)


def _parse(
    name: str, entry: BlobEntry, content: bytes, layout: Layout, manifest: Manifest, disk: Cache | None
) -> tuple[Consumer | None, list[Problem]]:
    document, loaded = load_document(content)
    problems = [*loaded]
    why = why_not_a_name(name)
    if why:
        problems.append(Problem("layout-name", f"consumer {name!r}: {why}", hint="rename the file"))
    if document is not None:
        tagged = [*tag_problems(document.value, "consumer-invalid")]
        problems += tagged or file_shape_problems(
            "consumer.schema.json", document.value, "consumer-invalid", entry, disk
        )
    if document is None or any(RULES[problem.rule].severity is Severity.ERROR for problem in problems):
        return None, problems
    consumer = _consumer(name, entry.path, document.value, manifest)
    problems += _problems(consumer, document.value, layout, manifest)
    return (consumer if consumer.select else None), problems


def _consumer(name: str, file: str, said: dict[str, Any], manifest: Manifest) -> Consumer:
    tenants = said.get("tenants", [])
    wanted_tenants = set(manifest.tenants if tenants == "*" else tenants)
    wanted_environments = set(said.get("environments", manifest.environments))
    return Consumer(
        name=name,
        file=file,
        select=tuple(text for text in said["select"] if not isinstance(_parsed(text), KeyPathError)),
        environments=tuple(environment for environment in manifest.environments if environment in wanted_environments),
        tenants=tuple(sorted(wanted_tenants & manifest.tenants.keys())),
        shared=said.get("shared", not tenants),
        outputs=_outputs(said),
        schema=said.get("schema"),
        recipients=tuple(said.get("recipients", ())),
        sinks=sinks_of(said),
        after_apply=said.get("after_apply"),
        description=said.get("description", ""),
    )


def _outputs(said: dict[str, Any]) -> tuple[Output, ...]:
    """The outputs whose path can be written beside the earlier ones."""
    taken = _Paths()
    outputs = []
    for output in said.get("outputs", ()):
        path: str = output["path"]
        if taken.add(path) is None:
            suffix = "." + path.rsplit(".", 1)[-1] if "." in path else ""
            form = output.get("format", _FORMATS.get(suffix, "text"))
            outputs.append(Output(path, output["template"], form, output.get("opened", False)))
    return tuple(outputs)


def _problems(consumer: Consumer, said: dict[str, Any], layout: Layout, manifest: Manifest) -> Iterator[Problem]:
    yield from _unknown_names("environment", said.get("environments", ()), manifest.environments, "environments")
    tenants = said.get("tenants", ())
    yield from _unknown_names("tenant", tenants if isinstance(tenants, list) else (), manifest.tenants, "tenants")
    taken = _Paths()
    for index, output in enumerate(said.get("outputs", ())):
        template: str = output["template"]
        known = BUILTIN_NAMES if template.startswith(BUILTIN) else layout.templates
        if template not in known:
            yield _unknown("template", template, known, ("outputs", index, "template"))
        why = taken.add(output["path"])
        if why:
            yield Problem("consumer-invalid", f"output {output['path']!r}: {why}", path=("outputs", index, "path"),
                          hint="give each output a path of its own")  # fmt: skip
    if consumer.schema is not None and consumer.schema not in layout.schemas:
        yield _unknown("schema", consumer.schema, layout.schemas, ("schema",))
    for index, text in enumerate(said["select"]):
        error = _parsed(text)
        if isinstance(error, KeyPathError):
            yield Problem("consumer-invalid", error.message, hint=error.hint, path=("select", index))
    yield from sink_problems(said, "consumer-invalid")


class _Paths:
    """Paths of outputs that can lie beside one another on every file system."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, path: str) -> str | None:
        """Why the path cannot be written; else it is taken."""
        why = why_not_an_output(path)
        folded = path.lower()
        folders = list(accumulate(folded.split("/")[:-1], "{}/{}".format))
        other = self._files.get(folded) or self._folders.get(folded)
        other = other or next((self._files[folder] for folder in folders if folder in self._files), None)
        if why is None and other is not None:
            why = "it is written twice" if other == path else f"it and {other!r} cannot both be written"
        if why is None:
            self._files[folded] = path
            self._folders.update(dict.fromkeys(folders, path))
        return why


def _parsed(text: str) -> Path | KeyPathError:
    try:
        return parse_key_path(text)
    except KeyPathError as error:
        return error


def _unknown_names(what: str, names: Sequence[str], known: Iterable[str], section: str) -> Iterator[Problem]:
    there = set(known)
    for index, name in enumerate(names):
        if name not in there:
            yield _unknown(what, name, there, (section, index))


def _unknown(what: str, name: str, known: Iterable[str], path: Path) -> Problem:
    shown = name if len(name) <= 100 else name[:99] + "…"
    some = sorted(known)
    otherwise = (
        f"there are: {', '.join(some[:6])}{', …' if len(some) > 6 else ''}" if some else f"there is no {what} yet"
    )
    hint = did_you_mean(name, some, otherwise)
    return Problem("consumer-unknown-name", f"there is no {what} {shown!r}", hint=hint, path=path)
