"""What a recipient could ever read: every secret of every version of every secret file, in all branches and tags. Needs no key.

Rules: a version is looked into once, by its blob, however many commits have it, and a commit costs what it changed. A SOPS file says who
can open it; an age file does not, so it counts where the rule of `.sops.yaml` of the commit that wrote it names the recipient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.errors import IntegrityError, LlmcfgError, NotFoundError
from llmcfg.pipeline.sealed import creation_rules, inspected_file, secret_entries
from llmcfg.secrets.creation import CONFIG, read_creation_rules
from llmcfg.secrets.creation.rules import CreationRules
from llmcfg.secrets.inspection import looks_sealed
from llmcfg.secrets.keychange import same_recipient
from llmcfg.secrets.names import read_secret_file
from llmcfg.secrets.rotations import Due

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.model.snapshot import BlobEntry, ChangedFile, CommitFacts, Revision
    from llmcfg.pipeline.configuration import Configuration

_AGE: Final = ".age"
ALL: Final = "."  # a file whose names cannot be read one by one


class Past(Protocol):
    """The part of a repository that is looked back at."""

    def head(self) -> Revision | None: ...

    def list_refs(self, prefix: str) -> Mapping[str, str]: ...

    def facts(self, commit: str) -> CommitFacts: ...

    def changed_files(self, old: str | None, new: str) -> Sequence[ChangedFile]: ...

    def read_blob(self, oid: str) -> bytes: ...


class Readable(NamedTuple):
    """A secret that could be read, and the first and the last commit in which it could. `by_rule`: as the rule of that time says."""

    file: str
    name: str
    first: CommitFacts
    last: CommitFacts
    by_rule: bool = False


class Look(NamedTuple):
    """What was found, by file and name. `is_whole` is false where commits or files are missing, as in a shallow clone."""

    found: tuple[Readable, ...]
    commits: int
    is_whole: bool


def find_readable(past: Past, recipient: str) -> Look:
    """Every secret that this recipient could read in any commit of any ref."""
    commits, is_whole = _in_order(past)
    looker = _Looker(past, same_recipient(recipient))
    found = looker.look(commits)
    return Look(found, len(commits), is_whole and looker.is_whole)


def _in_order(past: Past) -> tuple[list[CommitFacts], bool]:
    """All commits, each behind its parents; and whether all of them are there."""
    known: dict[str, CommitFacts] = {}
    children: dict[str, list[str]] = {}
    is_whole = True
    head = past.head()
    pending = [*past.list_refs("refs/").values(), *([head.commit] if head else [])]
    while pending:
        oid = pending.pop()
        if oid in known:
            continue
        try:
            known[oid] = past.facts(oid)
        except NotFoundError:
            is_whole = False
            continue
        for parent in known[oid].parents:
            children.setdefault(parent, []).append(oid)
            pending.append(parent)
    return list(_sorted(known, children)), is_whole


def _sorted(known: Mapping[str, CommitFacts], children: Mapping[str, list[str]]) -> Iterator[CommitFacts]:
    waiting = {oid: sum(parent in known for parent in facts.parents) for oid, facts in known.items()}
    ready = sorted((oid for oid, count in waiting.items() if not count), key=lambda oid: known[oid].when, reverse=True)
    while ready:
        oid = ready.pop()
        yield known[oid]
        for child in children.get(oid, ()):
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)


class _Version(NamedTuple):
    """What the recipient can read of one version of a file."""

    names: tuple[str, ...] = ()
    by_rule: bool = False


class _State(NamedTuple):
    """What the recipient can read in one commit, by file, and the blob of its creation rules. Shared with the parent if equal."""

    readable: Mapping[str, _Version] = {}
    rules: str | None = None


class _Looker:
    def __init__(self, past: Past, recipient: str) -> None:
        self.is_whole = True
        self._past = past
        self._recipient = recipient
        self._written = recipient.encode()  # whatever stands behind an SSH key
        self._versions: dict[tuple[str, str], _Version] = {}
        self._rules: dict[str | None, CreationRules] = {None: CreationRules()}
        self._states: dict[str, _State] = {}
        self._found: dict[tuple[str, str], Readable] = {}

    def look(self, commits: Sequence[CommitFacts]) -> tuple[Readable, ...]:
        known = {facts.commit: facts for facts in commits}
        inner = {facts.parents[0] for facts in commits if facts.parents}
        for facts in commits:
            parent = known.get(facts.parents[0]) if facts.parents else None
            before = self._states[parent.commit] if parent else _State()
            after = self._states[facts.commit] = self._after(before, parent, facts)
            for path in after.readable.keys() | before.readable.keys() if after is not before else ():
                self._compare(path, before, after, parent, facts)
            if facts.commit not in inner:
                self._see(after.readable, facts)
        return tuple(self._found[key] for key in sorted(self._found))

    def _after(self, before: _State, parent: CommitFacts | None, facts: CommitFacts) -> _State:
        changes = {
            changed.path: changed.after
            for changed in self._past.changed_files(parent.commit if parent else None, facts.commit)
        }
        rules = changes.get(CONFIG, before.rules)
        edits = {path: self._version(path, oid, rules) if oid else _Version() for path, oid in changes.items()}
        edits = {path: version for path, version in edits.items() if version.names or path in before.readable}
        if rules == before.rules and all(before.readable.get(path) == version for path, version in edits.items()):
            return before
        readable = {path: version for path, version in {**before.readable, **edits}.items() if version.names}
        return _State(readable, rules)

    def _compare(
        self, path: str, before: _State, after: _State, parent: CommitFacts | None, facts: CommitFacts
    ) -> None:
        old, new = before.readable.get(path), after.readable.get(path)
        if new is not None and new != old:
            self._see({path: new}, facts)
        if old is not None and old != new and parent is not None:
            self._see({path: old}, parent)

    def _see(self, readable: Mapping[str, _Version], facts: CommitFacts) -> None:
        """Commits come in order, but for parents, which may have been seen before: the last is the later one."""
        for path, version in readable.items():
            for name in version.names:
                known = self._found.get((path, name))
                if known is None:
                    self._found[path, name] = Readable(path, name, facts, facts, version.by_rule)
                elif known.last.when <= facts.when:
                    self._found[path, name] = known._replace(last=facts, by_rule=known.by_rule and version.by_rule)

    def _version(self, path: str, oid: str, rules: str | None) -> _Version:
        is_whole = path.endswith(_AGE)
        key = (f"{path} {rules}" if is_whole else path, oid)
        known = self._versions.get(key)
        if known is None:
            known = self._versions[key] = self._whole(path, oid, rules) if is_whole else self._sops(path, oid)
        return known

    def _sops(self, path: str, oid: str) -> _Version:
        content = self._read(oid)
        if self._written not in content or not looks_sealed(content):
            return _Version()
        if self._recipient not in map(same_recipient, _recipients(path, content)):
            return _Version()
        named = read_secret_file(path, content).secrets.values()
        return _Version(tuple(secret.name for secret in named if secret.is_set) or (ALL,))

    def _whole(self, path: str, oid: str, rules: str | None) -> _Version:
        if rules not in self._rules:
            self._rules[rules] = CreationRules(read_creation_rules(self._read(str(rules)))[0])
        rule = self._rules[rules].find(path)
        if rule is None or self._recipient not in rule.recipients:
            return _Version()
        return _Version(tuple(read_secret_file(path, self._read(oid)).secrets), by_rule=True)

    def _read(self, oid: str) -> bytes:
        try:
            return self._past.read_blob(oid)
        except IntegrityError:
            self.is_whole = False
            return b""


def _recipients(path: str, content: bytes) -> tuple[str, ...]:
    """Those of a SOPS file; none of what is damaged, which nobody could open."""
    from llmcfg.secrets.sops.metadata import parse_metadata
    from llmcfg.secrets.sops.model import file_type_of
    from llmcfg.secrets.sops.stores import parse_encrypted

    try:
        return parse_metadata(parse_encrypted(content, file_type_of(path)).metadata).recipients
    except LlmcfgError:
        return ()


def still_open(configuration: Configuration, recipient: str) -> tuple[str, ...]:
    """What still lets the recipient in: `.sops.yaml`, and the secret files that it can open now."""
    name = same_recipient(recipient)
    rules, _ = creation_rules(configuration)
    named = [CONFIG] if any(name in rule.recipients for rule in rules.rules) else []
    for entry in secret_entries(configuration):
        metadata = inspected_file(configuration, entry).metadata
        if metadata is not None and name in map(same_recipient, metadata.recipients):
            named.append(entry.path)
    return tuple(named)


def due_now(
    configuration: Configuration, found: Sequence[Readable], recipient: str, since: str, reason: str
) -> tuple[Due, ...]:
    """Entries for those of the secrets that are still there; a file whose names cannot be told stands for each that it has now."""
    files = {entry.path: configuration.secret_file(entry) for entry in _named_files(configuration)}
    due: list[Due] = []
    for one in found:
        there = files[one.file].secrets if one.file in files else {}
        names = list(there) if one.name == ALL else [one.name]
        due += [Due(name, one.file, since, recipient, reason) for name in names if name in there]
    return tuple(due)


def _named_files(configuration: Configuration) -> Iterator[BlobEntry]:
    for layer in configuration.layout.layers.values():
        yield from layer.secret_files
