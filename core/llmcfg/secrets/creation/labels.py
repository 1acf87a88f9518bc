"""What people call the recipients of `.sops.yaml`: the comment behind one on its line, `- age1… # platform`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.secrets.age.recipients import parse_recipient

if TYPE_CHECKING:
    from collections.abc import Mapping

_RECIPIENT: Final = re.compile(r"age1[a-z0-9]+|ssh-(?:ed25519|rsa) [A-Za-z0-9+/=]+")
_COMMENT: Final = re.compile(r"(?:\A|[ \t])#[ \t]*(.*)")
_LONGEST: Final = 40
_HEAD, _TAIL = 10, 4


def read_labels(content: bytes) -> Mapping[str, str]:
    """Recipients that stand alone on a line, and what they are called there; the first comment on one counts."""
    labels: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        comment = _COMMENT.search(line)
        named = _RECIPIENT.findall(line[: comment.start()]) if comment else []
        if comment and len(named) == 1:
            label, recipient = comment[1].strip(), _canonical(named[0])
            if label and len(label) <= _LONGEST and recipient:
                labels.setdefault(recipient, label)
    return labels


def _canonical(text: str) -> str:
    """As files name a recipient; empty for what is none."""
    try:
        return parse_recipient(text).text
    except UsageError:
        return ""


def short_label(name: str, labels: Mapping[str, str]) -> str:
    """What a recipient is called, or else its beginning and end."""
    if name in labels or len(name) <= _HEAD + _TAIL + 1:
        return labels.get(name, name)
    return f"{name[:_HEAD]}…{name[-_TAIL:]}"
