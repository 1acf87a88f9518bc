"""age files: encrypted to recipients, opened with identities. The only door to pyrage.

Rules: a recipient or identity that exists is valid. Content is checked in full by our own strict reader of headers before pyrage sees any
of it. Post-quantum files are read and written natively, since pyrage has no such keys. No private key is ever in a repr or a message.
"""

from __future__ import annotations

from llmcfg.secrets.age.files import decrypt, encrypt_to
from llmcfg.secrets.age.header import Header, Stanza, read_header
from llmcfg.secrets.age.identities import Identity, generate_identity, parse_identities, parse_identity
from llmcfg.secrets.age.places import find_identities, find_places, read_key_file, read_places
from llmcfg.secrets.age.recipients import Recipient, parse_recipient

__all__ = [
    "Header",
    "Identity",
    "Recipient",
    "Stanza",
    "decrypt",
    "encrypt_to",
    "find_identities",
    "find_places",
    "generate_identity",
    "parse_identities",
    "parse_identity",
    "parse_recipient",
    "read_header",
    "read_key_file",
    "read_places",
]
