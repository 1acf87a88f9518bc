"""Reads: the value at a key path, whatever documents it lies in, with its type or a clear refusal."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.bundlefile.opened import OpenedBundle
from llmcfg.bundlefile.reader import read_bundle
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.client import ABSENT, MissingKeyError, SecretReference, Snapshot, UsageError, ValueTypeError
from llmcfg.client.values import SecretName
from llmcfg.model.assembly import assemble
from llmcfg.model.keypath import format_key_path
from support.bundles import TARGET, bundle, document


def snapshot(documents, *, secrets=None):
    made = bundle({f"config/{name}.json": document(value) for name, value in documents.items()})
    return Snapshot(made, None if secrets is None else OpenedBundle(TARGET, secrets, {}))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("limits.rpm", 10),
        ("limits.burst", 1.5),
        ("limits.on", True),
        ("limits.note", None),
        ("routes.chat.model", "gpt-4.1"),
        ("routes.chat.weights", [1, 2, 3]),
        ("routes.chat.weights[1]", 2),
        ('models."gpt-4.1".max_tokens', 1000),
        ("models.small", {"max_tokens": 100, "provider": "local"}),
        (
            "models",
            {
                "gpt-4.1": {"max_tokens": 1000, "provider": "openai"},
                "small": {"max_tokens": 100, "provider": "local"},
            },
        ),
    ],
)
def test_a_value_is_read_at_its_key_path(cfg, path, value):
    assert cfg[path] == value
    assert cfg[path] == value  # again, as it is remembered
    assert path in cfg


def test_everything_is_the_whole_tree(cfg):
    assert {*cfg["."]} == {"limits", "routes", "models"}
    assert cfg["."]["models"]["small"]["max_tokens"] == 100


def test_a_mapping_is_put_together_of_documents_inside_one_another():
    read = snapshot({"a": {"x": 1}, "a/b": {"y": 2}, "a/c/d": {"z": 3}})

    assert read["a"] == {"x": 1, "b": {"y": 2}, "c": {"d": {"z": 3}}}
    assert read["a.x"] == 1
    assert read["a.c"] == {"d": {"z": 3}}
    assert read["a.c.d.z"] == 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("limits.rmp", r"prod/acme/api has no key limits\.rmp"),
        ("limits.rpm.more", "has no key"),
        ("routes.chat.weights[3]", "has no key"),
        ("routes.chat[0]", "has no key"),
        ("nothing", "has no key nothing"),
        ("models.other.max_tokens", "has no key"),
    ],
)
def test_a_key_that_is_not_there_is_a_key_error_with_a_next_step(cfg, path, said):
    with pytest.raises(KeyError, match=said) as caught:
        cfg[path]

    assert isinstance(caught.value, MissingKeyError)
    assert str(caught.value) == caught.value.message
    assert path not in cfg


def test_the_nearest_key_is_suggested(cfg):
    with pytest.raises(MissingKeyError) as caught:
        cfg["limits.rmp"]

    assert "limits.rpm" in caught.value.hint


@pytest.mark.parametrize("path", ["", "a..b", "a b", "a[", "limits."])
def test_what_is_no_key_path_is_refused(cfg, path):
    with pytest.raises(UsageError):
        cfg[path]


def test_a_path_that_is_no_text_is_a_type_error(cfg):
    with pytest.raises(TypeError, match="key path is a text"):
        cfg[1]


def test_get_gives_the_default_where_nothing_is(cfg):
    assert cfg.get("limits.none") is None
    assert cfg.get("limits.none", 7) == 7
    assert cfg.get("limits.note", 7) is None
    assert cfg.get("limits.none", 7, type=int) == 7


def test_typed_reads_convert_what_may_be_converted(cfg):
    assert cfg.get("limits.rpm", type=int) == 10
    assert cfg.get("limits.rpm", type=float) == 10.0
    assert isinstance(cfg.get("limits.rpm", type=float), float)
    assert cfg.get("routes.chat.weights", type=tuple[int, ...]) == (1, 2, 3)
    assert cfg.require("routes.chat.model", Literal["gpt-4.1", "small"]) == "gpt-4.1"


@pytest.mark.parametrize(
    ("path", "wanted", "said"),
    [
        ("limits.rpm", str, "limits.rpm is not what str asks for: expected `str`, got `int`"),
        ("limits.on", int, "limits.on is not what int asks for: expected `int`, got `bool`"),
        ("limits.note", int, "expected `int`, got `null`"),
        ("routes.chat.weights", list[str], "routes.chat.weights[0] is not what"),
        ("routes.chat.model", Literal["small"], "routes.chat.model is not what"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_path_and_kinds(cfg, path, wanted, said):
    with pytest.raises(ValueTypeError) as caught:
        cfg.require(path, wanted)

    assert said in caught.value.message
    assert isinstance(caught.value, TypeError)


def test_what_is_required_has_to_be_there(cfg):
    with pytest.raises(MissingKeyError):
        cfg.require("limits.none", int)


# models


@dataclasses.dataclass
class LimitsClass:
    rpm: int
    tpm: int
    burst: float = 0.0


class LimitsStruct(msgspec.Struct):
    rpm: int
    tpm: int
    burst: float = 0.0


class LimitsModel(pydantic.BaseModel):
    rpm: int
    tpm: int
    burst: float = 0.0


class LimitsDict(TypedDict):
    rpm: int
    tpm: int


@pytest.mark.parametrize("model", [LimitsClass, LimitsStruct, LimitsModel])
def test_a_mapping_becomes_a_model(cfg, model):
    bound = cfg.bind(model, "limits")

    assert isinstance(bound, model)
    assert (bound.rpm, bound.tpm, bound.burst) == (10, 4000, 1.5)


def test_a_mapping_becomes_a_typed_dict(cfg):
    assert cfg.bind(LimitsDict, "limits")["rpm"] == 10


@pytest.mark.parametrize("model", [LimitsClass, LimitsStruct, LimitsModel])
def test_a_mapping_that_does_not_fit_names_the_place(model):
    read = snapshot({"limits": {"rpm": 10, "tpm": "many"}})

    with pytest.raises(ValueTypeError, match=r"^limits\.tpm is not what Limits"):
        read.bind(model, "limits")


@pytest.mark.parametrize("model", [LimitsClass, LimitsStruct, LimitsModel])
def test_a_mapping_that_lacks_something_says_what(model):
    with pytest.raises(ValueTypeError, match=r"tpm"):
        snapshot({"limits": {"rpm": 10}}).bind(model, "limits")


class Routes(msgspec.Struct):
    chat: dict[str, Any]


class Whole(msgspec.Struct):
    limits: LimitsStruct
    routes: Routes


def test_everything_becomes_a_model(cfg):
    whole = cfg.bind(Whole)

    assert (whole.limits.rpm, whole.routes.chat["model"]) == (10, "gpt-4.1")


# values are shared, so they are read-only


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(a=1),
        lambda value: value.clear(),
        lambda value: value.pop("chat"),
        lambda value: value.__setitem__("a", 1),
        lambda value: value.__delitem__("chat"),
        lambda value: value.setdefault("a", 1),
        lambda value: value.__ior__({"a": 1}),
        lambda value: value["chat"]["weights"].append(1),
        lambda value: value["chat"]["weights"].sort(),
        lambda value: value["chat"]["weights"].__setitem__(0, 1),
        lambda value: value["chat"]["weights"].__iadd__([1]),
        lambda value: value["chat"].popitem(),
    ],
)
def test_nobody_changes_what_others_read(cfg, change):
    with pytest.raises(TypeError, match="read-only"):
        change(cfg["routes"])

    assert cfg["routes"] == {"chat": {"model": "gpt-4.1", "weights": [1, 2, 3]}}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_deep_copy_is_plain_and_may_be_changed(cfg, copied):
    value = copied(cfg["routes"])

    value["chat"]["weights"].append(4)
    assert (type(value), type(value["chat"]), type(value["chat"]["weights"])) == (dict, dict, list)
    assert cfg["routes.chat.weights"] == [1, 2, 3]


def test_values_are_what_libraries_take(cfg):
    assert json.loads(json.dumps(cfg["routes"])) == cfg["routes"]
    assert dict(**cfg["limits"])["rpm"] == 10
    assert [*cfg["routes.chat.weights"]] == [1, 2, 3]


# secrets without a key


REFERRING = {
    "providers/openai": {"key": {"$secret": "openai"}, "header": {"$text": ["Bearer ", {"$secret": "openai"}, "!"]}},
}


def test_without_a_key_a_value_with_a_secret_is_a_reference():
    read = snapshot(REFERRING)

    assert read["providers.openai.key"] == SecretReference((SecretName("openai"),))
    assert str(read["providers.openai.key"]) == "{{secret:openai}}"
    assert str(read["providers.openai.header"]) == "Bearer {{secret:openai}}!"
    assert read["providers.openai"]["header"].names == ("openai",)
    with pytest.raises(ValueTypeError) as caught:
        read.require("providers.openai.key", str)
    assert "identity" in caught.value.hint


def test_opened_secrets_stand_where_they_are_referred_to_and_show_nowhere_else():
    read = snapshot(REFERRING, secrets={"openai": "sk-plain"})

    assert read["providers.openai.key"] == "sk-plain"
    assert read.require("providers.openai.header", str) == "Bearer sk-plain!"
    assert read.secret("openai").reveal() == "sk-plain"
    shown = f"{read['providers']!r} {read.secret('openai')!r} {read.secret('openai')}"
    assert "sk-plain" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(read.secret("openai"))


@pytest.mark.parametrize("model", [Literal["a", "b"], int])
def test_the_refusal_of_a_secret_does_not_show_it(model):
    read = snapshot(REFERRING, secrets={"openai": "sk-plain"})

    with pytest.raises(ValueTypeError) as caught:
        read.require("providers.openai.key", model)

    assert "sk-plain" not in f"{caught.value} {caught.value.hint}"


def test_a_pydantic_model_does_not_show_a_secret_either():
    class Model(pydantic.BaseModel):
        key: Literal["a"]
        header: int

    with pytest.raises(ValueTypeError) as caught:
        snapshot(REFERRING, secrets={"openai": "sk-plain"}).bind(Model, "providers.openai")

    assert "sk-plain" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_binary_secret_is_bytes():
    read = snapshot(REFERRING, secrets={"openai": b"\x00\xff"})

    assert read["providers.openai.key"] == b"\x00\xff"
    assert read.secret("openai").reveal() == b"\x00\xff"


def test_a_secret_that_is_not_used_is_missing():
    with pytest.raises(MissingKeyError, match="uses no secret 'opena'"):
        snapshot(REFERRING, secrets={"openai": "x"}).secret("opena")


# what else is there


def test_rendered_files_are_listed_and_read(cfg):
    assert cfg.files() == ("app.env",)
    assert cfg.file("app.env") == b"RPM=10\n"
    with pytest.raises(MissingKeyError, match=r"no file 'app\.evn'"):
        cfg.file("app.evn")


def test_what_is_in_use_can_be_told(cfg, delivered):
    assert cfg.revision == f"{1:040x}"
    assert cfg.digest.startswith("sha256:")
    assert cfg.target == delivered.target
    assert cfg.resource_attributes() == {
        "deployment.environment.name": "prod",
        "llmcfg.consumer": "api",
        "llmcfg.tenant": "acme",
        "llmcfg.revision": cfg.revision,
        "llmcfg.digest": cfg.digest,
    }
    assert repr(cfg) == "Config(prod/acme/api, revision='0000000000')"


# laws

KEYS = st.sampled_from(["a", "b", "c.d", "e"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("xy", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def leaves(value, at=()):
    yield at, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*at, index))


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["a", "a/b", "b/a", "e", "c.d/e"]), st.dictionaries(KEYS, VALUES, max_size=3), min_size=1
    )
)
def test_every_path_into_the_whole_reads_what_is_there(documents):
    if "a" in documents:
        documents["a"].pop("b", None)  # two documents never define one key
    whole = assemble(sorted(documents.items()))
    made = bundle({f"config/{name}.json": document(value) for name, value in documents.items()})

    read = Snapshot(read_bundle(pack_bundle(made)))

    for path, value in leaves(whole):
        assert read[format_key_path(path)] == value
        missing = format_key_path((*path, "zz"))
        assert read.get(missing, ABSENT) is ABSENT
        assert missing not in read
