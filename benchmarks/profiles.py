"""Where the processor's time goes in one command: own time by part of the program, in this checkout or in another revision.

    .venv/bin/python benchmarks/profiles.py validate --no-cache
    .venv/bin/python benchmarks/profiles.py --keys 100000 --tenants 1000 --base HEAD~3 validate --no-cache
    .venv/bin/python benchmarks/profiles.py --warm --keys 10000 validate

The command runs whole, under cProfile, on a generated repository; *warm* is after a run that filled the cache, with one key of an overlay
changed. Measuring makes calls dearer: read shares, and take seconds from elsewhere. What the command starts is not looked into.
"""

from __future__ import annotations

import argparse
import pstats
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from compare import check_out
from machine import ROOT, headline, said
from processes import Command, apart, of_cache, run
from repositories import change, first_document, write_repository

PROGRAM: Final = Path(__file__).resolve().parent / "programs" / "profiled.py"
LEAST_SHARE: Final = 0.01
_OWN: Final = re.compile(r".*/(?:core|cli|site-packages)/(llmcfg(?:_cli)?)/(\w+)")  # a clone may be called llmcfg too
_THEIRS: Final = re.compile(r"site-packages/(\w+)")
_LIBRARY: Final = re.compile(
    r"(yaml|_?pygit2|yaml_rs|msgspec|jsonschema_rs|zlib|sqlite3|_hashlib|posix|marshal|_imp)\b"
)
_IMPORTING: Final = ("marshal", "imp")
_BUILT_IN: Final = "~"  # as pstats names the file
Place = tuple[str, int, str]
Callers = Mapping[Place, tuple[int, int, float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="of llmcfg, with its options")
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--tenants", type=int, default=0)
    parser.add_argument("--base", metavar="REV", help="of another revision, not of this checkout")
    parser.add_argument("--warm", action="store_true", help="one changed key, after a run that filled the cache")
    options = parser.parse_args()
    interpreter = sys.executable
    if options.base:
        interpreter = str(check_out(said("git", "-C", str(ROOT), "rev-parse", f"{options.base}^{{commit}}")))
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder, "repository"), Path(folder, "profile")
        apart(write_repository, root, options.keys, options.tenants)
        command = Command([interpreter, str(PROGRAM), str(out), *options.command])
        environment = of_cache(Path(folder, "cache") if options.warm else None)
        if options.warm:
            run(command, root, environment)
            change(first_document(root / "environments/dev"), 0)
        taken = run(command, root, environment)
        parts = by_part(out)
    print(f"{headline()}, {options.base or 'this checkout'}: {' '.join(options.command)}")
    print(
        f"{options.keys:,} keys, {options.tenants:,} tenants; {taken.processors:.2f} s of the processors under measurement\n"
    )
    print(report(parts))


def by_part(profile: Path) -> dict[str, float]:
    """Seconds of their own. What is built in counts as its callers', unless it is a library's."""
    parts: defaultdict[str, float] = defaultdict(float)
    stats: Mapping[Place, tuple[int, int, float, float, Callers]] = vars(pstats.Stats(str(profile)))["stats"]
    for place, (_, _, own, _, callers) in stats.items():
        if place[0] == _BUILT_IN and not _LIBRARY.search(place[2]):
            for caller, (_, _, own_for_it, _) in callers.items():
                parts[part_of(caller)] += own_for_it
        else:
            parts[part_of(place)] += own
    return parts


def part_of(place: Place) -> str:
    file, _, function = place
    if own := _OWN.search(file):
        return ".".join(own.groups())
    if theirs := _THEIRS.search(file):
        return theirs[1]
    library = _LIBRARY.search(function) if file == _BUILT_IN else None
    name = library[1].lstrip("_") if library else ""
    return "imports" if "importlib" in file or name in _IMPORTING else f"{name}, in C" if name else "standard library"


def report(parts: Mapping[str, float]) -> str:
    total = sum(parts.values())
    largest = sorted(parts.items(), key=lambda part: -part[1])
    shown = [(name, own) for name, own in largest if own >= LEAST_SHARE * total]
    lines = [f"| {name} | {own * 1e3:,.0f} | {own / total:.0%} |" for name, own in shown]
    rest = total - sum(own for _, own in shown)
    return "\n".join(
        [
            "| part | own ms | share |",
            "|---|---:|---:|",
            *lines,
            f"| all else | {rest * 1e3:,.0f} | {rest / total:.0%} |",
        ]
    )


if __name__ == "__main__":
    main()
