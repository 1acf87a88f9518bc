"""The strict loader beside other readers of YAML on the same documents, and what hostile documents cost it, all in this process.

    .venv/bin/python benchmarks/loading.py
    .venv/bin/python benchmarks/loading.py --documents 500 --json loading.json

The loader knows the place of every problem, refuses duplicate keys, aliases that expand, depth, and what readers take differently, and asks
a second parser for its opinion; the others do nothing of that. Rounds are interleaved; figures are medians. Each reader must give the value
that the loader gives. That it accepts nothing wrongly is a test: tests/documents/test_yaml_suite.py.
"""

from __future__ import annotations

import argparse
import io
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from ruamel.yaml import YAML

from figures import Column, column, median, write_columns
from llmcfg.documents.loader import load_document
from machine import headline
from processes import timed
from repositories import provider_documents

if TYPE_CHECKING:
    from collections.abc import Callable

OURS, THEIRS = "llmcfg", "PyYAML CSafeLoader"
_DEEP = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100, help="of about a hundred keys")
    parser.add_argument("--runs", type=int, default=7, help="rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    documents = provider_documents(options.documents)
    readers = measure_readers(documents, options.runs)
    hostile = measure_hostile(options.runs)
    print(report(readers, hostile, sum(map(len, documents))))
    if options.json:
        write_columns(options.json, {"documents": readers, "hostile": hostile})


def load_strictly(content: bytes) -> object:
    document = load_document(content).document
    if document is None:
        sys.exit("the loader refuses a document of the generator")
    return document.value


def load_safely(content: bytes) -> object:
    return yaml.load(content, yaml.CSafeLoader)


def load_with_ruamel(content: bytes) -> object:
    return YAML(typ="safe").load(io.BytesIO(content))


def load_for_edits(content: bytes) -> object:
    return YAML(typ="rt").load(io.BytesIO(content))


READERS: dict[str, Callable[[bytes], object]] = {
    OURS: load_strictly,
    THEIRS: load_safely,
    "ruamel.yaml safe": load_with_ruamel,
    "ruamel.yaml round trip": load_for_edits,
}
HOSTILE: dict[str, bytes] = {
    "a list in a list, a million deep": b"a: " + b"[" * _DEEP,
    "a mapping in a mapping, a million deep, within the limit of bytes": b"{a: " * (_DEEP // 4),
    "a bomb of aliases, ten to the ninth values": b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        b"%c: &%c [%s]\n" % (98 + level, 98 + level, b",".join([b"*%c" % (97 + level)] * 10)) for level in range(8)
    ),
    "NUL in a mebibyte of text": b"a: x\n" + b"b: " + b"x" * 500_000 + b"\0" + b"x" * 500_000,
    "nothing but NUL": bytes(1 << 20),
    "a key a hundred thousand times": b"key: 1\n" * 100_000,
    "a number of a million digits": b"a: " + b"9" * _DEEP,
}

NAMES = (*READERS, *HOSTILE)


def measure_readers(documents: list[bytes], rounds: int) -> Column:
    found = column(READERS)
    values = [load_strictly(content) for content in documents]
    for _ in range(rounds):
        for name, load in READERS.items():
            read: list[object] = []
            found.runs[name].append(timed(partial(read_all, load, documents, read)))
            if read != values:
                sys.exit(f"{name} reads other values")
    return found


def measure_hostile(rounds: int) -> Column:
    found = column(HOSTILE)
    for _ in range(rounds):
        for name, content in HOSTILE.items():
            found.runs[name].append(timed(partial(refuse, name, content)))
    return found


def read_all(load: Callable[[bytes], object], documents: list[bytes], read: list[object]) -> None:
    read.extend(map(load, documents))


def refuse(name: str, content: bytes) -> None:
    if load_document(content).document is not None:
        sys.exit(f"the loader accepts {name}")


def report(readers: Column, hostile: Column, size: int) -> str:
    base = median(readers.runs[THEIRS])
    said = [
        f"{headline()}, {size:,} bytes",
        "",
        f"| reader | MB/s | times {THEIRS} |",
        "|---|---:|---:|",
    ]
    for name, taken in readers.runs.items():
        seconds = median(taken)
        said.append(f"| {name} | {size / seconds / 1e6:.1f} | {base / seconds:.2f} |")
    said += ["", "| refused by llmcfg | ms |", "|---|---:|"]
    said += [f"| {name} | {median(taken) * 1000:.1f} |" for name, taken in hostile.runs.items()]
    return "\n".join(said)


if __name__ == "__main__":
    main()
