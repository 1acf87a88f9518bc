"""What `llmcfg doctor` found out: one check of the installation or of a repository, with the next step where one is due."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(NamedTuple):
    """`text` says what is so, `hint` what to do about it; a check that is ok has no hint."""

    area: Literal["installation", "repository"]
    name: str
    verdict: Verdict
    text: str
    hint: str = ""
