"""The licence gate: every package that `pip install llmcfg` brings has a licence that we accept, or is listed below.

A package's word is taken in this order: `License-Expression` (PEP 639), `License ::` classifiers, the `License` field, the first
lines of a licence file that it ships. What says nothing that is understood here is refused: reading a licence is a person's work.
Runs on the installed environment: `python .ci/licences.py [NAME]`, with the name of an installed package.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ACCEPTED = frozenset(
    {"MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "ISC", "PSF-2.0", "Python-2.0", "Unlicense"}
)

# Accepted although the licence is not in the table above; the text must still be what it was when it was accepted.
EXCEPTIONS: Mapping[str, tuple[str, str]] = {
    "pygit2": ("GPLv2 with linking exception", "its linking exception covers use by other programs; chosen knowingly"),
}

SPOKEN: Mapping[str, str] = {
    "mit license": "MIT",
    "bsd license": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "apache software license": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}

TEXTS: tuple[tuple[str, str], ...] = (
    ("Permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"),
    ("Redistribution and use in source and binary forms, with or without", "BSD-3-Clause"),
    ("Apache License Version 2.0", "Apache-2.0"),
    ("Permission to use, copy, modify, and/or distribute this software for any", "ISC"),
    ("This is free and unencumbered software released into the public domain", "Unlicense"),
)


class Verdict(NamedTuple):
    package: str
    version: str
    licence: str  # an SPDX expression, or what the package says of itself; empty when it says nothing
    source: str
    accepted: bool


def closure(root: str) -> list[Distribution]:
    """The installed package and all that it requires here, by name: markers evaluated, extras only where one asks for them."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(root)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                found[name] = distribution(name)
                waiting += _required(found[name], extra)
    return [found[name] for name in sorted(found)]


def _required(package: Distribution, extra: str) -> Iterator[Requirement]:
    for line in package.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def judge(package: Distribution) -> Verdict:
    licence, source = licence_of(package)
    name = package.metadata["Name"]
    listed = EXCEPTIONS.get(canonicalize_name(name))
    if listed is not None and listed[0] == licence:
        return Verdict(name, package.version, licence, f"exception: {listed[1]}", True)
    return Verdict(name, package.version, licence, source, is_accepted(licence))


def licence_of(package: Distribution) -> tuple[str, str]:
    """What the package says of its licence, and where it says so."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"], "License-Expression"
    classifiers = [line for line in metadata.get_all("Classifier") or () if line.startswith("License ::")]
    spoken = [line.rsplit(" :: ", 1)[-1] for line in classifiers if line != "License :: OSI Approved"]
    if spoken:
        return " AND ".join(_spdx(text) for text in spoken), "classifier"
    if "License" in metadata:
        field = metadata["License"].strip()
        if field and "\n" not in field:
            return _spdx(field), "License"
        if named := recognise(field):
            return named, "License"
    return next(
        ((named, path) for path, text in _licence_files(package) if (named := recognise(text))), ("", "nothing")
    )


def _spdx(text: str) -> str:
    return SPOKEN.get(text.lower(), text)


def _licence_files(package: Distribution) -> Iterator[tuple[str, str]]:
    for path in package.files or ():
        if ".dist-info" in path.parts[0] and re.match(r"(LICEN[CS]E|COPYING|UNLICENSE)", path.name, re.IGNORECASE):
            yield path.name, path.read_text()


def recognise(text: str) -> str:
    """The licence whose characteristic words the text has; empty if it is none that we know, or more than one."""
    plain = re.sub(r"\s+", " ", text)
    named = {licence for words, licence in TEXTS if words in plain}
    return named.pop() if len(named) == 1 else ""


def is_accepted(expression: str) -> bool:
    """True if an SPDX expression of AND and OR, without parentheses, can be met by accepted licences."""
    return bool(expression) and any(
        all(part.strip() in ACCEPTED for part in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", expression)
    )


def report(verdicts: Iterable[Verdict]) -> str:
    return "\n".join(
        f"{'ok     ' if verdict.accepted else 'REFUSED'} {verdict.package} {verdict.version}: "
        f"{verdict.licence or 'no licence that is understood'} ({verdict.source})"
        for verdict in verdicts
    )


def main(root: str) -> int:
    try:
        packages = closure(root)
    except PackageNotFoundError as error:
        print(f"licences: {error.name} is not installed; install it first: make test", file=sys.stderr)
        return 2
    verdicts = [judge(package) for package in packages if canonicalize_name(package.metadata["Name"]) != "llmcfg"]
    print(report(verdicts))
    refused = [verdict.package for verdict in verdicts if not verdict.accepted]
    if refused:
        print(
            f"licences: refused: {', '.join(refused)}; use another package, or read the licence and list it in .ci/licences.py",
            file=sys.stderr,
        )
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "llmcfg"))
