"""What secrets look like: the one table of shapes for `validate`, for the check before a commit and for the search of history.

Rules: a shape needs the mark of its issuer and enough characters behind it. What people write in its place is none: `sk-...`,
`AKIA…EXAMPLE`, rows of one letter or of the alphabet. Where a pattern has a group, the group is the secret.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator


class Shape(NamedTuple):
    """`marks` are literals of which each match holds one.

    `is_token`: no letter, digit or hyphen stands directly before it. `is_run`: it holds no white space and none of the quotes and colons
    that end a run of such characters.
    """

    what: str
    marks: tuple[str, ...]
    pattern: str
    is_token: bool = True
    is_run: bool = True


class Found(NamedTuple):
    """Where a secret stands: bytes of the content, the end exclusive. The content itself is not kept."""

    what: str
    start: int
    end: int


_END: Final = r"(?![A-Za-z0-9_-])"
_BASE64: Final = r"[A-Za-z0-9+/]"
PASSWORD_IN_URL: Final = "a password in a URL"

# In this order: of two that fit at one place, the first counts.
SHAPES: Final = (
    Shape("an age identity", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}", is_token=False),
    Shape(
        "a private key",
        ("PRIVATE KEY",),
        r"-----BEGIN (?:[A-Z0-9 ]{1,40} )?PRIVATE KEY(?: BLOCK)?-----"
        r"(?:\\[rn]|[\s\"'|>#+,*/]|[A-Za-z-]{1,30}: [^\n]{0,200}\n)*[A-Za-z0-9+/=]{16,}",
        is_token=False,
        is_run=False,
    ),
    Shape("a private key", ("PuTTY-User-Key-File-",), r"PuTTY-User-Key-File-[23]: [^\n]{1,60}\n"),
    Shape("an Anthropic key", ("sk-ant-",), r"sk-ant-[A-Za-z0-9_-]{24,}"),
    Shape("an OpenRouter key", ("sk-or-",), r"sk-or-v1-[0-9a-f]{40,}"),
    Shape("a Langfuse key", ("sk-lf-",), r"sk-lf-[0-9a-f]{8}-[0-9a-f-]{27}" + _END),
    Shape("an OpenAI-style key", ("sk-",), r"sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{32,}"),
    Shape("an AWS access key id", ("AKIA", "ASIA"), r"A(?:KIA|SIA)[0-9A-Z]{16}" + _END),
    Shape(
        "an AWS secret access key",
        ("aws_secret", "AWS_SECRET", "awsSecret", "AwsSecret", "awssecret"),
        rf"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?({_BASE64}{{40}})(?![A-Za-z0-9/+=])",
        is_token=False,
        is_run=False,
    ),
    Shape("an AWS Bedrock key", ("ABSK",), rf"ABSK{_BASE64}{{100,}}={{0,2}}"),
    Shape("a Google API key", ("AIza",), r"AIza[0-9A-Za-z_-]{35}" + _END),
    Shape("a Google OAuth secret", ("GOCSPX-",), r"GOCSPX-[A-Za-z0-9_-]{28}" + _END),
    Shape(
        "an Azure key",
        ("JQQJ9",),
        r"[A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9][A-L][A-Za-z0-9]{16}[A-Za-z][A-Za-z0-9]{7}(?:[A-Za-z0-9]{2}==)?",
    ),
    Shape("an Azure storage key", ("AccountKey=",), rf"AccountKey=({_BASE64}{{86}}==)"),
    Shape("an Azure shared access key", ("SharedAccessKey=",), rf"SharedAccessKey=({_BASE64}{{43}}=)"),
    Shape("an Azure client secret", ("Q~",), r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])"),
    Shape(
        "a GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"g(?:h[pousr]_[A-Za-z0-9]{36,}|ithub_pat_[A-Za-z0-9_]{40,})",
    ),
    Shape(
        "a GitLab token",
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "gloas-", "glsoat-", "glagent-"),
        r"gl(?:pat|dt|rt|ptt|cbt|ft|oas|soat|agent)-[A-Za-z0-9_.-]{20,}",
    ),
    Shape("a Slack token", ("xox", "xapp-"), r"x(?:ox[abeoprs]-[A-Za-z0-9-]{20,}|app-[0-9]-[A-Za-z0-9-]{20,})"),
    Shape("a Slack webhook", ("hooks.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_]{20,})"),
    Shape("a Stripe key", ("k_live_", "k_test_"), r"[sr]k_(?:live|test)_[A-Za-z0-9]{20,}"),
    Shape("an npm token", ("npm_",), r"npm_[A-Za-z0-9]{36}" + _END),
    Shape("a PyPI token", ("pypi-",), r"pypi-[A-Za-z0-9_-]{50,}"),
    Shape("a Docker Hub token", ("dckr_",), r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    Shape("a Vault token", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    Shape("a Terraform Cloud token", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}"),
    Shape("a Databricks token", ("dapi",), r"dapi[0-9a-f]{32}(?:-[0-9])?" + _END),
    Shape("a Groq key", ("gsk_",), r"gsk_[A-Za-z0-9]{40,}"),
    Shape("a Hugging Face token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}" + _END),
    Shape("an xAI key", ("xai-",), r"xai-[A-Za-z0-9_-]{60,}"),
    Shape("a Perplexity key", ("pplx-",), r"pplx-[A-Za-z0-9]{40,}"),
    Shape("a Together key", ("tgp_v1_",), r"tgp_v1_[A-Za-z0-9_-]{40,}"),
    Shape("a Replicate token", ("r8_",), r"r8_[A-Za-z0-9]{37}" + _END),
    Shape("an NVIDIA key", ("nvapi-",), r"nvapi-[A-Za-z0-9_-]{60,}"),
    Shape("a Fireworks key", ("fw_",), r"fw_[A-Za-z0-9]{22,}" + _END),
    Shape("a Cerebras key", ("csk-",), r"csk-[a-z0-9]{40,}"),
    Shape("a Tavily key", ("tvly-",), r"tvly-[A-Za-z0-9-]{28,}"),
    Shape("a Pinecone key", ("pcsk_",), r"pcsk_[A-Za-z0-9_]{40,}"),
    Shape("a LangSmith key", ("lsv2_",), r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}" + _END),
    Shape("a SendGrid key", ("SG.",), r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}" + _END),
    Shape("a DigitalOcean token", ("dop_v1_", "doo_v1_", "dor_v1_"), r"do[opr]_v1_[0-9a-f]{64}" + _END),
    Shape("a Doppler token", ("dp.",), r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}"),
    Shape(
        "a Grafana token", ("glsa_", "glc_"), rf"gl(?:sa_[A-Za-z0-9]{{32}}_[A-Fa-f0-9]{{8}}|c_{_BASE64}{{32,}}={{0,2}})"
    ),
    Shape("a Shopify token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}" + _END),
    Shape("a Linear key", ("lin_api_",), r"lin_api_[A-Za-z0-9]{40}" + _END),
    Shape("a Supabase key", ("sbp_", "sb_secret_"), r"sb(?:p_[a-f0-9]{40}|_secret_[A-Za-z0-9_-]{31,})"),
    Shape("a 1Password token", ("ops_eyJ",), r"ops_eyJ[A-Za-z0-9_-]{100,}"),
    Shape(
        "a signed JSON Web Token", ("eyJ",), r"eyJ[A-Za-z0-9_-]{10,300}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{16,}"
    ),
    Shape(
        PASSWORD_IN_URL,
        ("://",),
        r"://[^\s:/?#@\"'<>{}$%*()\[\]|`\\]{0,64}:([^\s:/?#@\"'<>{}$*()\[\]|`\\]{3,128})@[A-Za-z0-9\[]",
        is_token=False,
        is_run=False,
    ),
)
_MARKS: Final = [(number, mark.encode()) for number, shape in enumerate(SHAPES) for mark in shape.marks]
_RUN_MARKS: Final = [(number, mark) for number, mark in _MARKS if SHAPES[number].is_run]
_CONTENT_MARKS: Final = [(number, mark) for number, mark in _MARKS if not SHAPES[number].is_run]
_ANY_RUN_MARK: Final = "|".join(re.escape(mark) for shape in SHAPES if shape.is_run for mark in shape.marks)
_SHORTEST: Final = 20  # characters of the shortest token, with its prefix
_RUNS: Final = bytes(c if c < 128 and (chr(c).isalnum() or chr(c) in "_+/=.~-") else 32 for c in range(256))
_PREFIX: Final = regex(rb"\A(?:[A-Za-z0-9]{1,12}[-_.]){1,3}")
_STAND_IN: Final = regex(
    rb"(?i)example|your[-_a-z]|placeholder|dummy|sample|change[-_]?me|replace|redacted|insert|goes[-_]?here|xxxx|\*\*\*"
)
_CUT: Final = regex(rb"[-_]*(?:\.\.\.|\xe2\x80\xa6|<|\*\*)")
_HASH_BEFORE: Final = regex(rb"sha(?:1|256|384|512)[-=:]\Z")
_TAIL: Final = 16  # characters that are more than one letter or two
_ROW: Final = 5  # characters that follow one another, from which on they are a row
_BEYOND_ROWS: Final = 8  # characters that are left at least, beside rows
# What documentation shows: the token of jwt.io, the key of Stripe.
_PUBLISHED: Final = (b"SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c", b"4eC39HqLyjWDarjtT1zdp7dc")
_WEAK: Final = regex(
    rb"(?i)(?:pass(?:word|wd)?|pwd?|secret|postgres|mysql|redis|root|admin|user(?:name)?|guest|test|foo|bar|x+|\.+|token|key)[0-9]{0,3}"
)


def find_shapes(content: bytes) -> list[Found]:
    """Every place where something has the shape of a secret, in order."""
    found = [(start, number, end) for number in _marked(content) for start, end in _matches(content, number)]
    kept: list[Found] = []
    for start, number, end in sorted(found):
        if not kept or start >= kept[-1].end:
            kept.append(Found(SHAPES[number].what, start, end))
    return kept


def _marked(content: bytes) -> set[int]:
    """The numbers of the shapes of which a mark is there. Most files hold none of those that stand in runs: one search says so."""
    runs = _long_runs(content)
    found = [number for number, mark in _CONTENT_MARKS if mark in content]
    if _compiled(_ANY_RUN_MARK).search(runs) is not None:
        found += [number for number, mark in _RUN_MARKS if mark in runs]
    return {*found}


def _long_runs(content: bytes) -> bytes:
    """What is long enough to be a token, since nearly all of a file is not: marks are looked for in this alone."""
    return b"\n".join([run for run in content.translate(_RUNS).split() if len(run) >= _SHORTEST])


def is_stand_in(text: bytes) -> bool:
    """Whether a text says that it is no secret, or is made of too little to be one."""
    body = _PREFIX.sub(b"", text).lower()
    return bool(_STAND_IN.search(text)) or len({*body[-_TAIL:]}) < 3 or _beyond_rows(body) < _BEYOND_ROWS


def _matches(content: bytes, number: int) -> Iterator[tuple[int, int]]:
    shape = SHAPES[number]
    for match in _compiled(shape.pattern).finditer(content):
        before = content[match.start() - 1 : match.start()]
        start, end = match.span(match.lastindex or 0)
        if shape.is_token and (before.isalnum() or before in (b"-", b"_")):
            continue
        if _HASH_BEFORE.search(content, max(0, match.start() - 8), match.start()):
            continue
        if not _is_no_secret(shape.what, content, match.start(), start, end):
            yield start, end


def _is_no_secret(what: str, content: bytes, match_start: int, start: int, end: int) -> bool:
    text = content[start:end]
    if what == PASSWORD_IN_URL:
        user = content[match_start + 3 : start - 1]
        return text == user or bool(_WEAK.fullmatch(text)) or bool(_STAND_IN.search(text))
    return bool(_CUT.match(content, end)) or is_stand_in(text) or any(known in text for known in _PUBLISHED)


def _beyond_rows(text: bytes) -> int:
    """How many characters are in no row such as `12345` or `abcdef`."""
    beyond, row = 0, 1
    for one, following in [*pairwise(text), (0, 0)]:
        if following == one + 1 or (one, following) == (ord("9"), ord("0")):
            row += 1
        else:
            beyond += row if row < _ROW else 0
            row = 1
    return beyond


@cache
def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())
