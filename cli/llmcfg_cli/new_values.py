"""Where a new value of a secret comes from: a question without echo, stdin, a file, or a generator. Never the command line.

Rules: the newline that ends a line is no part of a value: one is taken off what comes from stdin, and off a file of one line. `--raw`
keeps it. Everything that can be refused before the value is known is refused before it is asked for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

from llmcfg.errors import UsageError
from llmcfg.secrets.amend import ValueType
from llmcfg.secrets.generate import Kind
from llmcfg_cli.console import ask_hidden, check_interactive
from llmcfg_cli.declared import argument, option

if TYPE_CHECKING:
    from collections.abc import Callable

FromStdin: TypeAlias = Annotated[bool, option("--from-stdin", help="Read the value from stdin.", show_default=False)]
FromFile: TypeAlias = Annotated[
    Path | None, option("--from-file", metavar="FILE", help="Read the value from a file.", show_default=False)
]
Generate: TypeAlias = Annotated[
    Kind | None,
    option("--generate", help="Make a new value; of a key pair the public half is printed.", show_default=False),
]
Length: TypeAlias = Annotated[
    int | None,
    option("--length", metavar="N", help="Characters or bits of what is generated.", show_default="by its kind"),
]
Raw: TypeAlias = Annotated[bool, option("--raw", help="Keep the newline at the end of the value.", show_default=False)]
AsType: TypeAlias = Annotated[ValueType, option("--type", help="What the value is in the file.")]
Refused: TypeAlias = Annotated[
    list[str] | None, argument(metavar="[VALUE]", help="Refused: others could read it.", show_default=False)
]

_OPTIONS = "--from-stdin, --from-file or --generate"


class Source(NamedTuple):
    """What the command line says about a new value. `kind` and `length` are the generator's."""

    from_stdin: bool = False
    from_file: Path | None = None
    kind: Kind | None = None
    length: int | None = None
    raw: bool = False


class NewValue(NamedTuple):
    """`public` is the public half of a generated key pair."""

    value: bytes
    public: str = ""

    def __repr__(self) -> str:
        return f"NewValue(…, {self.public!r})"


def refuse_values(given: list[str] | None) -> None:
    """Raises UsageError, which never shows them, for values on the command line."""
    if given:
        raise UsageError(
            "a value on the command line stays in your shell's history, and other programs can see it",
            hint=f"leave it out to be asked for it, or use {_OPTIONS}; if it was a real one, put another in its place",
        )


def check_source(source: Source) -> None:
    """Raises UsageError for options that contradict one another, and without a terminal where one is needed."""
    from llmcfg.secrets.generate import check_length

    named = [source.from_stdin, source.from_file is not None, source.kind is not None]
    if sum(named) > 1:
        raise UsageError("the value comes from two places", hint=f"give one of {_OPTIONS}")
    if source.length is not None and source.kind is None:
        raise UsageError("--length is for what is generated", hint="add --generate, or leave it out")
    if source.kind is not None:
        check_length(source.kind, source.length)
    if not any(named):
        check_interactive(_OPTIONS)


def read_new_value(source: Source, name: str) -> NewValue:
    """The value, from where `source` says, or from the terminal, asked for twice."""
    if source.kind is not None:
        from llmcfg.secrets.generate import generate

        made = generate(source.kind, source.length)
        return NewValue(made.value.encode(), made.public)
    if source.from_stdin:
        return NewValue(_trimmed(read_bounded(sys.stdin.buffer.read, "stdin"), keep=source.raw))
    if source.from_file is not None:
        with source.from_file.open("rb") as stream:
            content = read_bounded(stream.read, str(source.from_file))
        return NewValue(_trimmed(content, keep=source.raw or b"\n" in content.rstrip(b"\r\n")))
    return NewValue(_asked(name))


def _asked(name: str) -> bytes:
    value = ask_hidden(f"value of {name}", option=_OPTIONS)
    if value and ask_hidden("once more", option=_OPTIONS) != value:
        raise UsageError("the two values differ, so nothing was written", hint="run it again")
    return value.encode("utf-8", "surrogateescape")


def read_bounded(read: Callable[[int], bytes], origin: str) -> bytes:
    """What there is to read, up to what any secret file may hold."""
    from llmcfg.limits import SOPS_FILE_BYTES

    content = read(SOPS_FILE_BYTES + 1)
    if len(content) > SOPS_FILE_BYTES:
        raise UsageError(
            f"{origin} has more than {SOPS_FILE_BYTES >> 20} MiB", hint="keep it elsewhere, and its key here"
        )
    return content


def _trimmed(content: bytes, *, keep: bool) -> bytes:
    if keep or not content.endswith(b"\n"):
        return content
    return content.removesuffix(b"\n").removesuffix(b"\r")
