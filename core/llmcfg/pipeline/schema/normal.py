"""One self-contained 2020-12 schema out of a schema file and all that it refers to.

Every schema that a `$ref` names becomes an entry of `$defs`, every `$ref` becomes `#/$defs/<number>`, older drafts are written anew in
2020-12, and what checks nothing for anybody (`$id`, unknown keywords) is left out. So later steps know one draft and one kind of
reference, and a validator never has anything to fetch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.definitions import DEFS
from llmcfg.pipeline.schema.keywords import ANNOTATIONS, KNOWN, OWN, Draft, children, draft_of, put
from llmcfg.pipeline.schema.registry import SchemaFiles, Spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.pipeline.schema.definitions import Schema

_LEFT_OUT: Final = frozenset(
    [
        "$id",
        "$schema",
        "$anchor",
        "$dynamicAnchor",
        "$recursiveAnchor",
        "$vocabulary",
        "$comment",
        "$defs",
        "definitions",
        "dependencies",
        "$ref",
        "items",
        "additionalItems",
    ]
)
_MAX_DEFINITIONS: Final = 5_000


class TooManyDefinitionsError(ValueError):
    """More schemas refer to one another than a validator should be built from."""


def normalise(files: SchemaFiles, root: Spot) -> tuple[dict[str, Schema], list[Spot]]:
    """Definitions by number, "0" being the root's, and where each of them was written. Every reference must be known to resolve."""
    spots: list[Spot] = [root]
    numbers = {root: 0}

    def number(spot: Spot) -> str:
        if spot not in numbers:
            if len(spots) >= _MAX_DEFINITIONS:
                raise TooManyDefinitionsError
            numbers[spot] = len(spots)
            spots.append(spot)
        return str(numbers[spot])

    definitions: dict[str, Schema] = {}
    done = 0
    while done < len(spots):
        definitions[str(done)] = _convert(files, spots[done], number)
        done += 1
    return definitions, spots


def _convert(files: SchemaFiles, spot: Spot, number: Any) -> Schema:
    schema = files.schema(spot)
    if not isinstance(schema, dict):
        return bool(schema)
    text = files.text(spot.file)
    draft = draft_of(text.value if text else True) or Draft.D2020
    result: dict[str, Any] = {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = files.resolve(spot, reference)
        assert isinstance(target, Spot), target
        result["$ref"] = DEFS + number(target)
        if draft is Draft.D7:
            schema = {key: value for key, value in schema.items() if key in ANNOTATIONS or key in OWN}
    result |= {key: value for key, value in schema.items() if _is_kept(key, value, draft)}
    inner = {
        child.steps: _convert(files, Spot(spot.file, (*spot.path, *child.steps)), number)
        for child in children(schema)
        if child.steps[0] in KNOWN[draft] and child.steps[0] not in ("$defs", "definitions")
    }
    _put(result, schema, inner)
    return result


def _is_kept(keyword: str, value: Any, draft: Draft) -> bool:
    if keyword in ("deprecated", "readOnly", "writeOnly") and not isinstance(value, bool):
        return False  # older drafts say nothing about their values
    return (keyword in KNOWN[draft] and keyword not in _LEFT_OUT) or keyword in OWN


def _put(result: dict[str, Any], schema: dict[str, Any], inner: Mapping[tuple[str | int, ...], Schema]) -> None:
    """The converted inner schemas into `result`, under the keywords of 2020-12."""
    for (keyword, *rest), converted in inner.items():
        match keyword, rest:
            case "items", [int()]:
                result.setdefault("prefixItems", []).append(converted)
            case "items", []:
                result["items"] = converted
            case "additionalItems", []:
                if isinstance(schema.get("items"), list):
                    result["items"] = converted
            case "dependencies", [str(name)]:
                result["dependentSchemas"] = {**result.get("dependentSchemas", {}), name: converted}
            case _:
                put(result, (keyword, *rest), converted)
    listed = {name: names for name, names in schema.get("dependencies", {}).items() if isinstance(names, list)}
    if listed:
        result["dependentRequired"] = {**schema.get("dependentRequired", {}), **listed}
