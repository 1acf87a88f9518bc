"""Addresses of remotes: plain forms are taken; what could become an option or a program is refused before git sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import UsageError
from llmcfg.model.remoteurl import parse_remote_url


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("/srv/config.git", "file"),
        ("file:///srv/config.git", "file"),
        ("/srv/with space/config.git", "file"),
        ("https://git.example.com/platform/config.git", "https"),
        ("https://user@git.example.com:8443/config", "https"),
        ("ssh://git@git.example.com:2222/config.git", "ssh"),
        ("git@git.example.com:platform/config.git", "ssh"),
        ("ssh://git@[::1]:22/config.git", "ssh"),
        ("http://127.0.0.1:3000/config.git", "http"),
        ("http://localhost/config.git", "http"),
    ],
)
def test_plain_forms_are_taken(text, scheme):
    assert parse_remote_url(text).scheme == scheme


@pytest.mark.fault("R13")
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "ext::sh -c touch% /tmp/x", "ext::sh", "git::https://h/x", "-oProxyCommand=x", "--upload-pack=x", "-x",
        "user@host:-x", "user@-host:x", "-user@host:x", "ssh://-oProxyCommand=x/y", "ssh://host/-x y", "ssh://host:99999/x", "ssh://host:0/x",
        "gopher://h/x", "ftp://h/x", "git://h/x", "http://git.example.com/x", "http://127.0.0.1.example.com/x", "https://", "https:///x",
        "https://h", "https://h/x y", "https://h/x\ny", "https://h/x\0", "https://h/x?y", "https://h/x#y", "https://h\\x/y", "file://host/x",
        "file:///srv/../etc", "/srv/../etc", "relative/path", "./x", "~/x", "host::x", "a::b:c", "https://h/\u202ex", "HTTPS://h/x",
        "/srv/\n",
        "https://" + "a" * 70_000,
    ],
)  # fmt: skip
def test_everything_else_is_refused(text):
    with pytest.raises(UsageError) as caught:
        parse_remote_url(text)
    assert (caught.value.code, caught.value.exit_code) == ("url", 2)
    assert len(caught.value.message) < 300


@pytest.mark.fault("R13", "A22")
def test_a_password_in_an_address_is_refused_and_not_shown():
    with pytest.raises(UsageError) as caught:
        parse_remote_url("https://ada:hunter2@git.example.com/x")
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.fault("R13")
@given(st.text(max_size=60))
def test_what_is_taken_never_begins_like_an_option_or_a_helper(text):
    try:
        url = parse_remote_url(text)
    except UsageError:
        return
    assert not url.text.startswith("-")
    assert "::" not in url.text.partition("[")[0]
    assert url.text.isprintable()
