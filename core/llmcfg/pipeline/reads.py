"""What a resolution asks of its scope, remembered with the answers.

A resolution is a function of the document and of these answers alone. So its outcome holds in every scope that answers the same, and
may be found there by asking the same questions in the same order (`Outcomes`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from enum import Enum
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING, Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar, cast

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from llmcfg.model.value import Scalar
    from llmcfg.pipeline.compose import Composed, Documents

Outcome = TypeVar("Outcome")


class Missing(Enum):
    """Stands for "there is none", which is not null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Surroundings(NamedTuple):
    """All of a scope that references can name. `overlapping` are the secrets that have a previous value.

    `is_whole` is false when a secret file of it cannot be read.
    """

    documents: Documents
    variables: Mapping[str, Scalar]
    secrets: Mapping[str, object]
    overlapping: frozenset[str] = frozenset()
    is_whole: bool = True


QuestionKind: TypeAlias = Literal[
    "document", "folder", "unreadable", "variable", "variables", "secret", "previous", "secrets"
]


class Question(NamedTuple):
    kind: QuestionKind
    name: str = ""


class Reads:
    """Asks the surroundings, and keeps every answer under its question, in the order of asking."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self.answers: dict[Question, Hashable] = {}

    def document(self, name: str) -> Composed | None:
        self._note(Question("document", name))
        return self._surroundings.documents.find(name)

    def folder(self, prefix: str) -> tuple[str, ...]:
        """The names of all documents that begin so, sorted."""
        self._note(Question("folder", prefix))
        return _names_below(self._surroundings.documents, prefix)

    def unreadable(self) -> frozenset[str]:
        self._note(Question("unreadable"))
        return self._surroundings.documents.unreadable

    def variable(self, name: str) -> Scalar | Missing:
        self._note(Question("variable", name))
        return self._surroundings.variables.get(name, MISSING)

    def variables(self) -> frozenset[str]:
        self._note(Question("variables"))
        return frozenset(self._surroundings.variables)

    def has_secret(self, name: str) -> bool:
        self._note(Question("secret", name))
        return name in self._surroundings.secrets

    def has_previous(self, name: str) -> bool:
        """Whether a secret is in the overlap of a rotation."""
        self._note(Question("previous", name))
        return name in self._surroundings.overlapping

    def secret_names(self) -> frozenset[str] | None:
        """All secret names; None where a secret file cannot be read, so that there may be more."""
        self._note(Question("secrets"))
        return frozenset(self._surroundings.secrets) if self._surroundings.is_whole else None

    def ask(self, question: Question) -> Hashable:
        """The answer, noted as every other."""
        self._note(question)
        return self.answers[question]

    def _note(self, question: Question) -> None:
        if question not in self.answers:
            self.answers[question] = _answer(self._surroundings, question)


class _Fork(Struct, Generic[Outcome]):
    question: Question
    branches: dict[Hashable, _Fork[Outcome] | Outcome] = field(default_factory=dict)


class Outcomes(Generic[Outcome]):
    """The outcomes of one document's resolution by what it read: a tree of questions, since the next one depends on the answers so far."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: _Fork[Outcome] | Outcome | None = None

    def find(self, surroundings: Surroundings) -> Outcome | None:
        here = self._root
        while isinstance(here, _Fork):
            here = here.branches.get(_answer(surroundings, here.question))
        return here

    def questions(self) -> Iterator[Question]:
        """All that was asked in any scope."""
        pending = [self._root]
        while pending:
            here = pending.pop()
            if isinstance(here, _Fork):
                yield here.question
                pending += here.branches.values()

    def documents(self) -> Iterator[str]:
        """The names of all documents, and folders of them, that were asked for in any scope."""
        return (question.name for question in self.questions() if question.kind in ("document", "folder"))

    def add(self, reads: Reads, outcome: Outcome) -> None:
        questions = list(reads.answers.items())
        if not questions:
            self._root = outcome
            return
        here = self._root = self._root if isinstance(self._root, _Fork) else _Fork(questions[0][0])
        for (_, answer), (question, _) in pairwise(questions):
            following = here.branches.get(answer)
            if not isinstance(following, _Fork):
                following = here.branches[answer] = _Fork(question)
            here = following
        here.branches[questions[-1][1]] = outcome


def _answer(surroundings: Surroundings, question: Question) -> Hashable:
    match question.kind:
        case "document":
            return surroundings.documents.find(question.name)
        case "folder":
            return _names_below(surroundings.documents, question.name)
        case "unreadable":
            return surroundings.documents.unreadable
        case "variable":
            value = surroundings.variables.get(question.name, MISSING)
            return type(value), value  # True is not 1
        case "variables":
            return frozenset(surroundings.variables)
        case "secret":
            return question.name in surroundings.secrets
        case "previous":
            return question.name in surroundings.overlapping
        case "secrets":
            return frozenset(surroundings.secrets) if surroundings.is_whole else None


def answer_text(answer: Hashable) -> str:
    """Equal for answers that are, in any process; a document is known by what it was made from."""
    if isinstance(answer, frozenset):
        return f"set {sorted(answer)}"
    if isinstance(answer, tuple):
        return repr([part.__name__ if isinstance(part, type) else part for part in answer])
    if answer is None or isinstance(answer, bool):
        return repr(answer)
    return cast("Composed", answer).digest.hex()


def _names_below(documents: Documents, prefix: str) -> tuple[str, ...]:
    names = documents.names()
    return tuple(takewhile(lambda name: name.startswith(prefix), islice(names, bisect_left(names, prefix), None)))


class Asked:
    """What the resolutions of some documents asked of one scope: which of them may come out otherwise in another."""

    def __init__(self, surroundings: Surroundings, questions: Iterable[tuple[str, Iterable[Question]]]) -> None:
        """`questions` are those of each document, which may be more than were asked here."""
        self._surroundings = surroundings
        self._by_question: defaultdict[Question, set[str]] = defaultdict(set)
        self._by_kind: defaultdict[QuestionKind, set[str]] = defaultdict(set)
        for document, asked in questions:
            for question in asked:
                self._by_question[question].add(document)
                self._by_kind[question.kind].add(document)

    def answered_otherwise(self, surroundings: Surroundings) -> tuple[set[str], set[str]] | None:
        """The documents that the other scope's layers change, and those that asked for something that it answers otherwise.

        None where more than documents and variables differs, or where its layers do not lie over those of this scope.
        """
        here = self._surroundings
        changed = _laid_over(surroundings.documents, here.documents)
        if changed is None or surroundings.secrets is not here.secrets or surroundings.is_whole != here.is_whole:
            return None
        if surroundings.documents.unreadable != here.documents.unreadable:
            return None
        asking: set[str] = set().union(*(self._by_question.get(Question("document", name), ()) for name in changed))
        if any(here.documents.find(name) is None for name in changed):
            asking |= self._by_kind["folder"]
        names = {*surroundings.variables, *here.variables}
        for name in names:
            question = Question("variable", name)
            if question in self._by_question and _answer(surroundings, question) != _answer(here, question):
                asking |= self._by_question[question]
        if surroundings.variables.keys() != here.variables.keys():
            asking |= self._by_kind["variables"]
        return changed, asking


def _laid_over(documents: Documents, below: Documents) -> set[str] | None:
    """The names of what is laid over others; None if it is not laid over these."""
    names: set[str] = set()
    here: Documents | None = documents
    while here is not below:
        if here is None:
            return None
        names.update(here.own)
        here = here.below
    return names
