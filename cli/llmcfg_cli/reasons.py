"""Why somebody takes plaintext out. `tell_access` is the one place through which every command goes that shows a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from llmcfg.errors import UsageError
from llmcfg_cli.console import ask_text, note
from llmcfg_cli.declared import option

if TYPE_CHECKING:
    from llmcfg.custody.reveal import Access

Reason: TypeAlias = Annotated[
    str | None,
    option("--reason", metavar="TEXT", help="Why you look.", show_default="asked for on a terminal"),
]
_OPTION = "--reason TEXT"
_LONGEST = 500


def reason_for(given: str | None, what: str) -> str:
    """The reason that was given or is asked for. Raises UsageError where there is none."""
    reason = given if given is not None else ask_text(f"reason for showing {what}", option=_OPTION)
    if not reason.strip():
        raise UsageError("no reason was given, so nothing is shown", hint=f"say why: {_OPTION}")
    if len(reason) > _LONGEST:
        raise UsageError(f"the reason has more than {_LONGEST} characters", hint="say it shorter")
    return reason.strip()


def tell_access(access: Access) -> None:
    """Record and say who is about to see what. When this raises, nothing is shown."""
    from llmcfg_cli.recording import account
    from llmcfg_cli.views.text import plural, visible

    account().tell(secrets=", ".join(access.names), files=", ".join(access.files), reason=access.reason)
    names = access.names[0] if len(access.names) == 1 else plural(len(access.names), "secret")
    note(visible(f"{names} of {', '.join(access.files)} for: {access.reason}"))
