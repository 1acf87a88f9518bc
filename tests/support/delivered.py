"""A directory sink with the bundle of one consumer in it, whose values a test sets."""

from __future__ import annotations

import hashlib

from llmcfg.canonical import canonical_json
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import environment_files, make_bundle, make_part
from llmcfg.sinks.directory import DirectorySink

API = Target("prod", "acme", "api")


class Delivered:
    """`put` delivers documents, by name, and rendered files, by path, as what is current from then on."""

    def __init__(self, root, target=API):
        self.root = root
        self.target = target
        self.sink = DirectorySink(root, keep=3)
        self.count = 0

    @property
    def address(self):
        return f"dir:{self.root / 'current' / self.target.folder}"

    def put(self, documents, *, files=None, secrets=None, commit=None, others=()):
        self.count += 1
        parts = {f"config/{name}.json": make_part(canonical_json(value) + b"\n") for name, value in documents.items()}
        parts |= {f"files/{path}": make_part(content) for path, content in (files or {}).items()}
        bundles = {self.target: make_bundle(self.target, parts, secrets or {}, ())}
        for other in others:
            bundles[other] = make_bundle(other, {"config/x.json": make_part(b"{}\n")}, {}, ())
        written = environment_files("prod", bundles, commit or f"{self.count:040x}")
        self.sink.deliver(hashlib.sha256(repr(sorted(written.items())).encode()).hexdigest(), written)

    def acks(self):
        folder = self.root / "acks" / self.target.folder
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.json"))}

    @property
    def file(self):
        return self.root / "current" / self.target.folder / "bundle.llmcfg"
