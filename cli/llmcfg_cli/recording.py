"""Acts of the command line, on record: an entry before a command of the table runs, and one that says what came of it.

Nothing is recorded in a clone whose audit nobody began, nor the settings that the command is given. While a command runs, `account` is
where it notes what only it knows.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.model.act import Account, Act
    from llmcfg.model.settings import Recording
    from llmcfg_cli.table import Recorded

_CURRENT: ContextVar[Account | None] = ContextVar("account", default=None)
_REMOTE: Final = "repository.git"


def recorded(what: Recorded, function: Callable[..., Any]) -> Callable[..., Any]:
    """The command with its act on record. An exit code that is not 0 is why it was not done."""

    @wraps(function)
    def run(**given: Any) -> Any:
        if (what.unless and given[what.unless]) or (what.needs and not given[what.needs]):
            return function(**given)
        from llmcfg.auditlog import find_audit

        with find_audit(_clone(given), _said(given)).acting(_act(what, given)) as account:
            before = _CURRENT.get()
            _CURRENT.set(account)
            try:
                code = function(**given)
            finally:
                _CURRENT.set(before)
            if code:
                account.refused = f"exit-{code}"
        return code

    return run


def account() -> Account:
    """Of the command that runs."""
    from llmcfg.audit.unrecorded import unrecorded
    from llmcfg.model.act import Act

    return _CURRENT.get() or unrecorded(Act(""))


def _act(what: Recorded, given: Mapping[str, Any]) -> Act:
    from llmcfg.model.act import Act

    asked = {name: _text(given[name]) for name in ("reason", "during_freeze", "why", "commit", "to") if given.get(name)}
    if given.get("lift_quarantine"):
        asked["liftQuarantine"] = "true"
    return Act(
        what.act,
        subject=_text(given[what.subject]) if what.subject else "",
        environment=_text(given.get("environment")),
        tenant=_text(given.get("tenant")),
        consumer=_text(given.get("consumer")),
        revision=_text(given.get("at")),
        facts=asked,
    )


def _text(given: object) -> str:
    return "" if given is None else str(given)


def _clone(given: Mapping[str, Any]) -> Path:
    """A folder of the clone that the command is about: what a daemon follows, what it is told with -C, or that of a file."""
    from llmcfg_cli.settings import read_settings

    if "state" in given:
        state = given["state"] or read_settings(given["settings_file"]).state
        if state is not None and (state / _REMOTE).is_dir():
            return Path(state / _REMOTE)
    if "directory" in given:
        return Path(given["directory"])
    file = given.get("file")
    return Path(file).parent if file else Path()


def _said(given: Mapping[str, Any]) -> Recording | None:
    """What the settings that the command is given say of the record."""
    from llmcfg_cli.settings import read_settings

    file = given.get("settings_file")
    return read_settings(file).audit if file else None
