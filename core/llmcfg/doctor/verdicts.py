"""Checks of a repository by their verdict."""

from __future__ import annotations

from llmcfg.model.check import Check, Verdict


def ok(name: str, text: str) -> Check:
    return Check("repository", name, Verdict.OK, text)


def warn(name: str, text: str, hint: str) -> Check:
    return Check("repository", name, Verdict.WARN, text, hint)


def fail(name: str, text: str, hint: str) -> Check:
    return Check("repository", name, Verdict.FAIL, text, hint)
