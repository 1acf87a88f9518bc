"""Files that were cut or changed anywhere end in a clear error, or hold what they held; never in a crash, a hang or another value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.errors import LlmcfgError
from llmcfg.secrets.inspection import inspect_file
from llmcfg.secrets.names import read_secret_file
from llmcfg.secrets.sops.files import decrypt_file
from llmcfg.secrets.sops.model import Comment, FileType, Leaf, Mapping, Node, Sequence, file_type_of
from llmcfg.secrets.sops.stores import parse_plain

VECTORS = Path(__file__).parent.parent / "vectors" / "sops"
FILES = sorted((*VECTORS.glob("cases/*.enc.*"), *VECTORS.glob("fuzz/*.enc.*"), *VECTORS.glob("tamper/*.enc.*")))
FIRST = int(os.environ.get("LLMCFG_FUZZ_FIRST", "0"))  # other numbers make other damage
FEW, MANY = 4, 150


def values(node: Node | Comment) -> Iterator[bytes]:
    """What the MAC covers: the bytes of each value in order, not its type, and no comment."""
    if isinstance(node, Leaf):
        yield node.reveal()
    elif isinstance(node, Mapping):
        for item in node.entries():
            yield from values(item.value)
    elif isinstance(node, Sequence):
        for each in node.nodes():
            yield from values(each)


def opened(content: bytes, file_type: FileType, keyring) -> tuple[bytes, ...] | None:
    """None where the file is refused; any error but one of ours is a failure."""
    try:
        found = decrypt_file(content, file_type, keyring)
    except LlmcfgError as error:
        assert error.message and "Traceback" not in error.message
        return None
    if found.metadata.mac_only_encrypted:
        return ()  # what is in the clear may be changed
    return (b"".join(value for document in found.documents for value in values(document)),)


def damaged(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content))
    match random.randrange(6):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + content[at + 1 :]
        case 2:
            return (
                content[:at]
                + random.choice((b"\n", b" ", b"\0", b"'", b'"', b"&a ", b"- ", b"\xff", b"]"))
                + content[at:]
            )
        case 3:
            other = random.randrange(len(content))
            return content[:at] + content[other : other + random.randrange(200)] + content[at:]
        case _:
            return content[:at] + bytes((content[at] ^ 1 << random.randrange(8),)) + content[at + 1 :]


def check(path: Path, keyring, seeds: range) -> None:
    content, file_type = path.read_bytes(), file_type_of(path.name)
    whole = opened(content, file_type, keyring)
    for seed in seeds:
        spoiled = damaged(content, Random(f"{path.name} {seed}"))
        assert opened(spoiled, file_type, keyring) in (None, (), whole), seed
        inspect_file(path.name, spoiled)
        read_secret_file(path.name, spoiled)


@pytest.mark.fault("X04", "X15")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_damage_is_refused_or_changes_no_value(path: Path, keyring) -> None:
    check(path, keyring, range(FIRST, FIRST + FEW))


@pytest.mark.sweep
@pytest.mark.fault("X04", "X15")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_damage_anywhere_is_refused_or_changes_no_value(path: Path, keyring) -> None:
    check(path, keyring, range(FIRST + FEW, FIRST + MANY))


@pytest.mark.fault("X04")
@pytest.mark.parametrize("path", FILES[::20], ids=lambda path: path.name)
def test_no_part_of_a_file_is_taken_for_all_of_it(path: Path, keyring) -> None:
    content, file_type = path.read_bytes(), file_type_of(path.name)
    whole = opened(content, file_type, keyring)
    step = max(1, len(content) // 150)
    assert {opened(content[:end], file_type, keyring) for end in range(0, len(content) - 1, step)} <= {None, whole}


@given(st.binary(max_size=300), st.sampled_from(FileType))
@settings(deadline=None)
def test_what_is_no_secret_file_is_refused(content: bytes, file_type: FileType) -> None:
    assert opened(content, file_type, []) is None


@given(st.text(st.sampled_from("ab: -#&*!|>{}[],'\"\n\t\\%@`0.\ufeff\u2028"), max_size=60), st.sampled_from(FileType))
@settings(deadline=None, max_examples=300)
def test_what_is_no_file_of_its_kind_is_refused_when_it_is_encrypted(text: str, file_type: FileType) -> None:
    try:
        parse_plain(text.encode(), file_type)
    except LlmcfgError as error:
        assert error.message
