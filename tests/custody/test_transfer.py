"""Secrets are copied, imported and exported whole and with their types; nothing is replaced unasked or taken out unrecorded."""

from __future__ import annotations

import json

import pytest

from llmcfg.custody.changes import put, put_binary
from llmcfg.custody.export import export_secrets, secrets_to_export
from llmcfg.custody.places import choose_place, find_held, parse_name
from llmcfg.custody.reveal import Access
from llmcfg.custody.transfer import check_copy, compare, copy, take_over
from llmcfg.errors import ConflictError, NotAuthorisedError, NotFoundError, UsageError
from llmcfg.secrets.amend import leaf_of
from llmcfg.secrets.envfile import parse_env
from support.keepers import Keeper, encrypted


def copied(keeper: Keeper, name: str, folder: str, *, environment=None, tenant=None, new_name=None, file=None):
    custody = keeper.custody
    source = find_held(custody.configuration, environment, tenant, name)
    place = choose_place(custody.configuration, folder, parse_name(new_name or name), file)
    check_copy(source, place)
    return copy(custody, source, place)


def exported(keeper: Keeper, form="dotenv", *, environment=None, tenant=None, record=lambda access: None):
    custody = keeper.custody
    return export_secrets(custody, secrets_to_export(custody.configuration, environment, tenant), form, "test", record)


def states(keeper: Keeper, values: dict[str, str], folder="base", file=None) -> dict[str, str]:
    custody = keeper.custody
    incoming = compare(custody, folder, [(parse_name(name), value) for name, value in values.items()], file)
    return {one.place.name: one.state for one in incoming}


def imported(keeper: Keeper, values: dict[str, str], folder="base"):
    custody = keeper.custody
    incoming = compare(custody, folder, [(parse_name(name), value) for name, value in values.items()], None)
    return take_over(custody, folder, incoming)


def test_a_copy_has_the_value_that_the_environment_uses(ada) -> None:
    ada.put("openai", "base")
    ada.put("openai", "dev", "environments/dev")
    copied(ada, "openai", "tenants/acme", environment="dev")
    assert ada.value("openai", "tenants/acme") == "dev"
    assert ada.value("openai", "environments/dev") == "dev"
    assert ada.value("openai") == "base"


def test_a_copy_keeps_its_type_under_another_name(ada) -> None:
    put(ada.custody, "base", "base/secrets/secrets.yaml", {("pin",): leaf_of(b"12", "int")})
    copied(ada, "pin", "base", new_name="other.pin")
    assert ada.value("other.pin") == 12


def test_a_binary_secret_is_copied_as_one(ada) -> None:
    put_binary(ada.custody, "base/secrets/cert.age", b"\0\xff")
    copied(ada, "cert", "tenants/acme", file="cert.age")
    custody = ada.custody
    from llmcfg.custody.reveal import Wanted, open_values

    held = find_held(custody.configuration, None, "acme", "cert")
    assert open_values(custody, [Wanted(held)])["cert"].reveal() == b"\0\xff"
    with pytest.raises(UsageError, match=r"NUL|not UTF-8"):
        copied(ada, "cert", "environments/dev")


def test_a_secret_is_not_copied_onto_itself(ada) -> None:
    ada.put("openai", "x")
    with pytest.raises(UsageError, match="onto itself"):
        copied(ada, "openai", "base")


def test_a_copy_needs_a_key_for_the_original(ada, stranger) -> None:
    ada.put("openai", "x")
    before = ada.files()
    with pytest.raises(NotAuthorisedError):
        copied(stranger, "openai", "tenants/acme")
    assert ada.files() == before


def test_an_import_says_what_is_new_changed_and_the_same(ada) -> None:
    ada.put("a", "1")
    ada.put("b", "2")
    assert states(ada, {"a": "1", "b": "3", "c": "4"}) == {"a": "same", "b": "changed", "c": "new"}


def test_an_import_writes_what_differs_and_leaves_the_rest(ada) -> None:
    ada.put("a", "1")
    line = next(line for line in ada.text("base/secrets/secrets.yaml").splitlines() if line.startswith("a:"))
    imported(ada, {"a": "1", "b.c": "2"})
    assert line in ada.text("base/secrets/secrets.yaml")
    assert ada.value("b.c") == "2"


def test_an_import_goes_to_the_files_that_hold_the_names(ada) -> None:
    ada.put("a", "1", file="one")
    ada.put("b", "1", file="two")
    assert {written.file for written in imported(ada, {"a": "2", "b": "2"})} == {
        "base/secrets/one.yaml",
        "base/secrets/two.yaml",
    }


