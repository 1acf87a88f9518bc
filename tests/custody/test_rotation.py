"""A rotation keeps the old value beside the new one until it is retired; whoever reads the secret takes the new one."""

from __future__ import annotations

import pytest

from llmcfg.custody.changes import put_binary, retire, rotate, unset
from llmcfg.custody.places import find_own
from llmcfg.errors import ConflictError, NotAuthorisedError, UnknownKeyError, UsageError
from llmcfg.secrets.amend import leaf_of
from llmcfg.secrets.names import read_secret_file


def rotated(keeper, name: str, value: str, kind="str") -> None:
    custody = keeper.custody
    rotate(custody, find_own(custody.configuration, None, None, name), leaf_of(value.encode(), kind))


def retired(keeper, name: str) -> None:
    custody = keeper.custody
    retire(custody, find_own(custody.configuration, None, None, name))


def names(keeper) -> set[str]:
    return set(read_secret_file("secrets.yaml", keeper.files()["base/secrets/secrets.yaml"]).secrets)


def test_both_values_are_there_until_the_old_one_is_retired(ada) -> None:
    ada.put("openai", "first")
    rotated(ada, "openai", "second")
    assert (ada.value("openai"), ada.value("openai@previous")) == ("second", "first")
    retired(ada, "openai")
    assert ada.value("openai") == "second"
    with pytest.raises(UnknownKeyError, match="no previous value"):
        ada.value("openai@previous")


def test_it_is_one_secret_all_along(ada) -> None:
    ada.put("openai", "first")
    ada.put("mistral.token", "other")
    for step in (lambda: rotated(ada, "openai", "second"), lambda: retired(ada, "openai")):
        step()
        assert names(ada) == {"openai", "mistral.token"}


def test_setting_a_rotated_secret_sets_the_current_value(ada) -> None:
    ada.put("openai", "first")
    rotated(ada, "openai", "second")
    ada.put("openai", "third")
    assert (ada.value("openai"), ada.value("openai@previous")) == ("third", "first")
    assert names(ada) == {"openai"}


def test_the_second_rotation_is_as_good_as_the_first(ada) -> None:
    ada.put("openai", "first")
    rotated(ada, "openai", "second")
    retired(ada, "openai")
    rotated(ada, "openai", "third")
    assert (ada.value("openai"), ada.value("openai@previous")) == ("third", "second")


def test_a_rotation_does_not_begin_before_the_last_one_ended(ada) -> None:
    ada.put("openai", "first")
    rotated(ada, "openai", "second")
    before = ada.files()
    with pytest.raises(ConflictError, match="has a previous value still") as refused:
        rotated(ada, "openai", "third")
    assert "retire" in refused.value.hint
    assert ada.files() == before


def test_values_keep_their_types(ada) -> None:
    ada.put("other", "x")
    from llmcfg.custody.changes import put

    put(ada.custody, "base", "base/secrets/secrets.yaml", {("pin",): leaf_of(b"1234", "int")})
    rotated(ada, "pin", "5678", "int")
    assert (ada.value("pin"), ada.value("pin@previous")) == (5678, 1234)


@pytest.mark.parametrize(("value", "what"), [("first", "the value that it has")])
def test_the_same_value_is_no_rotation(ada, value, what) -> None:
    ada.put("openai", "first")
    with pytest.raises(UsageError, match=what):
        rotated(ada, "openai", value)


def test_nothing_is_retired_that_is_not_there(ada) -> None:
    ada.put("openai", "first")
    with pytest.raises(UnknownKeyError, match="no previous value"):
        retired(ada, "openai")


def test_a_rotated_secret_is_removed_whole(ada) -> None:
    ada.put("openai", "first")
    ada.put("mistral", "x")
    rotated(ada, "openai", "second")
    custody = ada.custody
    unset(custody, find_own(custody.configuration, None, None, "openai"))
    assert names(ada) == {"mistral"}


def test_a_binary_secret_keeps_no_previous_value(ada) -> None:
    put_binary(ada.custody, "base/secrets/cert.age", b"\0")
    with pytest.raises(UsageError, match="keeps no previous one"):
        rotated(ada, "cert", "x")


def test_without_a_key_there_is_no_rotation(ada, stranger) -> None:
    ada.put("openai", "first")
    before = ada.files()
    with pytest.raises(NotAuthorisedError):
        rotated(stranger, "openai", "second")
    assert ada.files() == before


def test_a_drop_that_would_hide_the_previous_value_is_not_made(ada, stranger) -> None:
    ada.put("openai", "first")
    rotated(ada, "openai", "second")
    before = ada.files()
    with pytest.raises(NotAuthorisedError, match="would hide the previous value of openai"):
        stranger.put("openai", "third")
    assert ada.files() == before
    retired(ada, "openai")
    assert stranger.put("openai", "third").outcome == "dropped"
    assert ada.value("openai") == "third"


def test_a_reference_follows_the_rotation(ada) -> None:
    from llmcfg.model.target import Scope

    ada.put("openai", "first")
    ada.written.commit({"base/gateway.yaml": 'keys: "{{secret:openai@all}}"\n'})
    for step, uses in (
        (lambda: None, 1),
        (lambda: rotated(ada, "openai", "second"), 2),
        (lambda: retired(ada, "openai"), 1),
    ):
        step()
        effective = ada.custody.configuration.effective(Scope("dev", None))
        assert len(effective.value_at(("gateway", "keys"))) == uses
