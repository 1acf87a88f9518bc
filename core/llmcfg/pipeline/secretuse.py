"""Uses of secrets: why one of them cannot be, and what it takes where it stands (docs/spec/references.md).

`{{secret:name@all}}` is settled while references are resolved: it becomes the list of the references that hold at that time, the current
value first. So schemas, templates and consumers meet a list where a list is meant, and every other use names exactly one value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.model.findings import Problem
from llmcfg.model.reference import ALL, PREVIOUS, SELECTORS, SecretUse, secret_reference
from llmcfg.model.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.value import Path


CIPHERTEXT: Final = b"ENC[AES256_GCM"


class KnownSecrets(Protocol):
    """What a scope says about its secrets; `secret_names` is None where not all of their names are known."""

    def has_secret(self, name: str) -> bool: ...

    def has_previous(self, name: str) -> bool: ...

    def secret_names(self) -> Iterable[str] | None: ...


class UseFault(NamedTuple):
    """`suggests` says that a hint may name the secret that is most alike."""

    rule: str
    message: str
    hint: str
    suggests: bool = False


def find_use_fault(use: SecretUse, known: KnownSecrets) -> UseFault | None:
    """Why a use takes nothing in a scope."""
    if use.selector and use.selector not in SELECTORS:
        hint = did_you_mean(use.selector, SELECTORS, "write nothing for the current value, or @previous, or @all")
        return UseFault("reference-syntax", f"a secret has no {use.selector!r}", hint)
    if not known.has_secret(use.name):
        if known.secret_names() is None:
            return None
        message = f"no secret {use.name!r} in the secret files of these layers"
        return UseFault(
            "secret-missing", message, "add it to a file under secrets/ of one of the layers", suggests=True
        )
    if use.selector == PREVIOUS and not known.has_previous(use.name):
        hint = f"it has one only while it is rotated: {secret_reference(SecretUse(use.name, ALL))} takes what there is"
        return UseFault("secret-missing", f"secret {use.name!r} has no previous value", hint)
    return None


def uses_of(use: SecretUse, known: KnownSecrets) -> tuple[SecretUse, ...]:
    """The use itself; for `@all` the current value and, in an overlap, the previous one."""
    if use.selector != ALL:
        return (use,)
    return SecretUse(use.name), *([SecretUse(use.name, PREVIOUS)] if known.has_previous(use.name) else ())


def empty_secret(use: str, path: Path | None = None) -> Problem:
    """A use that takes a secret without a value."""
    return Problem("secret-empty", f"secret {use!r} has no value", path=path, written=secret_reference(use),
                   hint="give it one before it is deployed")  # fmt: skip


def ciphertext_in(what: str, path: Path | None = None) -> Problem:
    """`what` holds an encrypted value as if it were a plain one."""
    return Problem("secret-ciphertext", f"{what} holds an encrypted value, which nothing decrypts there", path=path,
                   written=CIPHERTEXT.decode(), hint="keep it in a file under secrets/ and write {{secret:name}} here")  # fmt: skip
