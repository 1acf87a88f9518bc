"""A schema that an earlier process compiled is the one that this process would compile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import asdict

from llmcfg.cache.store import DiskCache
from llmcfg.model.snapshot import BlobEntry
from llmcfg.pipeline.schema.check import check
from llmcfg.pipeline.schema.compiled import CompiledSchema
from llmcfg.pipeline.schema.compiling import compile_schema
from llmcfg.pipeline.schema.kept import compiled_schema
from llmcfg.resources import data_folder

SHIPPED = sorted(path.name for path in (data_folder("schemas")).iterdir() if path.name.endswith(".json"))
OWN = {
    "type": "object",
    "properties": {
        "large": {"maximum": 2**70, "minimum": -1.5e300},
        "text": {"pattern": "^[é☃]+$", "x-llmcfg-expires": "2026-12-31"},
        "list": {"x-llmcfg-merge": "append", "items": {"$ref": "b.json"}},
    },
}
OTHER = {"anyOf": [True, {"type": "string"}], "description": "\ud7ff\U0001f600"}


class Reader:
    """Schema files that count how often they are read."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.entries = {path: BlobEntry(path, f"{hash(content):x}", len(content)) for path, content in files.items()}
        self.reads = 0

    def __call__(self, oid: str) -> bytes:
        self.reads += 1
        return next(self.files[path] for path, entry in self.entries.items() if entry.oid == oid)


def compile_twice(folder: Path, file: str, files: dict[str, bytes]):
    """By this process, and by a later one; with how often that one read a file."""
    for _ in range(2):
        read = Reader(files)
        disk = DiskCache(folder / "c.sqlite")
        made = compiled_schema(file, read.entries, read, disk)
        disk.keep()
        disk.close()
    return made, read.reads


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_schemas_are_kept_as_they_are(tmp_path, name):
    files = {"schemas/a.json": (data_folder("schemas") / name).read_bytes()}
    expected = compile_schema("schemas/a.json", files)
    assert isinstance(expected, CompiledSchema)
    made, reads = compile_twice(tmp_path, "schemas/a.json", files)
    assert asdict(made) == asdict(expected)
    assert (reads == 0) is (not expected.warnings)


def test_numbers_text_and_files_come_back(tmp_path):
    files = {"schemas/a.json": json.dumps(OWN).encode(), "schemas/b.json": json.dumps(OTHER).encode()}
    expected = compile_schema("schemas/a.json", files)
    made, reads = compile_twice(tmp_path, "schemas/a.json", files)
    assert isinstance(made, CompiledSchema) and isinstance(expected, CompiledSchema)
    assert (vars(made), reads) == (vars(expected), 0)
    assert (made.has_merge_rules, made.has_ends, made.files) == (True, True, {*files})
    for value in ({"large": 2**71}, {"text": "x"}, {"list": [1, "a"]}, {"more": 1}):
        assert check(made, value) == check(expected, value)


@pytest.mark.parametrize("schema", [b'{"type": "object", "minimun": 1}', b'{"type": 3}'])
def test_a_schema_with_a_problem_is_looked_at_again(tmp_path, schema):
    expected = compile_schema("schemas/a.json", {"schemas/a.json": schema})
    made, reads = compile_twice(tmp_path, "schemas/a.json", {"schemas/a.json": schema})
    problems = made.warnings if isinstance(made, CompiledSchema) else made
    assert problems and problems == (expected.warnings if isinstance(expected, CompiledSchema) else expected)
    assert reads == 1


def test_another_file_in_the_folder_is_another_schema(tmp_path):
    files = {"schemas/a.json": json.dumps(OWN).encode(), "schemas/b.json": json.dumps(OTHER).encode()}
    first, _ = compile_twice(tmp_path, "schemas/a.json", files)
    second, _ = compile_twice(tmp_path, "schemas/a.json", {**files, "schemas/b.json": b'{"type": "integer"}'})
    assert first.digest != second.digest
