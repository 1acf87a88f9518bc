"""What a Rego module says: its package, what it imports, its rules with their annotations. By its words alone.

A policy is a rule named `deny`, `warn`, or with one of these and an underscore before a name of its own (`deny_step`), as conftest has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.findings import Problem
from llmcfg.policies.annotations import read_annotations
from llmcfg.policies.tokens import Scanned, Token, scan, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.policies.annotations import Annotation

TEST_SUFFIX: Final = "_test.rego"
_CONTINUES: Final = frozenset(["if", "contains", "else", "in", "with", "as"])
_STRAY: Final = Problem(
    "policy-syntax", "no word of Rego begins like this", hint="texts stand in double quotes or backticks"
)
_SIGNS: Final = frozenset(
    [":=", "==", "!=", "<=", ">=", "-", "+", "*", "/", "%", "=", "<", ">", "&", "|", ".", ",", ":"]
)
_GOES_ON: Final = _SIGNS | _CONTINUES | {"not", "default", "import", "package"}


class Rule(NamedTuple):
    """One definition: its name, all its words, and what its annotation says."""

    name: str
    words: tuple[Token, ...]
    annotation: Annotation

    @property
    def line(self) -> int:
        return self.words[0].line

    @property
    def column(self) -> int:
        return self.words[0].column

    @property
    def is_function(self) -> bool:
        return self._follows_name("(")

    @property
    def is_set(self) -> bool:
        return self._follows_name("contains")

    def _follows_name(self, text: str) -> bool:
        after = head_length(self.words)
        return len(self.words) > after and self.words[after].text == text


@dataclass(frozen=True, slots=True)
class Module:
    """`imports` maps a name to the path below `data` or `input` that it stands for."""

    file: str
    text: str
    package: tuple[str, ...]
    imports: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...]
    annotation: Annotation

    @property
    def is_test(self) -> bool:
        return self.file.endswith(TEST_SUFFIX)


class ReadModule(NamedTuple):
    module: Module | None
    problems: tuple[Problem, ...]


def is_policy_name(name: str) -> bool:
    return name.split("_", 1)[0] in ("deny", "warn")


def read_module(file: str, content: bytes) -> ReadModule:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return ReadModule(None, (Problem("policy-syntax", "it is not UTF-8 text", 1, 1, hint="save it as UTF-8"),))
    scanned = scan(text)
    if scanned.stray is not None:
        return ReadModule(None, (_STRAY._replace(line=scanned.stray[0], column=scanned.stray[1]),))
    return _module(file, text, scanned)


def _module(file: str, text: str, scanned: Scanned) -> ReadModule:
    statements = list(_statements(scanned.tokens))
    package = next((words for words in statements if words[0].text == "package"), None)
    if package is None or len(package) < 2:
        problem = Problem("policy-syntax", "it names no package", 1, 1, hint="begin with one: package policies.NAME")
        return ReadModule(None, (problem,))
    annotations = read_annotations(scanned.comments)
    rules, imports = [], {}
    for words in statements:
        if words[0].text == "import":
            imports.update(_import(words))
        elif words[0].text != "package":
            said = annotations.before(words[0].line)
            rules.append(Rule(_rule_name(words), words, said))
    module = Module(file, text, _path(package[1:]), imports, tuple(rules), annotations.before(package[0].line))
    return ReadModule(module, annotations.problems)


def _statements(tokens: Sequence[Token]) -> Iterator[tuple[Token, ...]]:
    """The module cut where a line begins a new package, import or rule."""
    starts = [0] if tokens else []
    for at, (before, token) in enumerate(pairwise(tokens), 1):
        is_new = token.kind == "name" and token.is_first and token.depth == 0 and token.text not in _CONTINUES
        if is_new and before.text not in _GOES_ON:
            starts.append(at)
    for start, end in pairwise([*starts, len(tokens)]):
        yield tuple(tokens[start:end])


def head_length(words: Sequence[Token]) -> int:
    """How many words the name of a rule takes, with `default`."""
    at = 2 if words[0].text == "default" and len(words) > 1 else 1
    while at + 1 < len(words) and words[at].text == "." and words[at + 1].kind == "name":
        at += 2
    return at


def _rule_name(words: Sequence[Token]) -> str:
    return "".join(word.text for word in words[: head_length(words)] if word.text != "default")


def _import(words: Sequence[Token]) -> dict[str, tuple[str, ...]]:
    alias = next((at for at, word in enumerate(words) if word.text == "as"), None)
    path = _path(words[1:alias])
    if not path or path[0] == "rego" or path[0] == "future":
        return {}
    return {words[alias + 1].text if alias is not None and alias + 1 < len(words) else path[-1]: path}


def _path(words: Sequence[Token]) -> tuple[str, ...]:
    """`data.lib["a b"]` as its steps."""
    steps = [word for word in words if word.kind in ("name", "string")]
    return tuple(word.text if word.kind == "name" else unquote(word.text) or word.text for word in steps)
