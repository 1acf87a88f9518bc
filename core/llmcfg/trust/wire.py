"""The SSH wire format (RFC 4251, section 5), read strictly: nothing is left over, and every number has its one form."""

from __future__ import annotations

from llmcfg.trust.failure import SIG_FORM, SignatureError


class Fields:
    """Reads the fields of one blob in order. `what` names the blob in errors."""

    def __init__(self, blob: bytes, what: str) -> None:
        self._blob = blob
        self._at = 0
        self._what = what

    def take(self, count: int) -> bytes:
        if count > len(self._blob) - self._at:
            raise SignatureError(SIG_FORM, f"the {self._what} ends too early")
        self._at += count
        return self._blob[self._at - count : self._at]

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        return self.take(self.number())

    def name(self) -> str:
        """A string that is a name of the protocol, which are ASCII."""
        try:
            return self.string().decode("ascii")
        except UnicodeDecodeError:
            raise SignatureError(SIG_FORM, f"a name in the {self._what} is not ASCII") from None

    def positive(self) -> int:
        """An mpint above zero, without a byte more than it needs."""
        digits = self.string()
        value = int.from_bytes(digits)
        if value == 0 or digits != mpint(value)[4:]:
            raise SignatureError(SIG_FORM, f"a number in the {self._what} is not written in its one form")
        return value

    def end(self) -> None:
        if self._at != len(self._blob):
            raise SignatureError(SIG_FORM, f"something follows the end of the {self._what}")


def string(content: bytes) -> bytes:
    return len(content).to_bytes(4) + content


def mpint(value: int) -> bytes:
    """A number that is not negative."""
    return string(value.to_bytes((value.bit_length() + 8) // 8) if value else b"")
