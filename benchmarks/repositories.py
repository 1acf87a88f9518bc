"""Repositories as platforms have them, of any size: documents of providers with models, limits and texts, four environments, tenants,
and a schema that every document is held against.

The same arguments give the same bytes. A document has about a hundred keys; each environment overrides one document in twenty, each
tenant three documents, so that tenants inherit nearly everything.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENVIRONMENTS: Final = ("dev", "staging", "prod", "edge")
KEYS_OF_DOCUMENT: Final = 104
OF_SECTION: Final = 100
_MODELS: Final = 12
_OVERRIDDEN: Final = 20  # one document in so many
KEYS_OF_TENANT: Final = 3  # one in each of as many documents
_SCHEMAS: Final = 'schemas:\n  - {documents: "section_*/*", schema: schemas/provider.json}\n'
_COUNT: Final = {"type": "integer", "minimum": 1}
_PRICE: Final = {"type": "number", "minimum": 0}
_SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["base_url", "models"],
    "properties": {
        "base_url": {"type": "string", "pattern": "^https://[a-z0-9.-]+/v1$"},
        "timeout_s": _COUNT,
        "greeting": {"type": "string", "maxLength": 500},
        "models": {"type": "object", "additionalProperties": {"$ref": "#/$defs/model"}},
    },
    "$defs": {
        "model": {
            "type": "object",
            "required": ["id", "context"],
            "properties": {
                "id": {"type": "string", "minLength": 1},
                "context": _COUNT,
                "input_price": _PRICE,
                "output_price": _PRICE,
                "capabilities": {"type": "array", "items": {"enum": ["chat", "tools", "vision"]}, "uniqueItems": True},
                "max_tokens": _COUNT,
            },
        }
    },
}

_NUMBER: Final = re.compile(r"\b((?:timeout_s|timeout_seconds|max_tokens|cooldown_seconds): )\d+")


def write_repository(root: Path, keys: int, tenants: int = 0, seed: int = 1) -> None:
    """Write and commit it."""
    chance = random.Random(seed)
    documents = [
        Path(f"section_{number // OF_SECTION}", f"provider_{number}.yaml")
        for number in range(max(1, keys // KEYS_OF_DOCUMENT))
    ]
    sections = sorted({document.parts[0] for document in documents})
    files = {Path("base", document): _provider(chance, number) for number, document in enumerate(documents)}
    for name in ENVIRONMENTS:
        for document in documents[::_OVERRIDDEN]:
            files[Path("environments", name, document)] = _overlay(chance)
    for number in range(tenants):
        for document in chance.sample(documents, min(KEYS_OF_TENANT, len(documents))):
            files[Path("tenants", f"t{number}", document)] = f"timeout_s: {300 + number}\n"
    files[Path("llmcfg.yaml")] = _manifest(tenants)
    files[Path("schemas", "provider.json")] = json.dumps(_SCHEMA, indent=2) + "\n"
    whose = 'tenants: "*"\n' if tenants else ""
    files[Path("consumers", "gateway.yaml")] = (
        f"apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [{', '.join(sections)}]\n{whose}"
    )
    commit_files(root, files)


def commit_files(root: Path, files: Mapping[Path, str]) -> None:
    """Into a new repository."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "The platform")


def provider_documents(count: int, seed: int = 1) -> list[bytes]:
    """Documents of base, without a repository around them."""
    chance = random.Random(seed)
    return [_provider(chance, number).encode() for number in range(count)]


def change(document: Path, turn: int) -> None:
    """Another value of its first number; of a document of an overlay one that no tenant says otherwise."""
    document.write_text(_NUMBER.sub(rf"\g<1>{1_000 + turn}", document.read_text(), count=1))


def first_document(folder: Path) -> Path:
    """That has something to change."""
    return next(path for path in sorted(folder.rglob("*.yaml")) if _NUMBER.search(path.read_text()))


def commit_change(root: Path, document: Path, turn: int) -> None:
    change(document, turn)
    git(root, "commit", "-q", "-a", "-m", f"change {turn}")


@contextmanager
def changed(document: Path, turn: int) -> Iterator[None]:
    """With another value of one key, which is taken back."""
    text = document.read_text()
    change(document, turn)
    try:
        yield
    finally:
        document.write_text(text)


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def _manifest(tenants: int) -> str:
    environments = "".join(f"  {name}: {{}}\n" for name in ENVIRONMENTS)
    named = "".join(f"  t{number}: {{}}\n" for number in range(tenants))
    said = f"tenants:\n{named}" if tenants else ""
    return (
        f"apiVersion: llmcfg.dev/v1\nkind: Repository\nname: generated\nenvironments:\n{environments}{said}{_SCHEMAS}"
    )


def _provider(chance: random.Random, number: int) -> str:
    lines = [
        f"# Provider {number}, and what its models may do.",
        f"base_url: https://p{number}.example.com/v1",
        f"timeout_s: {chance.randint(5, 90)}",
        "greeting: |",
        f"  You answer for team {number}.",
        "  Say so when you do not know.",
        "models:",
    ]
    for model in range(_MODELS):
        lines += [
            f"  model-{model}: # {chance.choice(['small', 'large', 'cheap', 'careful'])}",
            f"    id: vendor-{number}/model-{model}",
            f"    context: {chance.choice([8_000, 128_000, 200_000])}",
            f"    input_price: {chance.uniform(0.1, 5):.4f}",
            f"    output_price: {chance.uniform(1, 15):.4f}",
            "    capabilities: [chat, tools, vision]",
            f"    max_tokens: {chance.randint(100, 9_000)}",
        ]
    return "\n".join(lines) + "\n"


def _overlay(chance: random.Random) -> str:
    return f"models:\n  model-1:\n    max_tokens: {chance.randint(1, 90)}\ntimeout_s: {chance.randint(100, 200)}\n"
