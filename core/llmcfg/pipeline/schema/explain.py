"""From what the validator found to problems that a person can act on.

An `anyOf` or `oneOf` that fails is explained by the alternative that the value most likely was meant for. Values are shown only when
they are short and do not look like secrets.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.suggest import did_you_mean
from llmcfg.model.value import kind_of
from llmcfg.pipeline.schema.definitions import DEFS
from llmcfg.pipeline.schema.keywords import SECRET, Where, children
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema_rs import ValidationError

    from llmcfg.model.value import Path, Value

_SHOWN: Final = 60
_KINDS: Final[dict[str, str]] = {"object": "mapping", "array": "list"}
_ALTERNATIVES: Final = frozenset(["anyOf", "oneOf"])
_MEND: Final = "change the value, or what the schema says about it"
_CLOSED: Final = frozenset(["additionalProperties", "unevaluatedProperties"])
_SECRET_SHAPE = regex(
    r"(?:sk-|pk-|rk-|gh[pousr]_|github_pat_|glpat-|xox[abpr]-|AKIA|ASIA|AIza|eyJ|hf_|gsk_|AGE-SECRET-KEY-|-----BEGIN|Bearer )"
    r"|://[^/@\s]*:[^/@\s]*@"
    r"|(?=[A-Za-z0-9+/_=-]*[0-9])(?=[A-Za-z0-9+/_=-]*[A-Za-z])[A-Za-z0-9+/_=-]{20,}"
)
_SECRET_KEY = regex(r"(?i)(key|token|secret|passw|credential|auth|cookie|private)")


def explain(schema: dict[str, Any], value: Value, errors: Iterable[ValidationError]) -> tuple[Problem, ...]:
    """The problems in the order of the value's keys as written; `schema` is the document that was validated by."""
    return _Explanation(schema, value).all(list(errors))


