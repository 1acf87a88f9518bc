"""YAML as people write it, from a random source: every type, awkward strings, comments, anchors, tags, hand formatting.

Most of what is made is legal. What is not has to be refused by everybody.
"""

from __future__ import annotations

import json
from random import Random

WORDS = (
    "alpha",
    "beta",
    "gamma",
    "host",
    "port",
    "token",
    "api_key",
    "password",
    "region",
    "model",
    "limit",
    "x",
    "k8s",
)
ENDINGS = ("", "", "", "", "_unencrypted", "_encrypted", "_secret", "-v2", ".name")
KEYS = (
    "y", "on", "No", "true ish", "1a", "a:b", "a b", "ключ", "emoji😀", "with#hash", "-dash", "?q", "tab\tkey", 'quo"te', "it's", "*star",
    "&amp", "!bang", "%pct", "@at", "`tick", "{brace", "[bracket", "a,b", "", "=", "~x", "long" * 40, "2001-01-01x", "back\\slash",
)  # fmt: skip
STRINGS = (
    "", " ", "  lead", "trail  ", "a: b", "a #b", "#c", "- x", "-", "---", "...", "? y", ":", "true", "False", "yes", "NO", "on", "null",
    "~", "123", "0x1F", "017", "0o17", "1_000", "1e3", ".5", "+1", "12:30", "190:20:30", "2001-01-01", "2001-12-14T21:59:43.10-05:00",
    ".inf", ".nan", "<<", "=", "'", '"', "''", '"quoted"', "it's", "back\\slash\\n", "{a: b}", "[a, b]", "a, b", "&anchor", "*alias",
    "!tag", "|", ">", "%", "@at", "`tick`", "multi\nline", "multi\nline\n", "multi\nline\n\n", "x \ny", "x\n y\n", "x\n\ty", "x\n\n\ny\n",
    "x\ny ", "# c\n# d", "é", "日本語", "😀 emoji", "nul\x00l", "bell\x07", "del\x7f", "c1\x85x", "nb\xa0sp", "bom\ufeffx", "\ufeffbom",
    "cr\rx", "crlf\r\nx", "zero\u200bwidth", "tab\tin", "\ttab", "ENC[", "ENC[AES256_GCM,data:x", "sops", "<&>", "${VAR}", "{{secret:x}}",
    "a" * 200, "word " * 40, "-----BEGIN KEY-----\nYWJj\n-----END KEY-----\n",
)  # fmt: skip
# What sops writes in a form that it, or others, read differently.
MISWRITTEN = ("\nleading", "\n", "\n\n", " x\ny", "\tx\ny", "ls\u2028x", "ps\u2029x")
NUMBERS = (
    "0", "-0", "1", "-1", "42", "9223372036854775807", "-9223372036854775808", "0x1f", "0o17", "017", "08", "0b101", "1_000_000", "+5",
    "18446744073709551616", "123456789012345678901234567890", "0.0", "-0.0", "1.0", "1.5", "-2.50", "1e3", "1E-7", "1e21", "1e400",
    "1.7976931348623157e308", "5e-324", "123456.7", "1234567.0", "0.1", "1e5", "1_0.5", ".5", "5.", "+1.5", ".inf", "-.inf", "+.INF",
    ".nan", "0x", "1__0", "_1", "1e", "0b12", "0o8", "-0x10", "0xFFFFFFFFFFFFFFFF",
)  # fmt: skip
CONSTANTS = ("true", "false", "True", "FALSE", "null", "~", "Null", "", "yes", "No", "on", "off", "y", "n")
TIMES = (
    "2001-12-14", "2001-1-2", "2001-12-14T21:59:43Z", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43", "2001-02-30",
    "2001-12-14 21:59:43.123456789", "2001-12-14 21:59:43.10 -5", "2001-12-14T21:59:43+00:00", "2001-12-14T21:59:60Z", "0000-01-01",
    "2001-12-14T1:2:3Z", "2001-12-14T21:59:43", "9999-12-31T23:59:59.999999999+14:00",
)  # fmt: skip
PLAIN = (
    "hello", "hello world", "a-b_c", "http://x.example/p?q=1#f", "C:\\dir", "x:y", "a#b", "$ref", "<tag>", "50%", "a'b", 'a"b', "5aws3",
)  # fmt: skip
TAGGED = (
    "!!str 123", "!!str true", "!!int 5", "!!float 5", "!!float 1.5", "!!bool true", "!!null null", "!!binary aGVsbG8=", "!!binary gIGC",
    "!custom value", "!custom 12", "! 12", "!!timestamp 2001-01-01", "!!str", '!!int "5"', '!!str ""',
)  # fmt: skip
COMMENTS = (
    "# plain",
    "#none",
    "# two  spaces ",
    "#! bang",
    "# sops:enc",
    "# ключ",
    "# a: b",
    "#\ttab",
    "# encrypt me",
    "# keep",
)
BLOCK_LINES = ("more", "", "  deeper", "# no comment", "a: b", "- x", "tail ", "ключ", "\ttab")
ALPHABETS = ("abcxyz019", "ab \n", "ab:#-'\"\\{}[],&*!|>%@` \n\t", "aé😀\x85\ufeff \n", "01.-_eExo+: T")


