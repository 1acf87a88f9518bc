"""A prompt as it holds in a scope: its index (`prompts/support/triage`) and its versions (in the index, or documents below `versions/`).

Values that are not of the expected kind count as absent: the schema says so, not this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct, field

from llmcfg.prompts.syntax import ENGINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Path, Value
    from llmcfg.prompts.syntax import Engine

FOLDER: Final = "prompts/"
VERSIONS: Final = "versions"
TYPES: Final = ("string", "integer", "number", "boolean", "list", "object")
_ENGINES: Final[dict[str, Engine]] = {engine: engine for engine in ENGINES}
EMPTY: Final[dict[str, Any]] = {
    "string": "",
    "integer": None,
    "number": None,
    "boolean": False,
    "list": [],
    "object": {},
}
"""What an optional variable without a default counts as when nobody gives it."""


class Spot(NamedTuple):
    """A place in a document."""

    document: str
    path: Path = ()

    def at(self, *steps: str | int) -> Spot:
        return Spot(self.document, (*self.path, *steps))


class Variable(NamedTuple):
    name: str
    type: str = "string"
    required: bool = False
    default: Any = None
    has_default: bool = False
    max_chars: int | None = None
    enum: tuple[Any, ...] = ()
    is_sensitive: bool = False
    is_untrusted: bool = False
    description: str = ""


class Message(NamedTuple):
    role: str
    content: str


class Expectation(NamedTuple):
    """A test of a version: with these values, the rendered text holds `contains`, does not hold `lacks`, and is at most so long."""

    name: str
    variables: Mapping[str, Any]
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    max_tokens: int | None = None


class Version(Struct, frozen=True):
    """`value` is all that is said, as the bundle has it."""

    number: str
    spot: Spot
    value: Mapping[str, Any]
    status: str = "draft"
    engine: Engine = "jinja"
    messages: tuple[Message, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=dict)
    max_tokens: int | None = None
    models_tested: tuple[str, ...] = ()
    tests: tuple[Expectation, ...] = ()

    @property
    def types(self) -> dict[str, str]:
        return {name: variable.type for name, variable in self.variables.items()}


class Prompt(Struct, frozen=True):
    """`name` is its path below `prompts/`, `current` the version that applications use, `released` the recorded hash of each."""

    name: str
    id: str
    spot: Spot
    current: str = ""
    owner: str = ""
    description: str = ""
    released: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, Version] = field(default_factory=dict)


def read_prompts(documents: Mapping[str, Mapping[str, Value]]) -> dict[str, Prompt]:
    """All prompts among the documents of a scope, by name. A document below `prompts/` that has no version is none."""
    found: dict[str, Prompt] = {}
    below = _versions_below(documents)
    for name, value in documents.items():
        if not name.startswith(FOLDER) or f"/{VERSIONS}/" in name:
            continue
        versions = {**_inline_versions(name, value), **below.get(name, {})}
        if versions:
            prompt = _prompt(name, value, versions)
            found[prompt.name] = prompt
    for document in documents:
        index, _, number = document.rpartition(f"/{VERSIONS}/")
        name = index.removeprefix(FOLDER)
        if index.startswith(FOLDER) and number and index not in documents and name not in found:
            found[name] = Prompt(name, name.replace("/", "-"), Spot(document), versions=below[index])
    return dict(sorted(found.items()))


def _prompt(document: str, value: Mapping[str, Any], versions: Mapping[str, Version]) -> Prompt:
    name = document.removeprefix(FOLDER)
    return Prompt(
        name=name,
        id=_text(value, "id") or name.replace("/", "-"),
        spot=Spot(document),
        current=_text(value, "current"),
        owner=_text(value, "owner"),
        description=_text(value, "description"),
        released={number: each for number, each in _mapping(value.get("released")).items() if isinstance(each, str)},
        versions=versions,
    )


def _inline_versions(name: str, value: Mapping[str, Any]) -> dict[str, Version]:
    return {
        number: read_version(number, said, Spot(name, (VERSIONS, number)))
        for number, said in _mapping(value.get(VERSIONS)).items()
        if isinstance(said, dict)
    }


def _versions_below(documents: Mapping[str, Mapping[str, Value]]) -> dict[str, dict[str, Version]]:
    """By the document that they lie below, which need not be there, the versions that are documents of their own."""
    found: dict[str, dict[str, Version]] = {}
    for document, said in documents.items():
        steps = document.split(f"/{VERSIONS}/") if document.startswith(FOLDER) else []
        for length in range(1, len(steps)):
            index, number = (f"/{VERSIONS}/".join(part) for part in (steps[:length], steps[length:]))
            if number:
                found.setdefault(index, {})[number] = read_version(number, said, Spot(document))
    return found


def read_version(number: str, value: Mapping[str, Any], spot: Spot) -> Version:
    return Version(
        number=number,
        spot=spot,
        value=value,
        status=_text(value, "status") or "draft",
        engine=_ENGINES.get(_text(value, "engine"), "jinja"),
        messages=tuple(
            Message(_text(each, "role") or "user", _text(each, "content")) for each in _mappings(value.get("messages"))
        ),
        variables={name: _variable(name, _mapping(said)) for name, said in _mapping(value.get("variables")).items()},
        max_tokens=_count(value.get("max_prompt_tokens")),
        models_tested=_texts(value.get("models_tested")),
        tests=tuple(_expectation(at, said) for at, said in enumerate(_mappings(value.get("tests")), 1)),
    )


def _variable(name: str, said: Mapping[str, Any]) -> Variable:
    enum = said.get("enum")
    return Variable(
        name=name,
        type=_text(said, "type") or "string",
        required=said.get("required") is True,
        default=said.get("default"),
        has_default="default" in said,
        max_chars=_count(said.get("max_chars")),
        enum=tuple(enum) if isinstance(enum, list) else (),
        is_sensitive=said.get("sensitive") is True,
        is_untrusted=said.get("untrusted") is True,
        description=_text(said, "description"),
    )


def _expectation(at: int, said: Mapping[str, Any]) -> Expectation:
    return Expectation(
        name=_text(said, "name") or f"test {at}",
        variables=_mapping(said.get("variables")),
        contains=_texts(said.get("contains")),
        lacks=_texts(said.get("lacks")),
        max_tokens=_count(said.get("max_tokens")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
