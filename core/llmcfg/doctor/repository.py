"""Checks of a configuration repository: that it opens, that its configuration is sound, that what was deployed is whole and in step.

A check that cannot be made is a failed check with the reason, so that one trouble does not hide the others.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from llmcfg.disk import find_asides
from llmcfg.doctor.keys import check_keys
from llmcfg.doctor.trust import check_trust
from llmcfg.doctor.verdicts import fail, ok, warn
from llmcfg.errors import FindingsError, LlmcfgError
from llmcfg.git.filenames import FOLDERS
from llmcfg.model.rules import Severity
from llmcfg.opensinks import Surroundings
from llmcfg.pipeline.stored import read_stored
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sync.deployed import deployed_files, deployed_ref, read_deployed
from llmcfg.wiring import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from llmcfg.git.repository import GitRepository
    from llmcfg.model.check import Check
    from llmcfg.model.manifest import SinkSpec
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.age import Identity

_SHOWN = 3


def check_repository(
    directory: Path, delivery_root: Path | None = None, identities: Callable[[], Sequence[Identity]] = tuple
) -> Iterator[Check]:
    """Without a repository, one failed check that says where none was found. `identities` are the keys that are at hand."""
    try:
        workspace = Workspace(directory, delivery_root, surroundings=Surroundings(os.defpath, identities=identities))
    except LlmcfgError as error:
        yield fail("repository", error.message, error.hint)
        return
    repository = workspace.repository
    yield ok("repository", f"{repository}{', bare' if repository.is_bare else ''}")
    yield from _guarded("commits", lambda: _commits(repository))
    yield from _guarded("identity", lambda: _identity(repository))
    yield from _guarded("locks", lambda: _locks(repository))
    yield from _guarded("configuration", lambda: _configuration(workspace))


def _guarded(name: str, make: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from make()
    except FindingsError as error:
        rules = {finding.rule_id for finding in error.findings}
        yield fail(name, f"{error.message}: {', '.join(sorted(rules))}" if rules else error.message, "llmcfg validate")
    except LlmcfgError as error:
        yield fail(name, error.message, error.hint)
    except OSError as error:
        yield fail(name, f"{error.filename}: {error.strerror}", "make it readable")


def _commits(repository: GitRepository) -> Iterator[Check]:
    head = repository.head()
    if head is None:
        yield warn("commits", "there is no commit yet, so nothing can be deployed", "git add . && git commit")
    elif repository.is_shallow:
        yield warn("commits", f"HEAD is {head.short}; the clone is shallow, so history and blame end early",
                    "git fetch --unshallow")  # fmt: skip
    elif repository.is_partial:
        yield warn("commits", f"HEAD is {head.short}; the clone is partial, so revisions other than that may lack files",
                    "clone again without --filter")  # fmt: skip
    else:
        yield ok("commits", f"HEAD is {head.short}")


def _identity(repository: GitRepository) -> Iterator[Check]:
    if repository.has_identity:
        yield ok("identity", repository.identity)
    else:
        yield warn("identity", f"Git does not know who you are, so deployments are signed as {repository.identity}",
                    'git config user.name "Your Name" && git config user.email you@example.com')  # fmt: skip


def _locks(repository: GitRepository) -> Iterator[Check]:
    locks = list(repository.locks())
    for lock in locks:
        hint = "the next llmcfg apply removes it" if lock.is_ours else f"if no git command is running: rm {lock.path}"
        yield warn("locks", f"{lock.path} is {lock.seconds} s old", hint)
    if not locks:
        yield ok("locks", "no stale lock")


def _configuration(workspace: Workspace) -> Iterator[Check]:
    """What needs the manifest. In a bare repository the configuration is that of HEAD."""
    configuration = workspace.configuration()
    environments, tenants = len(configuration.manifest.environments), len(configuration.manifest.tenants)
    yield ok("manifest", f"{configuration.manifest.name}: {_count(environments, 'environment')}, "
                          f"{_count(tenants, 'tenant')}, {_count(len(configuration.consumers), 'consumer')}")  # fmt: skip
    yield from _guarded("trust", lambda: check_trust(workspace, configuration))
    yield from _guarded("findings", lambda: _findings(configuration))
    yield from _guarded("recipients", lambda: _recipients(configuration))
    yield from _guarded("keys", lambda: check_keys(configuration, workspace.surroundings.identities))
    yield from _guarded("deployed", lambda: _deployed(workspace, configuration))
    if workspace.delivery_root is not None:
        yield from _guarded("sinks", lambda: _sinks(workspace))
        yield from _guarded("index", lambda: _exposed_sinks(workspace, configuration))
        yield from _guarded("leftovers", lambda: _leftovers(workspace, configuration))


def _findings(configuration: Configuration) -> Iterator[Check]:
    counted = Counter(finding.severity for finding in validate_configuration(configuration))
    if not counted:
        yield ok("findings", "none")
        return
    text = ", ".join(_count(counted[severity], str(severity)) for severity in Severity if counted[severity])
    make = fail if counted[Severity.ERROR] else warn
    yield make("findings", text, "llmcfg validate")


def _recipients(configuration: Configuration) -> Iterator[Check]:
    if ".sops.yaml" in configuration.snapshot.entries:
        yield ok("recipients", ".sops.yaml is there")
    else:
        yield warn("recipients", "there is no .sops.yaml, so nothing says who may open which secret file",
                    "add creation_rules; llmcfg init writes an example")  # fmt: skip


def _deployed(workspace: Workspace, configuration: Configuration) -> Iterator[Check]:
    """Each bundle is read once for this and all later checks."""
    repository = workspace.repository
    names = configuration.manifest.environments
    whole: list[str] = []
    for name in names:
        try:
            deployed = read_deployed(repository, name)
            if deployed:
                read_stored(deployed_files(repository, deployed), workspace.memo)
        except LlmcfgError as error:
            yield fail("deployed", error.message, error.hint)
        else:
            whole += [name] if deployed else []
    prefix = deployed_ref("")
    for ref in repository.list_refs(prefix):
        if ref.removeprefix(prefix) not in names:
            yield warn("deployed", f"{ref.removeprefix('refs/heads/')} belongs to no environment of the manifest",
                        f"if it is no longer needed: git branch -D {ref.removeprefix('refs/heads/')}")  # fmt: skip
    if whole:
        yield ok("deployed", f"readable: {', '.join(whole)}")
    elif not repository.list_refs(prefix):
        yield ok("deployed", "nothing yet")


def _sinks(workspace: Workspace) -> Iterator[Check]:
    """Whether what was delivered is what was deployed."""
    if workspace.repository.head() is not None:
        drifted = [item.environment for item in workspace.statuses(()) if item.state == "drifted"]
        for name in drifted:
            yield warn("sinks", f"what was delivered for {name} is not what was deployed",
                        f"llmcfg status -e {name} names the files, llmcfg apply -e {name} mends them")  # fmt: skip
        if not drifted:
            yield ok("sinks", "in step with what is deployed")


def _exposed_sinks(workspace: Workspace, configuration: Configuration) -> Iterator[Check]:
    """Whether Git leaves alone what is delivered."""
    for folder in sorted({_git_path(workspace, spec) for spec in _specs(configuration)} - {None}, key=str):
        if not workspace.repository.is_ignored(f"{folder}/"):
            yield warn("sinks", f"Git does not ignore {folder}/, where bundles are delivered",
                        f"echo /{folder}/ >> .gitignore")  # fmt: skip


def _specs(configuration: Configuration) -> set[SinkSpec]:
    return {*configuration.manifest.sinks, *(spec for item in configuration.consumers for spec in item.sinks)}


def _git_path(workspace: Workspace, spec: SinkSpec) -> str | None:
    """The fixed part of a sink's path, from the manifest's folder; None if it lies elsewhere."""
    if workspace.repository.root is None or workspace.delivery_root != workspace.repository.root:
        return None
    return spec.path.partition("{environment}")[0].strip("/") or None


def _leftovers(workspace: Workspace, configuration: Configuration) -> Iterator[Check]:
    """Files that a writer left when it was killed: beside documents, and in sinks."""
    root = workspace.repository.root
    found = _unfinished_files(root) if root else []
    environments = configuration.manifest.environments
    sinks = [workspace.sink(spec, name) for spec in _specs(configuration) for name in environments]
    rests = sorted({path for sink in sinks if isinstance(sink, DirectorySink) for path in sink.leftovers()})
    if found:
        yield warn("leftovers", f"unfinished files: {_some(found, root)}", "remove them; nothing reads them")
    if rests:
        yield warn("leftovers", f"unfinished deliveries: {_some(rests, root)}", "the next llmcfg apply removes them")
    if not found and not rests:
        yield ok("leftovers", "none")


def _unfinished_files(root: Path) -> list[Path]:
    folders = {root, *(path for name in FOLDERS for path in [root / name, *(root / name).rglob("*/")])}
    return sorted(path for folder in folders for path in find_asides(folder))


def _some(paths: list[Path], root: Path | None) -> str:
    names = [str(path.relative_to(root)) if root and path.is_relative_to(root) else str(path) for path in paths]
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
