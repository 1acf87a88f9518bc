"""Hypothesis strategies for configuration values that a document may hold."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from llmcfg.documents.scalars import one_number

_ALLOWED = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff")

_TRICKY = st.sampled_from(
    [
        "no",
        "010",
        "1e3",
        "-",
        "---",
        "...",
        "~",
        "a: b",
        "a #b",
        "x:",
        "2024-01-01",
        "",
        " ",
        "{{secret:x}}",
        "|",
        "- a",
        "\n",
        "\n\n",
        "a\n\n",
    ]
)
texts = st.text(_ALLOWED) | st.text("ab \n-#:'\"\t{}[]\\", max_size=12) | _TRICKY
numbers = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15).map(one_number)
scalars = st.none() | st.booleans() | numbers | texts
keys = st.text("abc -:#no1.$", min_size=1, max_size=5).filter(lambda key: unicodedata.is_normalized("NFC", key))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
documents = st.dictionaries(keys, values, max_size=4)
