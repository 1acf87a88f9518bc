"""The caller's private keys, as commands take them: from where sops looks, with the question for a passphrase on a terminal."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg.errors import NotAuthorisedError
from llmcfg_cli.console import is_interactive, undisturbed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.custody.files import Custody
    from llmcfg.secrets.age.identities import Ask, Identity


def own_identities() -> Sequence[Identity]:
    """Every identity that is found; there may be none. From here on this process leaves no core dump."""
    from llmcfg.secrets.age import find_identities
    from llmcfg.secrets.guard import forbid_dumps

    forbid_dumps()
    return find_identities(os.environ, Path.home(), system=sys.platform, ask=passphrase_question())


def own_custody(directory: Path) -> Custody:
    """The secrets of a repository, for whoever has the caller's keys, which are looked for once and when they are needed.

    From here on this process leaves no core dump.
    """
    from llmcfg.secrets.guard import forbid_dumps
    from llmcfg_cli.settings import reading_workspace

    forbid_dumps()
    return reading_workspace(directory).custody(cache(own_identities))


def passphrase_question() -> Ask | None:
    """How to ask for a passphrase; None where nobody is there to answer."""
    return ask_passphrase if is_interactive() else None


def ask_passphrase(question: str) -> str:
    """Ask without echo. Raises NotAuthorisedError when nothing is typed."""
    from getpass import getpass

    with undisturbed():
        try:
            return getpass(question)
        except EOFError as error:
            hint = "type it, or use a key file without one"
            raise NotAuthorisedError("no passphrase was given", hint=hint) from error
