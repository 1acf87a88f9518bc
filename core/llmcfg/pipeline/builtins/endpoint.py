"""Which endpoint and key a client gets: what its own settings say, else the one provider that it selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.pipeline.builtins.platform import read_platform
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.record import Record


class Endpoint(NamedTuple):
    """`url` and `key`, and the record that they come from."""

    url: str
    key: Value
    record: Record


def endpoint_of(inputs: Inputs, *types: str) -> Endpoint:
    """The endpoint of a client that speaks the protocol of these types of provider."""
    settings = inputs.settings
    url = settings.text("base_url") or settings.text("gateway_url")
    if url:
        return Endpoint(url, settings.fields.get("api_key"), settings)
    found = [provider for provider in read_platform(inputs.config).providers.values() if provider.type in types]
    if len(found) == 1:
        record = found[0].record
        return Endpoint(record.text("base_url") or record.text("endpoint"), record.fields.get("api_key"), record)
    several = f", and {len(found)} providers of type {' or '.join(types)} are selected" if found else ""
    raise RecordError(f"{settings.at('base_url')} is missing{several}",
                      hint=f"set it, or select one provider of type {' or '.join(types)}")  # fmt: skip
