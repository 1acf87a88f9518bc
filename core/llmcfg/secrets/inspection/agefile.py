"""Looking at an age file: its header is checked, and says how many can open it, but not who."""

from __future__ import annotations

from llmcfg.errors import LlmcfgError
from llmcfg.model.findings import Problem
from llmcfg.secrets.age import read_header
from llmcfg.secrets.age.armor import is_armored, remove_armor
from llmcfg.secrets.age.header import POST_QUANTUM, VERSION_LINE
from llmcfg.secrets.inspection.outline import Inspected, mixed, single


def inspect_age(content: bytes) -> Inspected:
    if not (content.startswith(VERSION_LINE) or is_armored(content)):
        return Inspected(())
    try:
        header = read_header(remove_armor(content) if is_armored(content) else content)
    except LlmcfgError as error:
        return Inspected((Problem("secret-unreadable", error.message, hint=error.hint),))
    problems: list[Problem] = []
    if POST_QUANTUM in header.types and len(header.types) > 1:
        problems.append(mixed(0, 0))
    if sum(not stanza.is_grease for stanza in header.stanzas) < 2:
        problems.append(single(0, 0))
    return Inspected(tuple(problems), header=header)
