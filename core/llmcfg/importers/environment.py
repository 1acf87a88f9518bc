"""Names of environment variables that a program's configuration refers to: which can be carried, and which name a credential."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_WORDS = re.compile(
    r"(^|_)(API)?(KEYS?|TOKEN|SECRETS?|PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|DSN|CREDENTIALS?|SALT|PRIVATE|SIGNATURE)(_|$)"
)
_STORES = "DATABASE|DB|POSTGRES|POSTGRESQL|PG|MYSQL|MONGO|MONGODB|REDIS|AMQP|RABBITMQ"
_SECRET_ENDINGS = re.compile(rf"(^|_)({_STORES})_(URL|URI)$|CONNECTION_STRING$|CONN_STR$|WEBHOOK_URL$")
_TAKEN_VARIABLES = frozenset({"environment", "tenant", "region"})


def is_environment_name(text: str) -> bool:
    """Whether `text` is a name that a shell, an env file and a repository all take."""
    return _NAME.fullmatch(text) is not None


def is_credential(name: str) -> bool:
    """Whether a variable of this name usually holds something that nobody else may read."""
    upper = name.upper()
    return _SECRET_WORDS.search(upper) is not None or _SECRET_ENDINGS.search(upper) is not None


def is_taken_variable(name: str) -> bool:
    """Whether llmcfg itself gives a variable of this name its value."""
    return name in _TAKEN_VARIABLES
