"""`fmt --fix`: ambiguous scalars become plain to every reader."""

from __future__ import annotations

from llmcfg.documents.fixes import fix_ambiguous
from llmcfg.documents.loader import load_document


def test_ambiguous_scalars_are_rewritten_and_the_rest_stays():
    text = b"\xef\xbb\xbfa: no   # yes\r\non: [010, 1e3, 'no', 0x1f, -0]\r\n1: 2\r\nd: &q 2024-01-01\r\ne: *q\r\n"
    fixed = fix_ambiguous(text)
    assert fixed == (
        b'\xef\xbb\xbfa: "no"   # yes\r\n"on": ["010", 1000.0, \'no\', "0x1f", 0]\r\n"1": 2\r\nd: &q "2024-01-01"\r\ne: *q\r\n'
    )
    assert load_document(fixed).document is not None
    assert fix_ambiguous(fixed) == fixed


def test_what_people_must_decide_is_left():
    text = b"a: .inf\nb: 9007199254740993\n<<: {c: 1}\nd: text\n"
    assert fix_ambiguous(text) == text


def test_a_document_that_cannot_be_read_is_fixed_up_to_the_mistake():
    assert fix_ambiguous(b"a: no\nb: ]\nc: no\n") == b'a: "no"\nb: ]\nc: no\n'
    assert fix_ambiguous(b"a: \xff\n") == b"a: \xff\n"
