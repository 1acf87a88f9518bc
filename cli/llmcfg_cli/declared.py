"""What a command takes, declared at the parameter that gets it: `at: Annotated[str | None, option("--at", metavar="REV", help="…")]`.

That is said once, and needs no Typer: Typer makes help, completion and messages of it (`app`), and a plain command line is read by it alone
(`plain`, docs/adr/0043).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Required, TypeAlias, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

Offered: TypeAlias = Literal["consumers", "environments", "keys", "prompts", "revisions", "secrets", "tenants"]
"""Names that completion offers."""


class Said(TypedDict, total=False):
    """Means what Typer calls the same."""

    help: Required[str]
    metavar: str
    show_default: bool | str
    completes: Offered
    exists: bool
    dir_okay: bool
    min: float
    max: float
    case_sensitive: bool
    formats: Sequence[str]
    envvar: str
    show_envvar: bool


class Declared(NamedTuple):
    """An option by its `names`, or an argument, which has none."""

    names: tuple[str, ...]
    said: Said


def option(name: str, *others: str, **said: Unpack[Said]) -> Declared:
    """What is given by its name or one of its others, such as `--env` and `-e`."""
    return Declared((name, *others), said)


def argument(**said: Unpack[Said]) -> Declared:
    """What is given by its place."""
    return Declared((), said)
