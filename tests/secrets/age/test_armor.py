"""The armor around age files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError
from llmcfg.secrets.age.armor import armor, is_armored, remove_armor

BEGIN, END = "-----BEGIN AGE ENCRYPTED FILE-----\n", "-----END AGE ENCRYPTED FILE-----\n"


@given(st.binary(min_size=1, max_size=300))
def test_armor_comes_off_as_it_was_put_on(content: bytes) -> None:
    armored = armor(content)
    assert is_armored(armored)
    assert all(len(line) <= 64 for line in armored.splitlines())
    assert remove_armor(armored) == content


@pytest.mark.parametrize(
    "armored",
    [
        BEGIN + "QUJD\n" + END,
        (BEGIN + "QUJD\n" + END).replace("\n", "\r\n"),
        BEGIN + "QUJD\n" + END.strip(),
        "\n \t\r\n" + BEGIN + "QUJD\n" + END + "\n\n \n",
    ],
)
def test_line_ends_and_white_space_around_do_not_matter(armored: str) -> None:
    assert remove_armor(armored.encode()) == b"ABC"


@pytest.mark.parametrize(
    "armored",
    [
        BEGIN,
        BEGIN + END,
        BEGIN + "\n" + END,
        BEGIN + "QUJD\n",
        BEGIN + "QUJD\n" + END[:-6] + "\n",
        "x" + BEGIN + "QUJD\n" + END,
        " " + BEGIN + "QUJD\n" + END,
        BEGIN + "QUJD\n" + END + "x",
        BEGIN + "QUJD\n" + END + END,
        BEGIN.lower() + "QUJD\n" + END.lower(),
        BEGIN.replace("AGE", "PGP") + "QUJD\n" + END,
        BEGIN + "Version: 1\n\nQUJD\n" + END,
        BEGIN + "QUJD\n=abcd\n" + END,
        BEGIN + "QUJD\nQUJD\n" + END,
        BEGIN + "QUJD\n\n" + END,
        BEGIN + " QUJD\n" + END,
        BEGIN + "QUJD \n" + END,
        BEGIN + "QU\rJD\n" + END,
        BEGIN + "QUI\n" + END,
        BEGIN + "QUJ=\n" + END,
        BEGIN + "QU*D\n" + END,
        BEGIN + "A" * 68 + "\n" + END,
        BEGIN + "A" * 60 + "\n" + "A" * 4 + "\n" + END,
        BEGIN + "QUI=\n" + "A" * 64 + "\n" + END,
        "\n" * 1025 + BEGIN + "QUJD\n" + END,
        BEGIN + "QUJD\n" + END + "\n" * 1025,
    ],
)
def test_anything_else_is_damage(armored: str) -> None:
    with pytest.raises(IntegrityError, match="armor"):
        remove_armor(armored.encode())


def test_a_binary_file_has_no_armor() -> None:
    assert not is_armored(b"age-encryption.org/v1\n-> X25519 ...")
