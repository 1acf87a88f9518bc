"""The manifest's hierarchy read the other way round: from a path to the layer that holds it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.findings import Finding, Origin
from llmcfg.model.scalartext import scalar_text
from llmcfg.model.suggest import did_you_mean
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.manifest import Manifest
    from llmcfg.model.value import Scalar

DIMENSION: Final = regex(r"\{([a-z_]+)\}")


class Placed(NamedTuple):
    """The layer's folder, the path in it, and the tenant whose layer it is."""

    folder: str
    rest: str
    tenant: str | None


class LayerPatterns:
    """The longest pattern that matches with known names wins, and of equally long ones the most literal."""

    def __init__(self, manifest: Manifest) -> None:
        ordered = sorted(
            {*manifest.hierarchy, "base"}, key=lambda pattern: (-pattern.count("/"), pattern.count("{"), pattern)
        )
        self._patterns = [(re.compile(_expression(pattern)), _has_literal(pattern)) for pattern in ordered]
        self._roots = {pattern.split("/", 1)[0] for pattern in ordered}
        dimensions = {dimension for pattern in ordered for dimension in DIMENSION.findall(pattern)}
        self._known = {dimension: dimension_values(manifest, dimension) for dimension in dimensions}
        self._hints: dict[tuple[str, str], str] = {}
        self._folders: dict[str, Placed] = {}  # where files of a folder lie, for folders that lie in a layer

    def place(self, path: str) -> Placed | Finding | None:
        """The layer; a finding for a file where only layers may lie but none does; None for a path that is not ours."""
        around, slash, name = path.rpartition("/")
        known = self._folders.get(around)
        if known is None and slash:
            found = self._place(f"{around}/")
            if isinstance(found, Placed):
                known = self._folders[around] = found
        return self._place(path) if known is None else known._replace(rest=known.rest + name)

    def _place(self, path: str) -> Placed | Finding | None:
        for pattern, has_literal in self._patterns:
            match = pattern.match(path)
            if match is None:
                continue
            unknown = [(dim, name) for dim, name in match.groupdict().items() if name not in self._known[dim]]
            if not unknown:
                return Placed(match[0][:-1], path[match.end() :], match.groupdict().get("tenant"))
            if has_literal:
                return self._unknown_name(path, *unknown[0])
        root, _, rest = path.partition("/")
        if root in self._roots and rest:
            return Finding(
                "layout-unknown", "nothing reads this file", Origin(path), "it lies beside the layers, not in one"
            )
        return None

    def is_above_layers(self, path: str) -> bool:
        """Whether layers lie in the folder `path`; `.` holds all of them."""
        return path == "." or any(root == path.partition("/")[0] for root in self._roots)

    def _unknown_name(self, path: str, dimension: str, name: str) -> Finding:
        if (dimension, name) not in self._hints:
            section = {"environment": "environments", "tenant": "tenants"}.get(dimension)
            otherwise = f"add it under {section} in llmcfg.yaml" if section else f"give a tenant the {dimension} {name}"
            hint = did_you_mean(name, self._known[dimension], f"{otherwise}, or remove the folder")
            self._hints[dimension, name] = hint
        message = f"the manifest names no {dimension} {name!r}"
        return Finding("layer-unknown", message, Origin(path), self._hints[dimension, name])


def dimension_values(manifest: Manifest, dimension: str) -> set[str]:
    """Every name that a `{dimension}` of the hierarchy can stand for."""
    if dimension == "environment":
        return set(manifest.environments)
    if dimension == "tenant":
        return set(manifest.tenants)
    values = {scalar_text(variables[dimension]) for variables in _variables(manifest) if _is_set(variables, dimension)}
    if dimension == "region":
        values.update(tenant.region for tenant in manifest.tenants.values() if tenant.region is not None)
    return values


def _variables(manifest: Manifest) -> Iterator[Mapping[str, Scalar]]:
    yield manifest.variables
    for environment in manifest.environments.values():
        yield environment.variables
    for tenant in manifest.tenants.values():
        yield tenant.variables


def _is_set(variables: Mapping[str, Scalar], name: str) -> bool:
    return variables.get(name) is not None


def _expression(pattern: str) -> str:
    """Each dimension once by name; where it comes again, the same name must stand."""
    parts: list[str] = []
    seen: set[str] = set()
    for index, part in enumerate(DIMENSION.split(pattern)):
        if index % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+)")
            seen.add(part)
    return "".join(parts) + "/"


def _has_literal(pattern: str) -> bool:
    return any(not segment.startswith("{") for segment in pattern.split("/"))
