"""What rules know beside the platform: the day, the catalogue, and what both say about a model together."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from llmcfg.llm.vendors import SELF_HOSTED, VENDORS, host_of, vendor_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmcfg.llm.catalogue.catalogue import Catalogue
    from llmcfg.llm.catalogue.model import CatalogueModel
    from llmcfg.llm.platform import Complaint, Model, Platform, Provider

RETIRE_WITHIN: Final = 90
"""Days before a model's last day from which on it is a finding."""


class Ground(Struct, frozen=True):
    """`as_of` is the day that rules take for today."""

    as_of: date
    catalogue: Catalogue
    retire_within: int = RETIRE_WITHIN

    def known(self, model: Model) -> CatalogueModel | None:
        """The model's entry in the catalogue. A self-hosted one has none but that of its `base_model`."""
        if model.is_pattern or is_reference(model.upstream.value):
            return None
        if model.base_model is not None:
            return self.catalogue.find("", model.base_model.value)
        if is_self_hosted(model):
            return None
        return self.catalogue.find(vendor_of(model.provider) if model.provider else "", model.upstream.value)

    def is_named_exactly(self, model: Model) -> bool:
        """Whether its catalogue entry is the one that is written, and not found by its host or without a variant."""
        entry = self.known(model)
        provider = model.provider
        if entry is None or provider is None or model.base_model is not None:
            return entry is not None
        vendor = vendor_of(provider)
        own = (
            VENDORS[provider.type.value].prefix or provider.type.value
            if provider.type.value in VENDORS
            else provider.type.value
        )
        return vendor == own and entry.id in (model.upstream.value, f"{vendor}/{model.upstream.value}")

    def context(self, model: Model) -> int | None:
        """How many tokens it takes: as declared, or as catalogued."""
        entry = self.known(model)
        return model.context.value if model.context else entry.context if entry else None

    def output(self, model: Model) -> int | None:
        entry = self.known(model)
        return model.output.value if model.output else entry.output if entry else None

    def last_day(self, model: Model) -> date | None:
        """Its last day at the vendor: as declared, or as catalogued."""
        if model.retires is not None:
            try:
                return date.fromisoformat(model.retires.value)
            except ValueError:
                return None
        entry = self.known(model)
        return entry.retires if entry else None

    def supports(self, model: Model, ability: str) -> bool | None:
        """Whether it has an ability; None where nobody says."""
        entry = self.known(model)
        if ability in model.supports or (entry and ability in entry.supports):
            return True
        if entry and (ability in entry.lacks or (entry.supports and not is_self_hosted(model))):
            return False
        return False if model.supports else None

    def price(self, model: Model) -> tuple[float, float] | None:
        """USD per million tokens in and out."""
        if model.price_in is not None:
            return model.price_in.value, model.price_out.value if model.price_out else 0.0
        entry = self.known(model)
        return (entry.price_in, entry.price_out or 0.0) if entry and entry.price_in is not None else None


class Check(NamedTuple):
    """One rule: its id, and what finds the places that break it.

    It looks at each record with those that it names, as far as these name others: what it says of one does not depend on any other. Where
    it looks at all of some parts of a platform together, these are `whole`. All may read the setting and all names. That holds of records:
    of other programs' files all is read together.
    """

    rule: str
    find: Find
    whole: frozenset[Part] = frozenset()


Find: TypeAlias = "Callable[[Platform, Ground], Iterator[Complaint]]"
Part: TypeAlias = Literal["providers", "models", "routes", "budgets", "guardrails", "mcp_servers", "gateways"]


def vendor_of(provider: Provider) -> str:
    """Who answers: the vendor at the endpoint where its host is known, else the provider's type, as the catalogue prefixes it."""
    at_host = vendor_at(provider.base_url.value) if provider.base_url else ""
    name = at_host or provider.type.value
    return VENDORS[name].prefix or name if name in VENDORS else name


def is_self_hosted(model: Model) -> bool:
    """Whether the operator decides what its name stands for: own servers, gateways, and hosts that nobody knows."""
    provider = model.provider
    if provider is None:
        return False
    if provider.type.value in SELF_HOSTED or provider.type.value not in {*VENDORS, ""}:
        return provider.type.value in SELF_HOSTED or has_unknown_host(provider)
    return has_unknown_host(provider)


def has_unknown_host(provider: Provider) -> bool:
    """Whether its endpoint is none that a vendor is known for, or written where it cannot be seen."""
    if provider.base_url is None or provider.type.value == "azure_openai":
        return False
    return is_reference(provider.base_url.value) or not vendor_at(provider.base_url.value)


def has_foreign_host(provider: Provider) -> bool:
    """Whether it is reached at the host of another vendor than its type names."""
    at_host = vendor_at(provider.base_url.value) if provider.base_url else ""
    return bool(at_host) and at_host != provider.type.value


def is_reference(text: str) -> bool:
    """Whether a text takes its value from elsewhere: LiteLLM's environment, a shell's, or ours."""
    return text.startswith(("os.environ/", "${", "$", "{{", "oidc/")) or not text


def is_seen(url: str) -> bool:
    """Whether a URL's host can be told from the file."""
    return not is_reference(url) and bool(host_of(url)) and "{{" not in host_of(url) and "$" not in url.split("/")[2:3]
