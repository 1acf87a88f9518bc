"""Signatures of Standard Webhooks 1.0 (https://www.standardwebhooks.com): id, time and body under one HMAC-SHA256. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_PREFIX = b"whsec_"


def key_of(secret: bytes) -> bytes:
    """The key of a `whsec_…` secret; of any other, its bytes."""
    if not secret.startswith(_PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return secret


def signature(secret: bytes, name: str, seconds: int, body: bytes) -> str:
    """The value of `webhook-signature`. `name` is that of `webhook-id`, `seconds` that of `webhook-timestamp`."""
    signed = hmac.new(key_of(secret), f"{name}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()
