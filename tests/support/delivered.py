"""A directory sink with the bundle of one consumer in it, whose values a test sets."""

from __future__ import annotations

import hashlib

from llmcfg.bundlefile.sealed import SealedFile, sealed_path, source_of
from llmcfg.canonical import canonical_json
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import Stamp, environment_files, make_bundle, make_part
from llmcfg.secrets.envelope import Content, Context, seal
from llmcfg.sinks.directory import DirectorySink

API = Target("prod", "acme", "api")


class Delivered:
    """`put` delivers documents, by name, and rendered files, by path, as what is current from then on."""

    def __init__(self, root, target=API, after_apply=None):
        self.root = root
        self.target = target
        self.sink = DirectorySink(root, keep=3, after_apply=after_apply)
        self.count = 0

    @property
    def address(self):
        return f"dir:{self.root / 'current' / self.target.folder}"

    def put_sealed(self, documents, values, *, reader, outputs=None, **context):
        """Deliver with the values of secrets, and outputs (closed, opened), sealed for a reader. `context` is said instead of the truth."""
        self.count += 1
        outputs = outputs or {}
        parts = {f"config/{name}.json": make_part(canonical_json(value) + b"\n") for name, value in documents.items()}
        parts |= {f"files/{path}": make_part(closed) for path, (closed, _) in outputs.items()}
        lock = {name: hashlib.sha256(repr(value).encode()).hexdigest() for name, value in values.items()}
        made = make_bundle(self.target, parts, lock, (reader.recipient.text,), outputs)
        contents = {sealed_path(path): Content(text=opened) for path, (_, opened) in outputs.items()}
        if lock:
            contents["secrets.age"] = Content(values)
        digests = {path: part.sha256 for path, part in made.parts.items()}
        sealed = {}
        for path, content in contents.items():
            said = Context(self.target, path, self.count, source_of(path, digests, lock, made.recipients))
            sealed[path] = SealedFile(seal(said._replace(**context), content, [reader.recipient]), self.count)
        stamp = Stamp(self.count, None)
        self.deliver(environment_files("prod", {self.target: made}, f"{self.count:040x}", stamp, {self.target: sealed}))

    def deliver(self, written):
        self.sink.deliver(hashlib.sha256(repr(sorted(written.items())).encode()).hexdigest(), written)

    def put(self, documents, *, files=None, secrets=None, commit=None, others=()):
        self.count += 1
        parts = {f"config/{name}.json": make_part(canonical_json(value) + b"\n") for name, value in documents.items()}
        parts |= {f"files/{path}": make_part(content) for path, content in (files or {}).items()}
        bundles = {self.target: make_bundle(self.target, parts, secrets or {}, ())}
        for other in others:
            bundles[other] = make_bundle(other, {"config/x.json": make_part(b"{}\n")}, {}, ())
        written = environment_files("prod", bundles, commit or f"{self.count:040x}")
        self.deliver(written)

    def acks(self):
        folder = self.root / "acks" / self.target.folder
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.json"))}

    @property
    def file(self):
        return self.root / "current" / self.target.folder / "bundle.llmcfg"
