"""Expressions that are compiled when they are first used are as those of `re`; what common commands load declares no other ones."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import product

import pytest

from llmcfg.regex import regex
from support.written import WrittenRepository


@pytest.mark.parametrize(
    ("expression", "flags"), [*product([r"(a+)(?P<b>b)?", r"^\w$", r"[é]|x"], [0, re.I, re.M | re.S])]
)
def test_it_finds_what_re_finds(expression: str, flags: int) -> None:
    later, now = regex(expression, flags), re.compile(expression, flags)
    for text in ("", "aab", "AB\nx", "é", "aa\naab"):
        for _ in range(2):
            for method in ("match", "fullmatch", "search"):
                found, expected = getattr(later, method)(text), getattr(now, method)(text)
                assert (found and (found.span(), found.groupdict())) == (
                    expected and (expected.span(), expected.groupdict())
                )
            assert later.findall(text) == now.findall(text)
            assert later.split(text) == now.split(text)
            assert later.sub("-", text) == now.sub("-", text)
            assert [one.span() for one in later.finditer(text)] == [one.span() for one in now.finditer(text)]
    assert (later.pattern, later.flags, later.groups) == (now.pattern, now.flags, now.groups)


def test_bytes_are_searched_by_expressions_of_bytes() -> None:
    assert regex(rb"b+").search(b"abbc").span() == (1, 3)
    with pytest.raises(TypeError):
        regex(rb"b+").search("abbc")


def test_an_expression_that_cannot_be_compiled_says_so_when_it_is_used() -> None:
    broken = regex("(")
    with pytest.raises(re.error):
        broken.search("a")


def test_common_commands_compile_what_they_use(tmp_path) -> None:
    """Of modules that they load, none has an expression of `re` ready."""
    written = WrittenRepository(tmp_path, {"base/limits.yaml": "rpm: 10\n"})
    written.commit()
    script = (
        "import re, sys\n"
        "from llmcfg_cli.plain import find_call\n"
        "for line in ('validate', 'diff', 'render --to out', 'get limits.rpm -e dev'):\n"
        "    find_call(['-C', sys.argv[1], *line.split()]).run()\n"
        "held = lambda module: [name for name, value in vars(module).items() if isinstance(value, re.Pattern)]\n"
        "print(*(f'{name}.{one}' for name in sys.modules if name.startswith('llmcfg') for one in held(sys.modules[name])),\n"
        "      file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "")
