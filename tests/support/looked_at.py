"""What tests look at: the effective configuration of a scope, findings as short texts, and files without their stamp."""

from __future__ import annotations

import json

from llmcfg.model.findings import Finding
from llmcfg.model.target import Scope
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate
from support.written import MANIFEST, WrittenSnapshot, opened


def effective(files: dict[str, str | bytes], environment: str = "dev", tenant: str | None = None):
    """All documents of a scope as one mapping."""
    return opened(files).effective(Scope(environment, tenant)).tree()


def findings(files: dict[str, str | bytes], memo: Memo | None = None) -> tuple[Finding, ...]:
    return validate(WrittenSnapshot({"llmcfg.yaml": MANIFEST, **files}), memo or Memo())


def said(files: dict[str, str | bytes]) -> list[str]:
    """Each finding as `rule file:line:column`."""
    return [f"{finding.rule_id} {finding.origin}" for finding in findings(files)]


def only(files: dict[str, str | bytes]) -> Finding:
    """The one finding that there is."""
    found = findings(files)
    assert len(found) == 1, found
    return found[0]


def unstamped(files: dict[str, bytes]) -> dict[str, object]:
    """Files of an environment without what tells one state from another that has the same bundles."""
    head = json.loads(files["head.json"])
    return {**files, "head.json": {key: head[key] for key in head.keys() - {"sequence", "previous"}}}
