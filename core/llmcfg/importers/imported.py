"""What an import makes: the files of a whole repository, or findings that say why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.importers.writing import flow_text
from llmcfg.model.names import why_not_a_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.model.findings import Finding


class Imported(NamedTuple):
    """`files` are those of a whole repository by path, empty if a finding is an error.

    `secrets` and `variables` are the names that the configuration refers to, sorted. The secrets have no value yet. `sections` are the
    file's top-level keys.
    """

    files: Mapping[str, bytes]
    findings: tuple[Finding, ...]
    secrets: tuple[str, ...]
    variables: tuple[str, ...]
    sections: tuple[str, ...] = ()


def label(name: str, otherwise: str) -> str:
    """A name that manifests and files take, made from any text."""
    made = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
    return made if why_not_a_name(made) is None else otherwise


def manifest_text(name: str, otherwise: str, variables: Iterable[str] = ()) -> str:
    """A manifest with three environments. `variables` are lines of its variables."""
    lines = ["apiVersion: llmcfg.dev/v1", "kind: Repository", f"name: {flow_text(label(name, otherwise))}", *variables]
    return "\n".join([*lines, "environments:", "  dev: {}", "  staging: {}", "  prod: {protected: true}", ""])


def secret_file(secrets: Iterable[str]) -> str:
    """A secret file with names and no values."""
    lines = [
        "# Names without values yet. Give each its value, and encrypt the file with sops for the recipients of .sops.yaml.",
        *(f'{flow_text(name)}: ""' for name in secrets),
    ]
    return "\n".join((*lines, ""))
