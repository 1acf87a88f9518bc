"""Changes to prompts as files to write: releasing a version, promoting one, beginning a new one. Nothing is written here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.documents.editor import set_value
from llmcfg.documents.writer import write_yaml
from llmcfg.errors import ConflictError, FindingsError, NotFoundError, UsageError
from llmcfg.pipeline.layers import own_layer
from llmcfg.pipeline.promptrender import run_tests
from llmcfg.pipeline.prompts import BASE, base_prompts, find_prompt, find_version, prompts_in
from llmcfg.pipeline.promptscopes import GRAMMARS, said_of
from llmcfg.prompts.checks import ASTRAY, find_version_flaws
from llmcfg.prompts.file import SUFFIX, edit_head, is_prompt_file, write_prompt_file
from llmcfg.prompts.record import FOLDER, VERSIONS
from llmcfg.prompts.released import is_prerelease, is_version, next_version, sorted_versions, version_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.prompts.record import Prompt, Version


class Change(NamedTuple):
    """What a change is about, and the files to write by their paths; none where all is so already."""

    prompt: str
    number: str
    files: Mapping[str, bytes]


_NOT_COPIED: Final = frozenset({"messages", "status", "changelog"})


def release(configuration: Configuration, name: str, number: str | None) -> Change:
    """Give a version the status `released` and record its hash. Without `number` it is the newest that is not released.

    A pre-release (`2.1.0-rc.1`) becomes the final version (`2.1.0`) of the same text; it stays as it is. Raises ConflictError for
    one that is released already, FindingsError for one with flaws or failing tests.
    """
    prompt = find_prompt(base_prompts(configuration), name)
    version = find_version(prompt, number or _newest_unreleased(prompt))
    final = version.number.partition("-")[0]
    if final in prompt.released:
        raise ConflictError(
            f"{prompt.id} {final} is released already",
            hint=f"make a new version of it: llmcfg prompt new {prompt.name}",
        )
    if final != version.number and final in prompt.versions:
        raise ConflictError(
            f"{prompt.id} has {final} beside {version.number}",
            hint=f"release that: llmcfg prompt release {name} {final}",
        )
    _require_sound(configuration, prompt, version.number)
    edits = _Edits(configuration, prompt)
    if final != version.number:
        edits.copy(version, final, {"status": "released"})
    elif version.status != "retired":  # one that was released before hashes were recorded stays retired
        edits.set_in_version(version, ("status",), "released")
    edits.set_in_index(("released", final), version_hash(version.value))
    return Change(prompt.name, final, edits.files)


def promote(
    configuration: Configuration, name: str, number: str | None, environment: str, tenant: str | None
) -> Change:
    """Say in the layer of an environment which version is current; without `number`, the newest released one.

    Raises ConflictError for a version that is not released where the environment is protected.
    """
    scope = configuration.scope(environment, tenant)
    prompt = find_prompt(prompts_in(configuration.readable(scope)), name)
    version = find_version(prompt, number or _newest_released(prompt))
    protected = configuration.manifest.environments[environment].protected
    if version.status == "retired" or (protected and version.status != "released"):
        what = "it is retired" if version.status == "retired" else f"{environment} is protected"
        raise ConflictError(f"{prompt.id} {version.number} cannot be promoted: it has the status {version.status}, and {what}",
                            hint=f"release it first: llmcfg prompt release {prompt.name} {version.number}")  # fmt: skip
    if prompt.current == version.number:
        return Change(prompt.name, version.number, {})
    folder = own_layer(environment, tenant)
    layer = configuration.layout.layers.get(folder)
    document = f"{FOLDER}{prompt.name}"
    entry = layer.documents.get(document) if layer is not None else None
    if entry is None:
        return Change(
            prompt.name, version.number, {f"{folder}/{document}.yaml": _document({"current": version.number})}
        )
    content = configuration.snapshot.read(entry.oid)
    return Change(prompt.name, version.number, {entry.path: set_value(content, ("current",), version.number)})


def begin(configuration: Configuration, name: str, number: str | None, part: str) -> Change:
    """A draft with the text of the newest version, to be edited. Without `number`, `part` of the newest is raised."""
    prompt = find_prompt(base_prompts(configuration), name)
    wanted = number or next_version(prompt.versions, part)
    if not is_version(wanted):
        raise UsageError(f"{wanted!r} is no version", hint="write MAJOR.MINOR.PATCH, such as 1.2.0 or 2.0.0-rc.1")
    if wanted in prompt.versions:
        raise ConflictError(
            f"{prompt.id} has a version {wanted}", hint="edit it as long as it is not released, or name another"
        )
    edits = _Edits(configuration, prompt)
    edits.copy(prompt.versions[sorted_versions(prompt.versions)[-1]], wanted, {"status": "draft", "changelog": ""})
    return Change(prompt.name, wanted, edits.files)


def add(
    name: str,
    index: Mapping[str, Value],
    number: str,
    fields: Mapping[str, Value],
    messages: tuple[tuple[str, str], ...],
) -> Change:
    """A new prompt with one version."""
    document = f"{FOLDER}{name}"
    files = {
        f"{document}.yaml": _document({**index, "current": number}),
        f"{document}/{VERSIONS}/{number}{SUFFIX}": write_prompt_file(fields, messages).encode(),
    }
    return Change(name, number, files)


def _document(value: dict[str, Value]) -> bytes:
    return write_yaml(value).encode()


def _newest_unreleased(prompt: Prompt) -> str:
    known = [number for number in sorted_versions(prompt.versions) if number.partition("-")[0] not in prompt.released]
    if not known:
        raise NotFoundError(
            f"every version of {prompt.id} is released", hint=f"begin a new one: llmcfg prompt new {prompt.name}"
        )
    return known[-1]


def _newest_released(prompt: Prompt) -> str:
    known = [number for number in sorted_versions(prompt.versions) if prompt.versions[number].status == "released"]
    if not known:
        raise NotFoundError(
            f"no version of {prompt.id} is released", hint=f"release one: llmcfg prompt release {prompt.name}"
        )
    finals = [number for number in known if not is_prerelease(number)]
    return (finals or known)[-1]


def _require_sound(configuration: Configuration, prompt: Prompt, number: str) -> None:
    """Of the version as the platform itself has it in the first environment, where references are resolved."""
    effective = configuration.readable(configuration.scopes[0])
    version = find_version(find_prompt(prompts_in(effective), prompt.name), number)
    name = f"{prompt.id} {number}"
    sources = effective.documents[version.spot.document].composed.sources
    findings = [
        configuration.locator.in_sources(said_of(flaw).problem, sources)
        for flaw in find_version_flaws(name, version, GRAMMARS)
        if flaw.rule != ASTRAY
    ]
    if findings:
        raise FindingsError(f"{name} is not released, since it has errors", findings=findings, hint="mend them")
    failed = [outcome for outcome in run_tests(version) if outcome.faults]
    if failed:
        raise FindingsError(f"{name} is not released: its test {failed[0].test.name!r} fails: {failed[0].faults[0]}",
                            hint=f"see all of them: llmcfg prompt test {prompt.name}")  # fmt: skip


class _Edits:
    """Files of the layer `base` that change, by path."""

    def __init__(self, configuration: Configuration, prompt: Prompt) -> None:
        layer = configuration.layout.layers[BASE]
        self._documents = layer.documents
        self._read = configuration.snapshot.read
        self._index = f"{FOLDER}{prompt.name}"
        self.files: dict[str, bytes] = {}
        self._prompt = prompt

    def set_in_index(self, path: Path, value: Value) -> None:
        entry = self._documents.get(self._index)
        if entry is None:
            step = path[0]
            assert isinstance(step, str)
            index: dict[str, Value] = {"id": self._prompt.id, step: {str(path[1]): value}}
            self.files[f"{self._index}.yaml"] = _document(index)
        else:
            self.files[entry.path] = set_value(self._content(entry.path, entry.oid), path, value)

    def set_in_version(self, version: Version, path: Path, value: Value) -> None:
        entry = self._documents[version.spot.document]
        content = self._content(entry.path, entry.oid)
        edit = partial(_set, path=(*version.spot.path, *path), value=value)
        edited = edit_head(content, edit) if is_prompt_file(entry.path) else edit(content)
        if edited != content:
            self.files[entry.path] = edited

    def copy(self, version: Version, number: str, fields: Mapping[str, Value]) -> None:
        """The text of a version under another number, in the form that the first has."""
        kept = {key: value for key, value in version.value.items() if key not in _NOT_COPIED}
        entry = self._documents[version.spot.document]
        if version.spot.path:
            value = {**fields, "messages": version.value.get("messages", []), **kept}
            self.files[entry.path] = set_value(self._content(entry.path, entry.oid), (VERSIONS, number), value)
            return
        messages = [(message.role, message.content) for message in version.messages]
        path = f"{entry.path.rsplit('/', 1)[0]}/{number}{SUFFIX}"
        self.files[path] = write_prompt_file({**fields, **kept}, messages).encode()

    def _content(self, path: str, oid: str) -> bytes:
        return self.files.get(path) or self._read(oid)


def _set(content: bytes, *, path: Path, value: Value) -> bytes:
    return set_value(content, path, value)