def yaml_text(random: Random, *, miswritten: bool = False) -> str:
    """One stream. `miswritten` lets strings of MISWRITTEN in."""
    return _Writer(random, miswritten=miswritten).stream(random.choice((1, 1, 1, 1, 1, 1, 2, 3)))


def random_text(random: Random) -> str:
    choice = random.random()
    if choice < 0.45:
        return random.choice(STRINGS)
    if choice < 0.6:
        return random.choice(PLAIN)
    if choice < 0.7:
        return random.choice(STRINGS) + random.choice(("", " ", "\n", "x")) + random.choice(STRINGS)
    alphabet = random.choice(ALPHABETS)
    return "".join(random.choice(alphabet) for _ in range(random.randrange(0, 25)))


def random_key(random: Random) -> str:
    if random.random() < 0.25:
        return random.choice(KEYS)
    return random.choice(WORDS) + str(random.randrange(100)) + random.choice(ENDINGS)


def is_miswritten(text: str) -> bool:
    """Whether sops writes a string so that it is read as another: as a block that starts with white space, or with separators raw."""
    return ("\n" in text and text[0] in " \n\t") or "\u2028" in text or "\u2029" in text


class _Writer:
    def __init__(self, random: Random, *, miswritten: bool) -> None:
        self.random = random
        self.miswritten = miswritten
        self.comments = random.random() < 0.6
        self.list_comments = self.comments and random.random() < 0.5
        self.anchors = random.random() < 0.25
        self.names: list[str] = []
        self.budget = random.choice((4, 8, 16, 40))  # entries that may still be made
        self.step = random.choice((2, 2, 2, 4, 3))

    def stream(self, documents: int) -> str:
        return "".join(self._document(number) for number in range(documents))

    def _document(self, number: int) -> str:
        self.names = []
        lines = [*self._comment_lines(0, 0.3), *(self._mapping(0, 0) or ["a: 1"]), *self._comment_lines(0, 0.2)]
        start = "---\n" if number or self._chance(0.15) else ""
        return start + "".join(f"{line}\n" for line in lines)

    def _mapping(self, indent: int, depth: int) -> list[str]:
        lines: list[str] = []
        for key in dict.fromkeys(random_key(self.random) for _ in range(self.random.randrange(1, 7))):
            if key == "sops" or self.budget <= 0:
                continue
            self.budget -= 1
            lines += [""] if self._chance(0.1) else []
            lines += self._comment_lines(indent, 0.2)
            lines += self._entry(f"{' ' * indent}{self._key(key)}:", indent, depth)
            lines += self._comment_lines(indent + self.random.choice((0, 0, self.step)), 0.06)
        return lines

    def _sequence(self, indent: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randrange(1, 6)):
            self.budget -= 1
            lines += self._comment_lines(indent, 0.2) if self.list_comments else []
            lines += self._element(indent, depth)
        return lines

    def _element(self, indent: int, depth: int) -> list[str]:
        choice, dash = self.random.random(), " " * indent + "-"
        if choice < 0.28 and depth < 5 and self.budget > 0:
            make = self._mapping if choice < 0.2 else self._sequence
            inner = make(indent + 2, depth + 1)
            first = next((at for at, line in enumerate(inner) if line.strip() and line.strip()[0] != "#"), None)
            if first is not None:
                return [f"{dash} {inner[first][indent + 2 :]}", *inner[first + 1 :]]
        return self._entry(dash, indent, depth, in_list=True)

    def _entry(self, head: str, indent: int, depth: int, *, in_list: bool = False) -> list[str]:
        choice = self.random.random()
        if not in_list and choice < 0.27 and depth < 5 and self.budget > 0:
            if choice < 0.15:
                inner = self._mapping(indent + self.step, depth + 1)
            else:
                inner = self._sequence(indent + self.random.choice((self.step, self.step, 0)), depth + 1)
            return [head + self._inline(), *inner] if inner else [f"{head} {{}}"]
        if choice < 0.33:
            return [f"{head} {self._flow(depth)}{self._inline() if self.list_comments or not in_list else ''}"]
        if choice < 0.43:
            return self._block_scalar(head, indent)
        if choice < 0.5 and self.anchors:
            return [f"{head} {self._anchored()}"]
        if choice < 0.53:
            return [f"{head} {self.random.choice(TAGGED)}"]
        return [f"{head} {self._scalar()}".rstrip(" ") + (self._inline() if self.list_comments or not in_list else "")]

    def _anchored(self) -> str:
        if self.names and self._chance(0.6):
            return f"*{self.random.choice(self.names)}"
        self.names.append(f"a{len(self.names)}")
        return f"&{self.names[-1]} {self._scalar() or 'x'}"

    def _flow(self, depth: int) -> str:
        self.budget -= 1
        if depth > 5 or self._chance(0.15):
            return self.random.choice(("{}", "[]", "[ ]", "{ }"))
        values = [self._flow_value(depth) for _ in range(self.random.randrange(1, 4))]
        if self._chance(0.5):
            return f"[{', '.join(values)}{self.random.choice(('', ','))}]"
        keys = [json.dumps(f"{self.random.choice(WORDS)}{number}") for number in range(len(values))]
        return "{" + ", ".join(f"{key}: {value}" for key, value in zip(keys, values, strict=True)) + "}"

    def _flow_value(self, depth: int) -> str:
        if self._chance(0.2):
            return self._flow(depth + 1)
        return self.random.choice((_double(self._text()), self.random.choice(NUMBERS), "true", "null", "plain"))

    def _block_scalar(self, head: str, indent: int) -> list[str]:
        style = self.random.choice(("|", "|", ">")) + self.random.choice(("", "", "-", "+"))
        pad = " " * (indent + self.step + (2 if head.endswith("-") else 0))
        body = ["first line", *(self.random.choice(BLOCK_LINES) for _ in range(self.random.randrange(4)))]
        return [f"{head} {style}", *(pad + line if line else "" for line in body)]

    def _scalar(self) -> str:
        choice = self.random.random()
        for share, table in ((0.2, NUMBERS), (0.3, CONSTANTS), (0.37, TIMES), (0.5, PLAIN)):
            if choice < share:
                return self.random.choice(table)
        text = self._text()
        return "'" + text.replace("'", "''") + "'" if text.isprintable() and self._chance(0.2) else _double(text)

    def _text(self) -> str:
        while True:
            text = self.random.choice(MISWRITTEN) if self.miswritten and self._chance(0.1) else random_text(self.random)
            if self.miswritten or not is_miswritten(text):
                return text

    def _key(self, key: str) -> str:
        is_word = (
            key.isascii() and key[:1].isalpha() and key.replace("_", "").replace("-", "").replace(".", "").isalnum()
        )
        if is_word and key.lower() not in ("y", "n", "on", "no", "yes", "off", "true", "false", "null"):
            return key if self._chance(0.9) else f'"{key}"'
        return _double(key)

    def _comment_lines(self, indent: int, chance: float) -> list[str]:
        if not self.comments or not self._chance(chance):
            return []
        lines = [" " * indent + self.random.choice(COMMENTS) for _ in range(self.random.choice((1, 1, 1, 2)))]
        return [*([""] if self._chance(0.1) else []), *lines, *([""] if self._chance(0.2) else [])]

    def _inline(self) -> str:
        return f" {self.random.choice(COMMENTS)}" if self.comments and self._chance(0.1) else ""

    def _chance(self, share: float) -> bool:
        return self.random.random() < share


def _double(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    if char in '"\\':
        return "\\" + char
    if code < 32 or 0x7F <= code < 0xA0 or code in (0x2028, 0x2029, 0xFEFF):
        return f"\\u{code:04x}"
    return char
