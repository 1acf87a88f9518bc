"""One bundle, as a program reads it. A snapshot never changes: what is read from one is all of one configuration.

A read that was made before costs one look into a dictionary, without a lock. A snapshot that follows another takes over what is the
same: parsed documents, and reads that depend on nothing else.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from llmcfg.bundlefile.bundle import target_of
from llmcfg.client.documents import Documents, changed_documents
from llmcfg.client.errors import MissingKeyError
from llmcfg.client.typed import as_type
from llmcfg.client.values import Secret, SecretBytes, SecretName, SecretText, read_only
from llmcfg.errors import NotAuthorisedError
from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path, parse_key_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.bundlefile.opened import OpenedBundle
    from llmcfg.bundlefile.tree import LeafChange
    from llmcfg.client.values import SecretReference
    from llmcfg.model.target import Target

T = TypeVar("T")

_FILES: Final = "files/"
_GROWTH: Final = "\0growth"  # stands for all documents that may come or go, among what a read depends on
_SECRETS: Final = "\0secrets"  # and for all secrets
_MOST_READS: Final = 32_768
_SHOWN: Final = 8


class Snapshot:
    """`reads` are the reads that were made, by key path, and `opened` is what was sealed in the bundle. Nobody else writes into them."""

    __slots__ = ("_depending", "_lock", "bundle", "documents", "opened", "reads")

    def __init__(self, bundle: Bundle, opened: OpenedBundle | None = None) -> None:
        """`opened` is None when this program opens nothing."""
        self.bundle = bundle
        self.reads: dict[str, Any] = {}
        self._depending: dict[str, list[str]] = {}  # what a read depends on, to the paths that were read
        self.documents = Documents(bundle.tree)
        self.opened = opened
        self._lock = threading.Lock()

    def __getitem__(self, path: str) -> Any:
        """The value at a key path such as `llm_providers.openai.models."gpt-4.1".max_tokens`; `.` is everything.

        Mappings and lists are read-only. A value that needs a secret is its text where secrets were opened, else a SecretReference. Raises
        MissingKeyError, which is a KeyError.
        """
        try:
            return self.reads[path]
        except KeyError:
            pass
        value = self._read(path)
        if value is ABSENT:
            raise self._missing(path)
        return value

    def __contains__(self, path: str) -> bool:
        return path in self.reads or self._read(path) is not ABSENT

    @overload
    def get(self, path: str, default: Any = None) -> Any: ...
    @overload
    def get(self, path: str, default: None = None, *, type: type[T]) -> T | None: ...
    @overload
    def get(self, path: str, default: T, *, type: type[T]) -> T: ...
    def get(self, path: str, default: Any = None, *, type: Any = None) -> Any:
        """The value at a key path, or the default where none is. With a type, a value of another one raises ValueTypeError."""
        try:
            value = self.reads[path]
        except KeyError:
            value = self._read(path)
            if value is ABSENT:
                return default
        return value if type is None else as_type(value, type, path)

    def require(self, path: str, type: type[T]) -> T:
        """The value at a key path, which has to be there and of this type. Raises MissingKeyError and ValueTypeError."""
        value: T = as_type(self[path], type, path)
        return value

    def bind(self, model: type[T], path: str = ".") -> T:
        """The mapping at a key path as a dataclass, msgspec.Struct, pydantic model or TypedDict. Raises ValueTypeError."""
        value: T = as_type(self[path], model, path)
        return value

    def secret(self, name: str) -> Secret:
        """The value of a secret that the bundle uses: `name`, or `name@previous` in an overlap.

        Raises MissingKeyError, and NotAuthorisedError where secrets were not opened.
        """
        if self.opened is None:
            raise NotAuthorisedError(
                f"the secret {name!r} cannot be opened without a private key", hint="open(..., identity=Path(...))"
            )
        values = self.opened.values
        if name not in values:
            hint = _nearest(name, values, f"it uses {', '.join(sorted(values)) or 'no secret'}")
            raise MissingKeyError(f"the bundle uses no secret {name!r}", hint=hint)
        return Secret(values[name])

    def files(self) -> tuple[str, ...]:
        """The paths of the rendered files, sorted."""
        return tuple(name[len(_FILES) :] for name, _ in self.bundle.tree.below(_FILES))

    def file(self, path: str) -> bytes:
        """A rendered file, as its template wrote it; with the values of secrets in it where it was sealed whole and is opened.

        Raises MissingKeyError.
        """
        if self.opened and path in self.opened.outputs:
            return self.opened.outputs[path]
        content = self.bundle.read(f"{_FILES}{path}")
        if content is None:
            hint = _nearest(path, self.files(), "files() lists them")
            raise MissingKeyError(f"the bundle has no file {path!r}", hint=hint)
        return content

    def closed(self) -> Snapshot:
        """The same configuration with nothing in it that was opened."""
        return Snapshot(self.bundle)

    @property
    def revision(self) -> str:
        """The commit that it was built from; empty for a work tree."""
        return self.bundle.head.commit

    @property
    def digest(self) -> str:
        """`sha256:` and the bundle's digest, as in its manifest."""
        return f"sha256:{self.bundle.head.digest.hex()}"

    @property
    def target(self) -> Target:
        """Environment, tenant and consumer."""
        return target_of(self.bundle)

    def following(self, bundle: Bundle, changes: Sequence[LeafChange], opened: OpenedBundle | None) -> Snapshot:
        """The snapshot of the bundle that these changes lead to. Reads that they cannot change are taken over."""
        after = Snapshot(bundle, opened)
        names = [name for name, _ in changed_documents(changes)]
        outdated = {*names}
        if any(change.before is None or change.after is None for _, change in changed_documents(changes)):
            outdated.add(_GROWTH)
        if opened != self.opened:
            outdated.add(_SECRETS)
        after.documents = self.documents.following(bundle.tree, names)
        after.reads, after._depending = self._kept_reads(outdated)
        return after

    def present(self, value: Any) -> Any:
        """A value of its documents as reads give it."""
        return read_only(value, self._resolve)

    def release(self) -> None:
        """A lock that nobody holds: for a process that was forked while another thread held it."""
        self._lock = threading.Lock()

    def _read(self, path: str) -> Any:
        if not isinstance(path, str):
            raise TypeError(f"a key path is a text, and this is a {type(path).__name__}")
        found = self.documents.value_at(parse_key_path(path))
        if found.value is ABSENT:
            return ABSENT
        uses: list[SecretReference] = []

        def resolve(reference: SecretReference) -> Any:
            uses.append(reference)
            return self._resolve(reference)

        value = read_only(found.value, resolve)
        depends = [*found.documents, *([_GROWTH] if found.may_grow else []), *([_SECRETS] if uses else [])]
        self._remember(path, value, depends)
        return value

    def _remember(self, path: str, value: Any, depends: Iterable[str]) -> None:
        with self._lock:
            if len(self.reads) >= _MOST_READS:
                self.reads.clear()
                self._depending.clear()
            for name in depends:
                self._depending.setdefault(name, []).append(path)
            self.reads[path] = value

    def _kept_reads(self, outdated: Iterable[str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
        with self._lock:
            reads = dict(self.reads)
            depending = {name: paths for name, paths in self._depending.items() if name not in outdated}
            for name in outdated:
                for path in self._depending.get(name, ()):
                    reads.pop(path, None)
        return reads, {name: [path for path in paths if path in reads] for name, paths in depending.items()}

    def _resolve(self, reference: SecretReference) -> Any:
        """What a reference to secrets is here: their value, with its type where it is one secret and nothing else."""
        if self.opened is None or any(name not in self.opened.values for name in reference.names):
            return reference
        if len(reference.parts) == 1:
            value = self.opened.values[reference.names[0]]
            if isinstance(value, bytes):
                return SecretBytes(value)
            return SecretText(value) if isinstance(value, str) else value
        return SecretText("".join(self._text(part) for part in reference.parts))

    def _text(self, part: str) -> str:
        from llmcfg.model.scalartext import scalar_text  # only programs with secrets pay for it

        if not isinstance(part, SecretName):
            return part
        value = self.opened.values[part] if self.opened else ""
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else scalar_text(value)

    def _missing(self, path: str) -> MissingKeyError:
        steps = parse_key_path(path)
        for length in range(len(steps) - 1, -1, -1):
            around = self.documents.value_at(steps[:length]).value
            if isinstance(around, dict):
                known = [format_key_path((*steps[:length], key)) for key in around]
                hint = _nearest(format_key_path(steps[: length + 1]), known, _some(known))
                return MissingKeyError(f"{self.target} has no key {format_key_path(steps)}", hint=hint)
        return MissingKeyError(f"{self.target} has no key {format_key_path(steps)}")


def _nearest(wrong: str, known: Iterable[str], otherwise: str) -> str:
    from llmcfg.model.suggest import did_you_mean  # only what goes wrong pays for it

    return did_you_mean(wrong, known, otherwise)


def _some(known: Sequence[str]) -> str:
    shown = ", ".join(sorted(known)[:_SHOWN])
    return f"there is {shown}{', …' if len(known) > _SHOWN else ''}" if shown else ""