class _Explanation:
    def __init__(self, schema: dict[str, Any], value: Value) -> None:
        self.schema = schema
        self.value = value

    def all(self, errors: list[ValidationError]) -> tuple[Problem, ...]:
        """A branch that failed leaves its properties unjudged, so those are no news where a problem of the place is told already."""
        found: list[Problem] = []
        unknown: list[tuple[ValidationError, set[str]]] = []
        for error in errors:
            if error.kind.name == "unevaluatedProperties":
                unknown.append((error, self._known(error)))
            else:
                found += self.one(error)
        told = {path[:length] for path in (problem.path or () for problem in found) for length in range(len(path) + 1)}
        for error, known in sorted(unknown, key=lambda item: -len(item[0].instance_path)):
            at = tuple(error.instance_path)
            names = [name for name in error.kind.as_dict()["unexpected"] if name not in known or at not in told]
            found += [self._unknown_key(error, name, known) for name in names]
            told |= {at[:length] for length in range(len(at) + 1)}
        return tuple(dict.fromkeys(found))

    def one(self, error: ValidationError) -> Iterator[Problem]:
        name = error.kind.name
        details = error.kind.as_dict()
        path = tuple(error.instance_path)
        if name == "additionalProperties":
            known = self._known(error)
            yield from (self._unknown_key(error, key, known) for key in details["unexpected"])
        elif name == "required":
            message = f"{self._subject(path)} lacks the required key {details['property']!r}"
            hint = self._about([*error.schema_path[:-1], "properties", details["property"]])
            yield Problem("schema-required", message, hint=hint or "add it", path=path)
        elif name == SECRET:
            yield self._secret(error, path)
        elif name in _ALTERNATIVES and any(details.get("context", ())):
            yield from self._alternative(error)
        else:
            expected = self._expected(error, details)
            hint = self._meant(path, details.get("options", ())) or self._about(error.schema_path[:-1]) or _MEND
            yield Problem("schema-violation", f"{self._subject(path)}: {expected}", hint=hint, path=path)

    def _unknown_key(self, error: ValidationError, key: str, known: set[str]) -> Problem:
        path = tuple(error.instance_path)
        listing = ", ".join(sorted(known))
        otherwise = f"known keys: {listing}" if known and len(listing) <= 200 else "remove it, or add it to the schema"
        return Problem("schema-unknown-key", f"{self._subject(path)} has no key {key!r}",
                       hint=did_you_mean(key, known, otherwise), path=(*path, key))  # fmt: skip

    def _secret(self, error: ValidationError, path: Path) -> Problem:
        about = self._about(error.schema_path[:-1])
        if error.message.endswith("secret-misplaced"):
            message = f"{self._subject(path)} must not hold a secret"
            return Problem("secret-misplaced", message, hint=about or "write a plain value", path=path)
        message = f"{self._subject(path)} must be a reference to a secret, and is a plain value"
        return Problem(
            "secret-expected", message, hint="write {{secret:name}}, and put the value into a secret file", path=path
        )

    def _alternative(self, error: ValidationError) -> Iterator[Problem]:
        branches: list[list[ValidationError]] = [branch for branch in error.kind.as_dict()["context"] if branch]
        at = tuple(error.instance_path)
        wanted = [_wanted(branch, at) for branch in branches]
        fitting = [branch for branch, misses in zip(branches, wanted, strict=True) if not misses]
        about = self._about(error.schema_path[:-1])
        if not fitting:
            options = list(dict.fromkeys(option for misses in wanted for option in misses))
            message = f"{self._subject(at)}: expected {_either(options)}, found {self._found(at)}"
            words = [json.loads(option) for option in options if option.startswith('"')]
            yield Problem("schema-violation", message, hint=self._meant(at, words) or about or _MEND, path=at)
        elif len(fitting) > 1 and all(_only_required(branch, at) for branch in fitting):
            keys = list(dict.fromkeys(repr(item.kind.as_dict()["property"]) for branch in fitting for item in branch))
            message = f"{self._subject(at)} lacks one of the keys {_either(keys)}"
            yield Problem("schema-required", message, hint=about or "add one of them", path=at)
        else:
            yield from self.all(min(fitting, key=lambda branch: _distance(branch, at)))

    def _expected(self, error: ValidationError, details: dict[str, Any]) -> str:
        """What was expected and what is there, for a keyword that judges one value."""
        found = self._found(tuple(error.instance_path))
        match error.kind.name:
            case "type":
                return f"expected {_either([_KINDS.get(kind, str(kind)) for kind in details['types']])}, found {found}"
            case "enum":
                return f"expected {_either([_shown(option) for option in details['options']])}, found {found}"
            case "const":
                return f"expected {_shown(details['expected_value'])}, found {found}"
            case "pattern":
                return f"expected a text that matches {details['pattern']!r}, found {found}"
            case "format":
                return f"expected a text in the format {details['format']}, found {found}"
            case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
                return f"expected a number {_COMPARED[error.kind.name]} {details['limit']}, found {found}"
            case "multipleOf":
                return f"expected a multiple of {details['multiple_of']}, found {found}"
            case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
                return _COUNTED[error.kind.name].format(details["limit"], _count(error.instance))
            case "uniqueItems":
                return "two items are equal, and none may be"
            case "falseSchema":
                return "nothing may stand here"
            case "additionalItems" | "unevaluatedItems":
                return "more items than the schema knows"
            case "propertyNames":
                return f"a key is not allowed: {self._name_rule(details['error'])}"
            case "oneOf":
                return "fits more than one of the alternatives, and must fit one"
            case "contains":
                return "too few or too many items of the kind that is wanted"
            case "not":
                return f"{found} is not allowed"
            case name:
                return f"breaks {name}"

    def _name_rule(self, error: ValidationError) -> str:
        return self._expected(error, error.kind.as_dict()).rsplit(", found", 1)[0] + f", found {error.instance!r}"

    def _subject(self, path: Path) -> str:
        return format_key_path(path) if path else "the document"

    def _found(self, path: Path) -> str:
        value: Any = self.value
        for step in path:
            value = value[step]
        if isinstance(value, dict | list):
            return f"a {kind_of(value)}"
        names = [step for step in path if isinstance(step, str)]
        if isinstance(value, str) and ((names and _SECRET_KEY.search(names[-1])) or len(value) > _SHOWN):
            return f"a text of {len(value)} characters"
        return _shown(value)

    def _meant(self, path: Path, options: Iterable[Any]) -> str:
        """The option that a text was probably meant to be, where the text may be shown."""
        found = self._found(path)
        words = [option for option in options if isinstance(option, str)]
        return did_you_mean(json.loads(found), words) if found.startswith('"') else ""

    def _about(self, schema_path: list[str | int]) -> str:
        """What the schema at or around the place says it is for."""
        steps = list(schema_path)
        while True:
            schema = self._at(steps)
            if isinstance(schema, dict):
                text = schema.get("description", schema.get("title"))
                if isinstance(text, str):
                    return " ".join(text.split())[:200]
            if not steps or (steps[-1] not in ("else", "then") and steps[-2:-1] != ["allOf"]):
                return ""
            steps = steps[: -2 if isinstance(steps[-1], int) else -1]

    def _at(self, steps: Iterable[str | int]) -> Any:
        node: Any = self.schema
        for step in steps:
            if isinstance(node, dict) and isinstance(step, str):
                node = node.get(step)
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                return None
        return node

    def _known(self, error: ValidationError) -> set[str]:
        """The properties that any schema of the place names."""
        return _properties(self.schema, self._at(error.schema_path[:-1]))


