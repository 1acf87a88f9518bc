"""Broken configuration files: thousands of mutations with a fixed seed never raise, and what is accepted every reader reads alike."""

from __future__ import annotations

import io
import random

from msgspec import json
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from llmcfg.documents.fixes import fix_ambiguous
from llmcfg.documents.loader import load_document
from llmcfg.documents.positions import find_places
from llmcfg.documents.scalars import one_number

SEEDS = [
    b"name: openai\nbase_url: https://x.y/v1\nkey: \"{{secret:k}}\"\nmodels:\n  gpt-4:\n    max: 8192\n    t: 0.7\n    on_fail: 'n'\n",
    b"routes:\n  - name: chat\n    models: [a, b]\n    note: |\n      one\n\n      two\n  - {name: x, n: 1}\nempty: {}\n",
    b'a: &x [1, 2]\nb: *x\nc: !append [3]\nd: >-\n  folded\n  text\n? e\n: "\\u00e9"\nf:\n- g: ~\n',
]
PIECES = [
    b" ", b"\n", b":", b"-", b"#", b"'", b'"', b"[", b"]", b"{", b"}", b",", b"&x", b"*x", b"!", b"|", b">", b"?", b"%", b"\t", b"\r",
    b"\0", b"\xc3", b"no", b"1e3", b"<<", b"---\n", b"...", b"0", b"_", b".", b"{{", b"\xe2\x80\xae", b"!!str ", b"\\", b"~",
]  # fmt: skip


def mutations(count: int):
    chance = random.Random(20240611)
    for _ in range(count):
        content = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(content))
            match chance.randrange(4):
                case 0:
                    content[at : at + chance.randint(1, 4)] = b""
                case 1:
                    content[at:at] = chance.choice(PIECES)
                case 2:
                    content[at : at + 1] = chance.choice(PIECES)
                case _:
                    end = at + chance.randint(1, 20)
                    content[at:at] = content[at:end]
        yield bytes(content)


def as_we_count(value):
    """What another reader read, with integral floats as integers."""
    if isinstance(value, dict):
        return {key: as_we_count(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_we_count(item) for item in value]
    return one_number(value) if isinstance(value, float) else value


def test_no_mutation_raises_and_readers_agree_on_what_is_accepted():
    accepted = compared = 0
    for content in mutations(3000):
        loaded = load_document(content)
        find_places(content)
        fix_ambiguous(content)
        if loaded.document is None:
            assert loaded.problems, content
            continue
        accepted += 1
        if loaded.document.has_tags:
            continue
        try:
            other = YAML(typ="safe", pure=True).load(io.BytesIO(content))
        except (YAMLError, ValueError):
            continue
        compared += 1
        assert json.encode(as_we_count(other)) == json.encode(loaded.document.value), content
    assert accepted > 400
    assert compared > 300
