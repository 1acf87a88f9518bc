"""One value of a file is printed as `sops --extract` prints it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmcfg.errors import NotFoundError, UsageError
from llmcfg.secrets.age import Identity
from llmcfg.secrets.sops.extract import parse_extract
from llmcfg.secrets.sops.files import decrypt_file
from llmcfg.secrets.sops.model import FileType

TEXT = """\
a: {b: [1, 2.5, x, true, null], m: {c: "line\\ntwo"}, e: {}, l: []}
t: true
n: null
f: 1234567.0
s: text
d: 2001-01-01
ml: |
    one
    two
z_unencrypted: clear
"""


@pytest.mark.parametrize(
    ("place", "yaml", "json"),
    [
        ('["a"]["b"]', "- 1\n- 2.5\n- x\n- true\n- null\n", '[\n\t1,\n\t2.5,\n\t"x",\n\ttrue,\n\tnull\n]'),
        ('["a"]["b"][0]', "1\n", "1"),
        ("['a']['b'][1]", "2.5\n", "2.5"),
        ('["a"]["b"][4]', "null\n", "null"),
        ('["t"]', "true\n", "true"),
        ('["f"]', "1.234567e+06\n", "1234567"),
        ('["s"]', "text", "text"),
        ('["d"]', "2001-01-01T00:00:00Z\n", '"2001-01-01T00:00:00Z"'),
        ('["ml"]', "one\ntwo\n", "one\ntwo\n"),
        ('["a"]["e"]', "{}\n", "{}\n"),
        ('["a"]["l"]', "[]\n", "[]"),
        ('["a"]["m"]', "c: |-\n    line\n    two\n", '{\n\t"c": "line\\ntwo"\n}\n'),
        ('["z_unencrypted"]', "clear", "clear"),
    ],
)
def test_a_value_is_printed_as_sops_prints_it(
    place: str, yaml: str, json: str, sealed: Callable[..., bytes], alice: Identity
) -> None:
    content = sealed(TEXT)
    for output_type, expected in ((FileType.YAML, yaml), (FileType.JSON, json)):
        opened = decrypt_file(content, FileType.YAML, [alice], output_type=output_type, extract=parse_extract(place))
        assert opened.plain.decode() == expected


def test_a_place_that_is_not_there_is_said(sealed: Callable[..., bytes], alice: Identity) -> None:
    for place in ('["b"]', '["s"]["c"]', '["a"]["b"][9]', "[0]"):
        with pytest.raises(NotFoundError, match="the file has no "):
            decrypt_file(sealed(TEXT), FileType.YAML, [alice], extract=parse_extract(place))


def test_a_form_that_cannot_hold_a_single_value_is_refused(sealed: Callable[..., bytes], alice: Identity) -> None:
    with pytest.raises(UsageError, match="a dotenv file cannot hold this value alone"):
        decrypt_file(sealed(TEXT), FileType.YAML, [alice], output_type=FileType.DOTENV, extract=parse_extract('["t"]'))


@pytest.mark.parametrize("text", ["a", '["a"', '["a"]b', "[a]", "[-1]", '["a]'])
def test_another_way_to_write_a_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no place in a file"):
        parse_extract(text)


def test_keys_are_taken_as_they_stand_between_the_quotes() -> None:
    assert parse_extract("""["a.b"]['c"d'][12]["x]y"]""") == ("a.b", 'c"d', 12, "x]y")
