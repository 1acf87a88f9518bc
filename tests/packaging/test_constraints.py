"""constraints.txt pins everything that an installation brings, and the environment of the tests is the one that it says."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)")


@pytest.fixture
def pins(checkout: Path) -> dict[str, str]:
    lines = (checkout / "constraints.txt").read_text().splitlines()
    matches = [(line, PIN.fullmatch(line)) for line in lines if not line.startswith("#")]
    assert [line for line, match in matches if match is None] == [], "a pin is name==version, nothing more"
    return {canonicalize_name(match[1]): match[2] for _, match in matches if match is not None}


def requirements_of(name: str, extra: str) -> list[Requirement]:
    try:
        required = [Requirement(line) for line in distribution(name).requires or ()]
    except PackageNotFoundError:  # a checker that `make test` does not install
        return []
    return [item for item in required if item.marker is None or item.marker.evaluate({"extra": extra})]


def closure(name: str, extra: str) -> set[str]:
    seen: set[tuple[str, str]] = set()
    waiting = [(name, extra)]
    while waiting:
        pair = waiting.pop()
        if pair not in seen:
            seen.add(pair)
            waiting += [
                (canonicalize_name(item.name), each) for item in requirements_of(*pair) for each in {"", *item.extras}
            ]
    return {name for name, _ in seen}


def test_every_package_that_an_installation_brings_is_pinned(pins: dict[str, str]) -> None:
    assert closure("llmcfg", "dev") - {"llmcfg"} - pins.keys() == set(), "write them: make constraints"


def test_pins_satisfy_what_the_project_requires(pins: dict[str, str]) -> None:
    wrong = [
        f"{item} but {pins[canonicalize_name(item.name)]}"
        for item in requirements_of("llmcfg", "dev") + requirements_of("llmcfg", "test")
        if canonicalize_name(item.name) in pins and pins[canonicalize_name(item.name)] not in item.specifier
    ]
    assert wrong == []
