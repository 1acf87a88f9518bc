"""Why a signature does not count."""

from __future__ import annotations

from typing import Final

SIG_MISSING: Final = "sig-missing"  # there is none
SIG_FORM: Final = "sig-form"  # it, or the object around it, is not of the one form that is read
SIG_KIND: Final = "sig-kind"  # it is of a kind that is not read, such as OpenPGP
SIG_UNCHECKED: Final = "sig-unchecked"  # it could not be checked here, for want of a program
SIG_WRONG: Final = "sig-wrong"  # it is not the key's signature of this content
SIG_UNKNOWN: Final = "sig-unknown"  # the key is nobody's
SIG_REVOKED: Final = "sig-revoked"  # the key was somebody's, and counts no more
SIG_SCOPE: Final = "sig-scope"  # the key may not sign such things
SIG_EXPIRED: Final = "sig-expired"  # the key counted at another time
SIG_PRESENCE: Final = "sig-presence"  # nobody touched the security key
SIG_FEW: Final = "sig-few"  # fewer signed than have to
SIG_ROLLBACK: Final = "sig-rollback"  # it is older than what was accepted


class SignatureError(Exception):
    """A signature that does not count; `code` is one of those above, `key` the fingerprint that it names, if it got that far."""

    def __init__(self, code: str, reason: str, *, key: str = "") -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
        self.key = key