@pytest.mark.fault("X14")
def test_an_import_is_whole_or_not_at_all(ada) -> None:
    ada.put("a", "1", file="one")
    ada.put("b", "1", file="two")
    place = ada.root / "base/secrets/two.yaml"
    place.write_text(place.read_text().replace("mac: ENC", "mac: ENX"))
    before = ada.files()
    with pytest.raises(Exception, match="tampered"):
        imported(ada, {"a": "2", "b": "2"})
    assert ada.files() == before


def test_an_import_without_a_key_becomes_a_drop(ada, stranger) -> None:
    ada.put("a", "1")
    assert states(stranger, {"a": "2", "b": "2"}) == {"a": "there", "b": "new"}
    assert [written.outcome for written in imported(stranger, {"a": "2", "b": "2"})] == ["dropped"]
    assert ada.value("a") == "2"


def test_names_that_meet_in_one_import_are_refused(ada) -> None:
    custody = ada.custody
    with pytest.raises(ConflictError, match="a is set twice"):
        compare(custody, "base", [(("a",), "1"), (("a",), "2")], None)


def test_an_export_is_what_an_environment_sees(ada) -> None:
    ada.put("openai.api-key", "base")
    ada.put("mistral", "it's")
    ada.put("mistral", "dev", "environments/dev")
    assert exported(ada).content == b'MISTRAL="it\'s"\nOPENAI_API_KEY=base\n'
    assert exported(ada, environment="dev").content == b"MISTRAL=dev\nOPENAI_API_KEY=base\n"


def test_an_export_can_be_imported_again(ada) -> None:
    values = {"multi": "a\nb\n", "quote": 'it\'s "so"', "dollar": "$HOME `x` \\", "unicode": "ünï", "space": " x "}
    imported(ada, values)
    read = parse_env(exported(ada).content.decode())
    assert {variable.name.lower(): variable.value for variable in read.variables} == values


def test_json_and_yaml_have_types_and_nested_names(ada) -> None:
    put(
        ada.custody,
        "base",
        "base/secrets/secrets.yaml",
        {
            ("limits", "pin"): leaf_of(b"12", "int"),
            ("limits", "on"): leaf_of(b"true", "bool"),
            ("text",): leaf_of(b"12"),
        },
    )
    assert json.loads(exported(ada, "json").content) == {"limits": {"pin": 12, "on": True}, "text": "12"}
    assert exported(ada, "yaml").content == b'limits:\n    "on": true\n    pin: 12\ntext: "12"\n'


def test_lists_come_out_as_lists(ada) -> None:
    ada.written.commit({"base/secrets/l.yaml": encrypted(b'keys: [a, "", c]\n')})
    result = exported(ada, "json")
    assert json.loads(result.content) == {"keys": ["a", None, "c"]}
    assert result.left_out == ("keys[1]",)


def test_names_that_become_one_variable_are_refused(ada) -> None:
    ada.put("a.b", "1")
    ada.put("a_b", "2")
    with pytest.raises(ConflictError, match=r"a\.b and a_b would both be A_B"):
        exported(ada)


def test_binary_and_unset_secrets_are_left_out_and_named(ada) -> None:
    ada.put("openai", "x")
    put_binary(ada.custody, "base/secrets/cert.age", b"\0")
    put_binary(ada.custody, "base/secrets/pem.age", b"text\n")
    result = exported(ada)
    assert result.content == b"OPENAI=x\nPEM='text\n'\n"
    assert result.left_out == ("cert",)


def test_what_is_taken_out_is_recorded_before_it_is_opened(ada) -> None:
    ada.put("openai", "x")
    seen: list[Access] = []
    exported(ada, record=seen.append)
    assert seen == [Access(("openai",), ("base/secrets/secrets.yaml",), "test")]

    def refuse(access: Access) -> None:
        raise NotAuthorisedError("the audit log is full")

    custody = ada.custody
    opened: list[bool] = []
    from dataclasses import replace

    watched = replace(custody, identities=lambda: opened.append(True) or ada.identities)
    with pytest.raises(NotAuthorisedError, match="audit log"):
        export_secrets(watched, secrets_to_export(custody.configuration, None, None), "json", "test", refuse)
    assert opened == []


def test_there_has_to_be_something_to_export(ada) -> None:
    with pytest.raises(NotFoundError, match="tenants/acme has no secrets"):
        exported(ada, tenant="acme")
