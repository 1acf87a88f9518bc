"""What a built-in renderer gets, and the forms that its text takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.documents.writer import write_yaml
from llmcfg.model.reference import ReferenceKind, environment_name, find_references, is_whole, parse_secret_use
from llmcfg.pipeline.builtins.record import Record, RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmcfg.model.value import Value

_PLAIN_IN_ENV: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")


class Inputs(NamedTuple):
    """A target, its selected configuration, and whether the file is opened: then references become values where they stand."""

    config: Record
    environment: str
    tenant: str | None
    consumer: str
    opened: bool

    @property
    def settings(self) -> Record:
        """The consumer's own settings: services.<consumer>."""
        return self.config.record("services").record(self.consumer)

    @property
    def title(self) -> str:
        tenant = f" for {self.tenant}" if self.tenant else ""
        return f"# {self.consumer} in {self.environment}{tenant}. Rendered by llmcfg: change the repository, not this file.\n"

    def yaml(self, document: Mapping[str, Value]) -> str:
        return self.title + write_yaml(dict(document))

    def env(self, variables: Mapping[str, Value]) -> str:
        """`NAME=value` lines. Secrets stand in them, so such a file is an opened output."""
        lines = [f"{name}={_env_value(name, value)}\n" for name, value in variables.items() if value is not None]
        return self.title + "".join(lines)


def as_json(document: Mapping[str, Value]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def without_nulls(fields: Mapping[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in fields.items() if value is not None}


def map_secrets(value: Value, name_of: Callable[[str], str], where: str, *, within: bool = True) -> Value:
    """The value with `name_of(variable)` in place of each secret. Raises RecordError for one within a text, unless that is said to work."""
    match value:
        case dict():
            return {key: map_secrets(item, name_of, f"{where}.{key}", within=within) for key, item in value.items()}
        case list():
            return [map_secrets(item, name_of, where, within=within) for item in value]
        case str():
            return _mapped(value, name_of, where, within)
        case _:
            return value


def secrets_within(value: Value) -> Iterator[str]:
    """The secrets that the texts of a value refer to, as they are written, in order."""
    match value:
        case dict():
            for item in value.values():
                yield from secrets_within(item)
        case list():
            for item in value:
                yield from secrets_within(item)
        case str():
            yield from (each.name for each in find_references(value) if each.kind is ReferenceKind.SECRET)
        case _:
            return


def _mapped(text: str, name_of: Callable[[str], str], where: str, within: bool) -> str:
    pieces, end = [], 0
    for reference in find_references(text):
        if reference.kind is ReferenceKind.SECRET:
            if not within and not is_whole(text, reference):
                raise RecordError(
                    f"{where} holds a secret within a text, and this file can only name whole secrets",
                    hint="set `opened: true` on the output, or make the whole text the secret",
                )
            pieces += [text[end : reference.start], name_of(environment_name(parse_secret_use(reference.name)))]
            end = reference.end
    return "".join([*pieces, text[end:]])


def _env_value(name: str, value: Value) -> str:
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = str(value)
    if "\n" in text:
        raise RecordError(
            f"{name} has a line break, which readers of env files take differently", hint="put it into a file"
        )
    if _PLAIN_IN_ENV.fullmatch(text):
        return text
    if "'" not in text:
        return f"'{text}'"
    return '"' + re.sub(r'([\\"$`])', r"\\\1", text) + '"'
