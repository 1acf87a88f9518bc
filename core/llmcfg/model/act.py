"""What somebody does that is put on record: a verb, what it is done to, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Outcome: TypeAlias = Literal["begun", "done", "refused", "failed", "noted"]
NO_FACTS: Final[Mapping[str, str]] = MappingProxyType({})


class Act(NamedTuple):
    """`verb` is a word of docs/spec/audit.md, such as `secret.get`. `facts` are short texts and hold no value of a secret."""

    verb: str
    subject: str = ""
    environment: str = ""
    tenant: str = ""
    consumer: str = ""
    revision: str = ""
    facts: Mapping[str, str] = NO_FACTS


@dataclass
class Account:
    """What is known of an act while it goes on. `refused` is the code of why it was not done.

    `enter` puts an entry on record at once; `value_print` gives what stands in entries for a value.
    """

    act: Act
    enter: Callable[[Act], None] = field(repr=False)
    value_print: Callable[[bytes], str] = field(repr=False)
    refused: str = ""

    def note(self, **facts: str) -> None:
        """For the last entry of the act."""
        self.act = self.act._replace(facts={**self.act.facts, **facts})

    def note_value(self, name: str, value: bytes) -> None:
        """A value that was shown or set, in a form that only who holds the log's key can compare."""
        self.note(**{f"value of {name}": self.value_print(value)})

    def tell(self, **facts: str) -> None:
        """Before something is done that these facts are about. Raises UnrecordedError; then it must not be done."""
        self.note(**facts)
        self.enter(self.act)
