"""What a program is given: variables for values, by name or below a prefix, and never a secret."""

from __future__ import annotations

import pytest

from llmcfg.bundlefile.opened import OpenedBundle
from llmcfg.client import MissingKeyError, NotAuthorisedError, Snapshot, UsageError
from llmcfg.errors import IntegrityError
from llmcfg.supervise.given import Wanted, give, parse_secret, parse_variable
from support.bundles import TARGET, bundle, document

VALUES = {
    "text": "a b", "number": 1, "share": 0.5, "on": True, "nothing": None, "list": [1, "é"], "empty": "",
    "deep": {"gpt-4.1": {"max tokens": 5}},
}  # fmt: skip
SECRET = {"key": {"$secret": "k"}, "list": [{"$text": ["Bearer ", {"$secret": "k"}]}]}


def snapshot(secrets=None):
    made = bundle({"config/app.json": document(VALUES), "config/s.json": document(SECRET)})
    return Snapshot(made, None if secrets is None else OpenedBundle(TARGET, secrets, {}))


def variables(*single, below=(), read=None):
    return give(read or snapshot(), Wanted([*map(parse_variable, single)], [*map(parse_variable, below)])).variables


def test_each_kind_of_value_has_its_text():
    assert variables(*(f"{name.upper()}=app.{name}" for name in VALUES if name != "deep")) == {
        "TEXT": "a b", "NUMBER": "1", "SHARE": "0.5", "ON": "true", "NOTHING": "", "LIST": '[1,"é"]', "EMPTY": "",
    }  # fmt: skip


def test_everything_below_a_key_is_named_by_its_keys():
    assert variables(below=["APP=app.deep", "N=app.number"]) == {"APP_GPT_4_1_MAX_TOKENS": "5", "N": "1"}


@pytest.mark.parametrize("text", ["", "NAME", "=app.text", "1A=app.text", "A-B=app.text", "A=a..b"])
def test_what_gives_no_variable_is_refused(text):
    with pytest.raises(UsageError):
        parse_variable(text)


def test_a_key_that_is_not_there_is_missing():
    with pytest.raises(MissingKeyError):
        variables("A=app.none")


def test_two_values_never_share_a_name():
    read = Snapshot(bundle({"config/a.json": document({"x-y": 1, "x_y": 2})}))

    with pytest.raises(UsageError, match="A_X_Y"):
        variables(below=["A=a"], read=read)
    with pytest.raises(UsageError, match="two values"):
        variables("A=app.text", "A=app.number")


@pytest.mark.parametrize("opened", [None, {"k": "sk-plain"}, {"k": b"sk-plain"}])
@pytest.mark.parametrize(
    "options", [{"single": "A=s.key"}, {"single": "A=s.list"}, {"below": "A=s"}, {"single": "A=s"}]
)
def test_a_secret_never_becomes_a_variable_and_is_not_shown(opened, options):
    single = [options["single"]] if "single" in options else []
    below = [options["below"]] if "below" in options else []

    with pytest.raises(NotAuthorisedError, match="holds a secret") as caught:
        variables(*single, below=below, read=snapshot(secrets=opened))

    assert "sk-plain" not in f"{caught.value} {caught.value.hint}"


def test_a_text_with_nul_is_refused():
    with pytest.raises(UsageError, match="NUL"):
        variables("A=a.x", read=Snapshot(bundle({"config/a.json": document({"x": "a\0b"})})))


def test_a_file_that_leaves_its_folder_is_refused():
    read = Snapshot(bundle({"files/../../x": b""}))

    with pytest.raises(IntegrityError, match="leaves its folder"):
        give(read, Wanted(with_files=True))
    assert give(read, Wanted()).files == {}


# secrets that are named


def test_a_secret_that_is_named_becomes_a_variable_or_a_file_and_shows_in_neither_repr():
    read = snapshot(secrets={"k": "sk-plain", "k@previous": "sk-old", "port": 8443, "on": True, "p12": b"\x00\xff"})
    secrets = [*map(parse_secret, ("A=k", "B=k@previous", "C=port", "D=on"))]
    files = [parse_secret("keys/p12=p12", is_file=True), parse_secret("k=k", is_file=True)]

    given = give(read, Wanted(secrets=secrets, secret_files=files))

    assert given.variables == {"A": "sk-plain", "B": "sk-old", "C": "8443", "D": "true"}
    assert given.files == {"keys/p12": b"\x00\xff", "k": b"sk-plain"}
    assert "sk-plain" not in repr(given)


def test_a_number_that_is_secret_does_not_come_along_with_its_key():
    with pytest.raises(NotAuthorisedError, match="holds a secret"):
        variables("A=s.key", read=snapshot(secrets={"k": 8443}))


@pytest.mark.parametrize(
    ("secrets", "error"), [(None, NotAuthorisedError), ({}, MissingKeyError), ({"k": b"\x00"}, UsageError)]
)
def test_a_secret_that_cannot_be_a_variable_is_told(secrets, error):
    with pytest.raises(error, match="'k'"):
        give(snapshot(secrets), Wanted(secrets=[parse_secret("A=k")]))


@pytest.mark.parametrize(
    ("text", "is_file"), [("k", False), ("A=", False), ("a-b=k", False), ("../a=k", True), ("/a=k", True), ("=k", True)]
)
def test_what_names_no_secret_is_refused(text, is_file):
    with pytest.raises(UsageError, match="names no secret"):
        parse_secret(text, is_file=is_file)


def test_a_secret_never_takes_the_name_of_something_else():
    read = snapshot({"k": "x"})
    with pytest.raises(UsageError, match="two values"):
        give(read, Wanted([parse_variable("A=app.text")], secrets=[parse_secret("A=k")]))
    with pytest.raises(UsageError, match="two files"):
        give(read, Wanted(secret_files=[parse_secret("a=k", is_file=True)] * 2))
