"""What was used, as a file says it: a document of kind `Usage` with tokens by tenant, service and model over some days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIELDS: Final = ("environment", "tenant", "service", "model", "input_tokens", "output_tokens")
_FORM: Final = f"apiVersion: llmcfg.dev/v1, kind: Usage, days: 30, items: [{{{', '.join(_FIELDS)}}}]"


class Usage(NamedTuple):
    """Tokens of one model in one scope over `days`. Without `tenant` it is the platform's own; `service` may be empty."""

    environment: str
    tenant: str | None
    service: str
    model: str
    input_tokens: int
    output_tokens: int
    days: int


def read_usage(document: Mapping[str, Any], file: str) -> tuple[Usage, ...]:
    """The items of a usage file. Raises UsageError, which names the item."""
    days, items = _count(document.get("days")), document.get("items")
    if document.get("kind") != "Usage" or not isinstance(items, list):
        raise UsageError(f"{file} is no usage file", hint=f"it holds {_FORM}")
    if not days:
        raise UsageError(f"{file} does not say over how many days", hint="write days: 30")
    return tuple(_usages(items, days, document.get("environment"), file))


def _usages(items: list[Any], days: int, environment: Any, file: str) -> Iterator[Usage]:
    for index, item in enumerate(items):
        where = f"{file}, item {index + 1}"
        unknown = sorted(item.keys() - {*_FIELDS}) if isinstance(item, dict) else []
        if not isinstance(item, dict) or unknown:
            what = f"has the unknown field {unknown[0]!r}" if unknown else "is no mapping"
            raise UsageError(f"{where} {what}", hint=f"fields are: {', '.join(_FIELDS)}")
        named = {"environment": environment, **item}
        texts = {name: _text(named, name, where) for name in ("environment", "tenant", "service", "model")}
        tokens = {name: _tokens(item, name, where) for name in ("input_tokens", "output_tokens")}
        for name in ("environment", "model"):
            if not texts[name]:
                raise UsageError(f"{where} names no {name}", hint=f"give it a {name}")
        yield Usage(
            texts["environment"], texts["tenant"] or None, texts["service"], texts["model"],
            tokens["input_tokens"], tokens["output_tokens"], days,
        )  # fmt: skip


def _text(item: Mapping[str, Any], name: str, where: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{where}: {name} is no text", hint="quote it")
    return value or ""


def _tokens(item: Mapping[str, Any], name: str, where: str) -> int:
    count = _count(item.get(name, 0))
    if count is None:
        raise UsageError(f"{where}: {name} is no number of tokens", hint="write a whole number that is not negative")
    return count


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