_COMPARED: Final = {
    "minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<",
}  # fmt: skip
_COUNTED: Final = {
    "minLength": "expected at least {} characters, found {}",
    "maxLength": "expected at most {} characters, found {}",
    "minItems": "expected at least {} items, found {}",
    "maxItems": "expected at most {} items, found {}",
    "minProperties": "expected at least {} keys, found {}",
    "maxProperties": "expected at most {} keys, found {}",
}


def _properties(document: dict[str, Any], schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = set(schema.get("properties", ()))
    if "$ref" in schema:
        found |= _properties(document, document["$defs"][schema["$ref"].removeprefix(DEFS)])
    inner = (child for child in children(schema) if child.where is Where.SAME)
    return found.union(*(_properties(document, child.schema) for child in inner))


def _wanted(branch: list[ValidationError], at: Path) -> list[str]:
    """What an alternative wants that the value as a whole is not; empty when the value is of the right kind for it."""
    for error in branch:
        details = error.kind.as_dict()
        if tuple(error.instance_path) == at and error.kind.name == "type":
            return [_KINDS.get(kind, str(kind)) for kind in details["types"]]
        if tuple(error.instance_path) == at and error.kind.name == "const":
            return [_shown(details["expected_value"])]
        if tuple(error.instance_path) == at and error.kind.name == "enum":
            return [_shown(option) for option in details["options"]]
    return []


def _only_required(branch: list[ValidationError], at: Path) -> bool:
    return all(error.kind.name == "required" and tuple(error.instance_path) == at for error in branch)


def _distance(branch: list[ValidationError], at: Path) -> tuple[bool, int]:
    """How far the value is from an alternative: a wrong discriminator (`kind: x`) is farthest, then the count of errors."""
    wrong = any(e.kind.name in ("const", "enum") and len(e.instance_path) == len(at) + 1 for e in branch)
    return wrong, len(branch)


def _either(options: list[str]) -> str:
    shown = options if len(options) <= 12 else [*options[:11], f"{len(options) - 11} more"]
    if len(shown) < 2:
        return shown[0] if shown else "nothing"
    return f"{', '.join(shown[:-1])} or {shown[-1]}"


def _shown(value: Any) -> str:
    if isinstance(value, str) and (len(value) > _SHOWN or _SECRET_SHAPE.search(value)):
        return f"a text of {len(value)} characters"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"a {kind_of(value)}"


def _count(instance: Any) -> int:
    return len(instance) if isinstance(instance, str | list | dict) else 0
