"""For programs that are configured: `cfg = llmcfg.client.open("dir:/etc/app/delivered", consumer="api")`, then `cfg["routes.chat.model"]`.

It stays light: no Git, no command line, no network, and no cryptography unless secrets are opened (docs/client.md).
"""

from __future__ import annotations

from llmcfg.client.config import Config
from llmcfg.client.errors import MissingKeyError, RefusedError, StaleError, ValueTypeError
from llmcfg.client.listeners import Listener
from llmcfg.client.opening import open
from llmcfg.client.snapshot import Snapshot
from llmcfg.client.updates import Item, SecretUpdate, Update
from llmcfg.client.values import Secret, SecretBytes, SecretReference, SecretText
from llmcfg.errors import IntegrityError, LlmcfgError, NotAuthorisedError, NotFoundError, StorageError, UsageError
from llmcfg.model.change import ABSENT
from llmcfg.model.target import Target

__all__ = [
    "ABSENT",
    "Config",
    "IntegrityError",
    "Item",
    "Listener",
    "LlmcfgError",
    "MissingKeyError",
    "NotAuthorisedError",
    "NotFoundError",
    "RefusedError",
    "Secret",
    "SecretBytes",
    "SecretReference",
    "SecretText",
    "SecretUpdate",
    "Snapshot",
    "StaleError",
    "StorageError",
    "Target",
    "Update",
    "UsageError",
    "ValueTypeError",
    "open",
]
