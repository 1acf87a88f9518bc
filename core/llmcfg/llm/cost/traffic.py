"""What bounds the traffic of a scope beside the limits of models: the document `limits`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmcfg.llm.platform import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.llm.reading import Node


@dataclass(frozen=True, slots=True)
class Traffic:
    """Limits of the whole scope and of services by name; the most tokens that one request takes and gives."""

    whole: Rate = field(default_factory=Rate)
    services: Mapping[str, Rate] = field(default_factory=dict)
    input_tokens: int | None = None
    output_tokens: int | None = None


def read_traffic(node: Node) -> Traffic:
    taken, given = node.at("request").count("max_input_tokens"), node.at("request").count("max_output_tokens")
    return Traffic(
        whole=node.at("tenant").rate(),
        services={name: item.rate() for name, item in node.at("services").items()},
        input_tokens=taken.value if taken else None,
        output_tokens=given.value if given else None,
    )
