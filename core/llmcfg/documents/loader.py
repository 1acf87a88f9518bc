"""The strict loader: one YAML document to a value, or every problem with its place.

- Values are those of the YAML 1.2 core schema (scalars.py has the table). What readers of YAML 1.1 and 1.2 take differently is a
  problem that says how to write it.
- Keys are strings. No duplicates, merge keys, directives, second document; depth, size and aliases are bounded.
- Tags: `!append` and `!prepend` before a list, `!replace` before any value, `!delete` before nothing, each as the value of a key.
  `!!str` before any scalar; `!!int`, `!!float`, `!!bool`, `!!null`, `!!map` and `!!seq` where they change nothing. No others.
- Anchors and aliases share the value. An alias's value is the same object as its anchor's.
- A document of regular lines is read the short way (regular.py), which comes to the same.
- What passed is read again by a second, independent parser (agreement.py); a document on which the two differ is refused.

All else runs on libyaml's event stream (events.py), which is loaded when there is a document that takes it: most processes meet none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.documents.agreement import find_disagreement
from llmcfg.documents.regular import read_regular
from llmcfg.documents.screen import screen
from llmcfg.model.rules import RULES, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.findings import Problem
    from llmcfg.model.value import Value


class Document(NamedTuple):
    """A loaded document. `value` holds `Tagged` where the text has a merge tag, and `has_tags` says whether it does anywhere."""

    value: dict[str, Value]
    has_tags: bool


class Loaded(NamedTuple):
    """`document` is None when a problem of severity error was found; `problems` are in text order."""

    document: Document | None
    problems: tuple[Problem, ...]


def load_document(content: bytes, *, secrets: bool = False) -> Loaded:
    """The document that `content` holds.

    `secrets` is for SOPS files: no problem shows a value, and below the root key `sops`, which the sops tool writes, ambiguous scalars
    are none.
    """
    screened = screen(content)
    if screened.text is None or _has_error(screened.problems):
        return Loaded(None, screened.problems)
    regular = read_regular(screened.text)
    if regular is not None and find_disagreement(screened.text, regular, has_tags=False) is None:
        return Loaded(Document(regular, has_tags=False), screened.problems)
    return load_events(screened.text, screened.problems, secrets=secrets)


def load_events(text: str, screened: tuple[Problem, ...] = (), *, secrets: bool = False) -> Loaded:
    """The document that a screened text holds, by all of its events, with the problems that were found before."""
    from llmcfg.documents.events import read_events

    value, has_tags, problems = read_events(text, screened, secrets=secrets)
    if _has_error(problems) or not isinstance(value, dict):
        return Loaded(None, problems)
    disagreement = find_disagreement(text, value, has_tags=has_tags)
    if disagreement is not None:
        return Loaded(None, (*problems, disagreement))
    return Loaded(Document(value, has_tags), problems)


def _has_error(problems: Iterable[Problem]) -> bool:
    return any(RULES[problem.rule].severity is Severity.ERROR for problem in problems)
