"""What this machine can do with bytes: copied, read, hashed, inflated, deflated, written. The floor below which nothing can be.

    .venv/bin/python benchmarks/physical.py
    .venv/bin/python benchmarks/physical.py --folder /mnt/disk

The bytes are documents of the generator, as often as they fill the size; figures are medians. *read* is of files that the system has in
memory, of the size of a document each. *loaded from JSON* is what it takes to make Python's objects of the same values and no more.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import yaml
from yaml._yaml import CParser

from figures import Column, column, median, write_columns
from machine import headline
from processes import timed
from repositories import provider_documents

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTS: Final = 1_000
_DEFLATE_LEVEL: Final = 1  # as pygit2 and Git store loose objects at least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="of the disk to measure")
    parser.add_argument("--runs", type=int, default=7, help="rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    documents = provider_documents(DOCUMENTS)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = measure(Path(folder), documents, options.runs)
    print(report(found, sum(map(len, documents))))
    if options.json:
        write_columns(options.json, {f"{DOCUMENTS:,} documents": found})


def measure(folder: Path, documents: list[bytes], rounds: int) -> Column:
    works = works_on(folder, documents)
    found = column(works)
    for _ in range(rounds):
        for name, work in works.items():
            found.runs[name].append(timed(work))
    return found


def works_on(folder: Path, documents: list[bytes]) -> dict[str, Callable[[], object]]:
    paths = [folder / str(number) for number in range(len(documents))]
    for path, content in zip(paths, documents, strict=True):
        path.write_bytes(content)
    whole, deflated = b"".join(documents), [zlib.compress(content, _DEFLATE_LEVEL) for content in documents]
    as_json = [msgspec.json.encode(yaml.load(content, yaml.CSafeLoader)) for content in documents]
    return {
        "copied": lambda: bytearray(whole),
        "read": lambda: [path.read_bytes() for path in paths],
        "hashed with SHA-256": lambda: [hashlib.sha256(content).digest() for content in documents],
        "inflated": lambda: [zlib.decompress(content) for content in deflated],
        "deflated": lambda: [zlib.compress(content, _DEFLATE_LEVEL) for content in documents],
        "written and flushed, as one file": lambda: write(folder / "whole", whole),
        "written and flushed, 100 files": lambda: write_each(paths[:100]),
        "loaded from JSON": lambda: [msgspec.json.decode(content) for content in as_json],
        "scanned by libyaml, without values": lambda: scan(documents),
    }


def write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_each(paths: list[Path]) -> None:
    for path in paths:
        write(path, path.read_bytes())


def scan(documents: list[bytes]) -> None:
    """Every event, as PyYAML makes an object of it."""
    for content in documents:
        parser = CParser(content)
        while not isinstance(parser.get_event(), yaml.StreamEndEvent):
            pass


def report(found: Column, size: int) -> str:
    said = [f"{headline()}, {size:,} bytes of YAML", "", "| | ms | of the processors | MB/s |", "|---|---:|---:|---:|"]
    for name, runs in found.runs.items():
        of_it = size / 10 if "100 files" in name else size
        passed, used = median(runs), median(runs, "processors")
        said.append(f"| {name} | {passed * 1e3:.1f} | {used * 1e3:.1f} | {of_it / passed / 1e6:,.1f} |")
    return "\n".join(said)


if __name__ == "__main__":
    main()
