"""Bundles for tests: from names and contents, with a manifest as the pipeline writes it."""

from __future__ import annotations

from llmcfg.bundlefile.files import bundle_of
from llmcfg.canonical import canonical_json
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import make_bundle, make_part

TARGET = Target("prod", "acme", "api")


def document(value):
    return canonical_json(value) + b"\n"


def files_of(parts, *, secrets=None, target=TARGET):
    """The files of a bundle with these parts, by path."""
    made = make_bundle(target, {name: make_part(content) for name, content in parts.items()}, secrets or {}, ())
    return dict(made.files())


def bundle(parts, previous=None, **others):
    return bundle_of(files_of(parts, **others), previous)


def numbered(count, *, changed=()):
    """Parts of `count` documents in two folders; those in `changed` hold another value."""
    return {
        f"config/{'models' if number % 2 else 'routes'}/r{number:05d}.json": document(
            {"weight": number, "model": f"model-{number % 7}", "on": number in changed}
        )
        for number in range(count)
    }
