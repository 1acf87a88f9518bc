"""Values that look like secrets in plain text: key shapes of providers, private keys, tokens. The value is never echoed.

Shapes are those that their issuers publish; a match needs the issuer's prefix and enough random characters, so that examples such
as `sk-...` and references pass.
"""

from __future__ import annotations

import re

from llmcfg.model.findings import Problem

_SHAPES: tuple[tuple[str, str], ...] = (
    ("an age identity", r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}"),
    ("a private key", r"-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY-----"),
    ("an Anthropic key", r"sk-ant-[A-Za-z0-9_-]{24,}"),
    ("an OpenAI-style key", r"sk-(?:proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{32,}"),
    ("an AWS access key id", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("a GitHub token", r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{40,}\b"),
    ("a Slack token", r"\bxox[abprs]-[A-Za-z0-9-]{20,}"),
    ("a Groq key", r"\bgsk_[A-Za-z0-9]{40,}\b"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}\b"),
    ("a signed JSON Web Token", r"\beyJ[A-Za-z0-9_-]{10,300}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{16,}"),
)
_ANY = re.compile("|".join(f"(?P<s{index}>{shape})" for index, (_, shape) in enumerate(_SHAPES)).encode())
_MARKS = re.compile(rb"AGE-SECRET|PRIVATE KEY|sk-|AKIA|ASIA|AIza|gh[pousr]_|github_pat_|xox|gsk_|hf_|eyJ")


def find_plaintext_secrets(content: bytes) -> tuple[Problem, ...]:
    """A problem for each place in a file that looks like a secret."""
    if _MARKS.search(content) is None:
        return ()
    problems = []
    for match in _ANY.finditer(content):
        what = next(_SHAPES[int(name[1:])][0] for name, text in match.groupdict().items() if text)
        start = content.rfind(b"\n", 0, match.start()) + 1
        problems.append(
            Problem(
                "secret-plaintext",
                f"this looks like {what}",
                content.count(b"\n", 0, match.start()) + 1,
                len(content[start : match.start()].decode("utf-8", "replace").removeprefix("\ufeff")) + 1,
                "revoke it, put a new one into a file under secrets/ and write {{secret:name}} here",
            )
        )
    return tuple(problems)
