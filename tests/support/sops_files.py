"""Plaintext files of every format that sops takes, from a random source, with the settings to encrypt them by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from support.yaml_texts import COMMENTS, WORDS, random_key, random_text, yaml_text

JSON_SCALARS = (
    "true", "false", "null", "0", "-0", "1", "-12", "1.0", "1.5", "-0.0", "1e3", "1E+2", "1e-7", "1e21", "123456789012345678",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e300", "0.1", "100000000000000000000",
)  # fmt: skip
INI_VALUES = (
    "value", "1", "true", "a b", "http://x.example/", "", "a=b", "it's", "x:y", "ключ", "50%", "'single'", '"double"', "\"un'even",
    "`back; quote#`", '"""triple " quote"""', '"""two\nlines"""', "`two\nlines`", "goes \\\n  on", "value ; remark", "value # remark",
    "tail ", '"  spaced  "', "back\\slash x",
)  # fmt: skip
RULES: tuple[Mapping[str, str], ...] = (
    {}, {}, {},
    {"unencrypted_suffix": "_unencrypted"}, {"unencrypted_suffix": "0"},
    {"encrypted_suffix": "_secret"}, {"encrypted_suffix": "1"},
    {"unencrypted_regex": "^(host|port)"}, {"unencrypted_regex": "[0-4]$"},
    {"encrypted_regex": "^(token|pass|api)"}, {"encrypted_regex": r"(?i)KEY|\d[02468]|[[:upper:]]"},
    {"encrypted_comment_regex": "encrypt"}, {"encrypted_comment_regex": "^.[a-z]"},
    {"unencrypted_comment_regex": "keep|plain"}, {"unencrypted_comment_regex": "sops:enc"},
)  # fmt: skip


@dataclass(frozen=True)
class PlainFile:
    """`rule` and `mac_only_encrypted` are as a creation rule says them."""

    name: str
    content: bytes
    rule: Mapping[str, str]
    mac_only_encrypted: bool


def plain_file(random: Random, kinds: tuple[str, ...], *, miswritten: bool = False) -> PlainFile:
    kind = random.choice(kinds)
    content = yaml_text(random, miswritten=miswritten).encode() if kind == "yaml" else MAKERS[kind](random)
    return PlainFile(f"file.{kind}", content, random.choice(RULES), random.random() < 0.15)


def json_content(random: Random) -> bytes:
    keys = [
        json.dumps(key)
        for key in dict.fromkeys(random_key(random) for _ in range(random.randrange(6)))
        if key != "sops"
    ]
    body = random.choice((",", ",\n\t", ", ")).join(f"{key}: {_json_value(random, 0)}" for key in keys)
    return (random.choice(("{", "{\n\t", " { ")) + body + random.choice(("}", "\n}\n", "}\n"))).encode()


def dotenv_content(random: Random) -> bytes:
    lines: list[str] = []
    for _ in range(random.randrange(1, 8)):
        if random.random() < 0.2:
            lines.append(random.choice((*COMMENTS, "#", "")))
        else:
            key = random_key(random).replace("=", "").lstrip("#") or "K"
            lines.append(f"{key}={random_text(random).replace(chr(10), random.choice((chr(92) + 'n', ' ')))}")
    return ("\n".join(lines) + random.choice(("\n", "\n", ""))).encode()


def ini_content(random: Random) -> bytes:
    lines: list[str] = []
    for section in range(random.randrange(1, 4)):
        if section or random.random() < 0.8:
            lines += [random.choice(("; of the section", "# of", "; two\n; lines"))] if random.random() < 0.2 else []
            lines.append(random.choice((f"[section{section}]", f"[a b {section}] ; behind", f"[ s{section}]")))
        for _ in range(random.randrange(0, 5)):
            lines += (
                [random.choice(("; comment", "# comment", ";c", "; keep", "# encrypt"))]
                if random.random() < 0.25
                else []
            )
            key = random.choice((*WORDS, '"quo ted"', "`a=b`", "a b", "-", "UPPER", "1"))
            lines.append(f"{key}{random.choice((' = ', '=', ' : '))}{random.choice(INI_VALUES)}")
    return ("\n".join(lines) + random.choice(("\n", "\n; end\n", ""))).encode()


def binary_content(random: Random) -> bytes:
    return random.choice(
        (b"", b"text\n", b"text", random.randbytes(random.randrange(200)), b"\x00", "ключ".encode(), b"{}")
    )


def _json_value(random: Random, depth: int) -> str:
    choice, is_ascii = random.random(), random.random() < 0.5
    if depth < 4 and choice < 0.35:
        values = [_json_value(random, depth + 1) for _ in range(random.randrange(4))]
        if choice < 0.18:
            return "[" + ", ".join(values) + "]"
        entries = [f"{json.dumps(random_key(random), ensure_ascii=is_ascii)}: {value}" for value in values]
        return "{" + random.choice((", ", ",\n  ", ",")).join(entries) + "}"
    if choice < 0.65:
        return json.dumps(random_text(random), ensure_ascii=is_ascii)
    return random.choice(JSON_SCALARS)


MAKERS: Mapping[str, Callable[[Random], bytes]] = {
    "json": json_content,
    "env": dotenv_content,
    "ini": ini_content,
    "bin": binary_content,
}
