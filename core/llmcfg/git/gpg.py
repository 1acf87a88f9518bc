"""The `gpg` program, for signatures of OpenPGP: asked about one signature, with the keys of the list and none of this user's.

Each time it has a folder of its own, with nothing in it but these keys, the signature and what was signed. It is given no agent, no network
and little time. What it says counts only in the words that are known here, each of them once.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.running import run
from llmcfg.trust import openpgp
from llmcfg.trust.failure import SIG_EXPIRED, SIG_REVOKED, SIG_UNCHECKED, SIG_UNKNOWN, SIG_WRONG, SignatureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.trust.openpgp import Certificate

_SECONDS: Final = 20.0
_MOST_OUTPUT: Final = 64 << 10
_OPTIONS: Final = (
    "--no-options", "--batch", "--no-tty", "--no-autostart", "--disable-dirmngr", "--no-auto-key-locate",
    "--no-auto-key-retrieve", "--trust-model", "always", "--no-default-keyring", "--status-fd", "1",
)  # fmt: skip
_STATUS: Final = "[GNUPG:] "
_ONCE: Final = {"NEWSIG": 1, "GOODSIG": 1, "VALIDSIG": 1}
_HARMLESS: Final = frozenset(
    {"KEY_CONSIDERED", "SIG_ID", "TRUST_FULLY", "TRUST_ULTIMATE", "TRUST_UNDEFINED", "VERIFICATION_COMPLIANCE_MODE"}
)
_REFUSALS: Final = {
    "NO_PUBKEY": (SIG_UNKNOWN, "no signer has the key of OpenPGP that signed it"),
    "REVKEYSIG": (SIG_REVOKED, "its key of OpenPGP says of itself that it was revoked"),
    "EXPKEYSIG": (SIG_EXPIRED, "its key of OpenPGP has expired"),
    "EXPSIG": (SIG_EXPIRED, "it says of itself that it has expired"),
}


class Gpg:
    """`search_path` is where the program is looked for."""

    def __init__(self, search_path: str) -> None:
        self._search_path = search_path

    def check(self, certificates: Sequence[Certificate], signature: bytes, content: bytes) -> str:
        """The fingerprint of the certificate that signed. Raises SignatureError."""
        made = openpgp.parse_signature(signature, content)
        with tempfile.TemporaryDirectory(prefix="llmcfg-gpg-") as home:
            said = self._ask(Path(home), certificates, made.packet, content)
        return _signer(said, made.issuer)

    def _ask(self, home: Path, certificates: Sequence[Certificate], packet: bytes, content: bytes) -> str:
        ring, signature, signed = (home / name for name in ("keys.gpg", "signature", "content"))
        ring.write_bytes(b"".join(certificate.blob for certificate in certificates))
        signature.write_bytes(packet)
        signed.write_bytes(content)
        command = ["gpg", "--homedir", home, *_OPTIONS, "--keyring", ring, "--verify", signature, signed]
        environment = {"PATH": self._search_path, "HOME": str(home), "LC_ALL": "C"}
        try:
            ran = run([*map(str, command)], environment=environment, seconds=_SECONDS, most_output=_MOST_OUTPUT)
        except OSError:
            raise SignatureError(
                SIG_UNCHECKED, "it is signed with OpenPGP, and this machine has no gpg to check it"
            ) from None
        if ran.stopped:
            raise SignatureError(SIG_UNCHECKED, f"gpg was stopped for the {ran.stopped} that it took to check it")
        return ran.out.decode("utf-8", "replace")


def _signer(said: str, issuer: bytes) -> str:
    lines = [line.removeprefix(_STATUS).split(" ") for line in said.splitlines() if line.startswith(_STATUS)]
    words = Counter(line[0] for line in lines if line[0] not in _HARMLESS)
    for word, (code, reason) in _REFUSALS.items():
        if word in words:
            raise SignatureError(code, reason)
    valid = next((line for line in lines if line[0] == "VALIDSIG" and len(line) > 10), None)
    if valid is None or words != _ONCE or not bytes.fromhex(valid[1]).endswith(issuer):
        raise SignatureError(SIG_WRONG, "gpg does not call it a good signature of this content")
    return valid[10]


def read_certificate(file: Path) -> Certificate | None:
    """The key of OpenPGP in a file, as `gpg --export` writes it; None for a file that holds no such thing. Raises UsageError."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_OUTPUT).decode("utf-8", "replace")
    except OSError:
        return None
    if not text.startswith(openpgp.BEGIN_KEY.decode()):
        return None
    try:
        return openpgp.parse_certificate_text(text)
    except SignatureError as error:
        raise UsageError(
            f"{file}: {error.reason}", hint="gpg --armor --export-options export-minimal --export KEY writes one"
        ) from None
