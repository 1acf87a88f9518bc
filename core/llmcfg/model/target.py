"""What configuration is composed for (scope) and what one bundle is built for (target)."""

from __future__ import annotations

from typing import NamedTuple

SHARED = "_shared"
"""Stands for "no tenant" in directory names and in output."""


class Scope(NamedTuple):
    """One composed configuration: an environment, and a tenant or the platform's own."""

    environment: str
    tenant: str | None = None

    def __str__(self) -> str:
        return self.environment if self.tenant is None else f"{self.environment}/{self.tenant}"


class Target(NamedTuple):
    environment: str
    tenant: str | None
    consumer: str

    @property
    def scope(self) -> Scope:
        return Scope(self.environment, self.tenant)

    @property
    def folder(self) -> str:
        """Its place inside an environment's bundles: `acme/api-gateway`, or `_shared/api-gateway` without a tenant."""
        return f"{self.tenant or SHARED}/{self.consumer}"

    def __str__(self) -> str:
        return f"{self.environment}/{self.folder}"
