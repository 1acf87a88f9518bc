"""Moves and splits change how a configuration is written, and nothing of what anybody gets."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json
from llmcfg.errors import ConflictError, FindingsError, NotFoundError, UnknownKeyError, UsageError
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.value import walk_leaves
from llmcfg.pipeline.build import build
from llmcfg.refactor.refactoring import move, split, write_refactoring
from support.looked_at import said
from support.written import CONSUMER, WrittenRepository, opened

DAY = date(2026, 11, 25)
MANIFEST = (
    "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: test\nenvironments: {dev: {}, prod: {}}\n"
    "tenants: {acme: {}, beta: {}}\n"
)
EVERYBODY = 'tenants: "*"\nshared: true\n'


def consumer(*select, more=EVERYBODY):
    return f"{CONSUMER.replace('[.]', json.dumps(select))}{more}"


def moved(files, old, new):
    """The files that differ, as text; None for what is gone."""
    made = move(opened({"llmcfg.yaml": MANIFEST, **files}), parse_key_path(old), parse_key_path(new), DAY)
    return {path: edit.after and edit.after.decode() for path, edit in made.files.items()}


def parts(files, name):
    made = split(opened({"llmcfg.yaml": MANIFEST, **files}), name, DAY)
    return {path: edit.after and edit.after.decode() for path, edit in made.files.items()}


def test_a_key_moves_in_every_layer_with_its_comments():
    assert moved(
        {
            "base/limits.yaml": "# Head.\n\nother: 1\n# How fast.\nrpm: 5 # agreed\n",
            "base/rates.yaml": "tpm: 9\n",
            "environments/prod/limits.yaml": "rpm: 7\n",
            "tenants/acme/limits.yaml": "rpm: !replace 8\nother: 2\n",
        },
        "limits.rpm",
        "rates.per.minute",
    ) == {
        "base/limits.yaml": "# Head.\n\nother: 1\n",
        "base/rates.yaml": "tpm: 9\nper:\n  # How fast.\n  minute: 5 # agreed\n",
        "environments/prod/limits.yaml": None,
        "environments/prod/rates.yaml": "per:\n  minute: 7\n",
        "tenants/acme/limits.yaml": "other: 2\n",
        "tenants/acme/rates.yaml": "per:\n  minute: !replace 8\n",
    }


def test_all_that_names_the_key_follows():
    edits = moved(
        {
            "base/models.yaml": "chat: {limits: {rpm: 5}}\nfast:\n  $extends: models.chat\n",
            "base/app.yaml": 'url: "x-{{config:models.chat.limits.rpm}}" # why\nall: "{{config: models.chat}}"\n'
            'list:\n  - $extends: [models.chat, models.fast]\nother: "{{config:models.fast}}"\n',
            "consumers/app.yaml": consumer("models.chat.limits", "app"),
        },
        "models.chat",
        'models."chat v2"',
    )
    assert edits == {
        "base/models.yaml": 'chat v2: {limits: {rpm: 5}}\nfast:\n  $extends: "models.\\"chat v2\\""\n',
        "base/app.yaml": 'url: "x-{{config:models.\\"chat v2\\".limits.rpm}}" # why\n'
        'all: "{{config:models.\\"chat v2\\"}}"\n'
        'list:\n  - $extends: ["models.\\"chat v2\\"", models.fast]\nother: "{{config:models.fast}}"\n',
        "consumers/app.yaml": consumer("models.chat.limits", "app").replace(
            '"models.chat.limits"', '"models.\\"chat v2\\".limits"'
        ),
    }


def test_a_consumer_keeps_what_leaves_its_selection():
    edits = moved(
        {
            "base/a.yaml": "k: 1\nother: 2\n",
            "base/b.yaml": "z: 1\n",
            "consumers/app.yaml": consumer("a"),
            "consumers/whole.yaml": consumer("."),
        },
        "a.k",
        "c.k",
    )
    assert edits["consumers/app.yaml"] == consumer("a").replace('["a"]', '["a", c.k]')
    assert "consumers/whole.yaml" not in edits


def test_documents_and_folders_move_as_files():
    schema = json.dumps({"type": "object", "properties": {"rpm": {"type": "integer"}}})
    files = {
        "llmcfg.yaml": f"{MANIFEST}schemas:\n  - {{documents: llm/one, schema: schemas/one.json}} # strict\n",
        "schemas/one.json": schema,
        "base/llm/one.yaml": "# One.\nrpm: 5\n",
        "environments/prod/llm/one.yml": "rpm: 7\n",
        "base/llm/two.yaml": "k: 1\n",
        "base/app.yaml": 'rpm: "{{config:llm.one.rpm}}"\n',
    }
    assert moved(files, "llm.one", "llm.first") == {
        "llmcfg.yaml": files["llmcfg.yaml"].replace("llm/one", "llm/first"),
        "base/llm/one.yaml": None,
        "base/llm/first.yaml": "# One.\nrpm: 5\n",
        "environments/prod/llm/one.yml": None,
        "environments/prod/llm/first.yml": "rpm: 7\n",
        "base/app.yaml": 'rpm: "{{config:llm.first.rpm}}"\n',
    }
    assert {path for path, text in moved(files, "llm", "providers.llm").items() if text is None} == {
        "base/llm/one.yaml",
        "base/llm/two.yaml",
        "environments/prod/llm/one.yml",
    }


def test_templates_that_write_the_whole_way_follow():
    files = {
        "base/limits.yaml": "chat: {rpm: 5}\n",
        "templates/app.j2": "{{ config.limits.chat.rpm }} {{ config['limits']['chat'].rpm }} {{ config.limits.chatter | default(1) }}",
        "consumers/app.yaml": consumer("limits", more="outputs: [{path: app.txt, template: templates/app.j2}]\n"),
    }
    assert moved(files, "limits.chat", "limits.chat-rate")["templates/app.j2"] == (
        '{{ config.limits["chat-rate"].rpm }} {{ config.limits["chat-rate"].rpm }} {{ config.limits.chatter | default(1) }}'
    )
    roundabout = {**files, "templates/app.j2": "{% set a = config.limits %}{{ a.chat.rpm }}"}
    with pytest.raises(FindingsError, match="would have errors"):
        moved(roundabout, "limits.chat", "limits.talk")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"base/all.yaml": 'k: "{{config:a}}"\n'}, r"all\.k\.x would be another in dev"),
        ({"base/all.yaml": "$extends: a\nown: 1\n"}, r"all\.x would be another in dev"),
        ({"consumers/app.yaml": consumer("b.z", "b.w")}, r"b\.w would be another"),
        ({"environments/prod/a.yaml": "x: !delete\n", "base/b.yaml": "z: 1\nw: 1\n"}, "set in base/b.yaml already"),
        (
            {
                "templates/t.j2": "{{ config | to_json }}",
                "consumers/app.yaml": consumer(".", more="outputs: [{path: t.txt, template: templates/t.j2}]\n"),
            },
            r"files/t\.txt of dev/_shared/app would be another",
        ),
    ],
    ids=["around", "pattern", "selected there", "taken", "rendered whole"],
)
def test_a_move_that_would_change_anything_else_is_refused(files, says):
    whole = {"base/a.yaml": "x: 1\nother: 2\n", "base/b.yaml": "z: 1\n", **files}
    if "b.w" in says or r"b\.w" in says:
        whole["base/b.yaml"] = "z: 1\n"
        whole["consumers/app.yaml"] = consumer("b")
    with pytest.raises(UsageError, match=says):
        moved(whole, "a.x", "b.w")


def test_who_looks_at_the_key_and_is_not_edited_must_look_at_the_new_one_first():
    policy = "package policies.limits\n\ndeny contains input.config.a.x if input.config.a.x > 9\n"
    files = {"base/a.yaml": "x: 1\nz: 1\n", "policies/a.rego": policy}
    with pytest.raises(UsageError, match=r"policies/a\.rego looks at a\.x"):
        moved(files, "a.x", "a.w")
    limits = "apiVersion: llmcfg.dev/v1\nkind: ChangeLimits\nsteps: [{keys: [a.x], factor: 2}]\n"
    with pytest.raises(UsageError, match=r"policies/a\.yaml limits changes of a\.x \(steps\[0\]\)"):
        moved({"base/a.yaml": "x: 1\nz: 1\n", "policies/a.yaml": limits}, "a.x", "a.w")
    assert moved({"base/a.yaml": "x: 1\n", "policies/a.yaml": limits.replace("a.x", "a.*")}, "a.x", "a.w")


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("a.gone", "a.w", UnknownKeyError),
        ("a.l[0]", "a.w", UsageError),
        ("a.x", "a.x.w", UsageError),
        ("a.x", "single", UsageError),
        ("a.x", "prompts.w", UsageError),
        ("a", 'a."b/c"', UsageError),
        ("a", '"b/c"', UsageError),
        ("a.$extends", "a.w", UsageError),
    ],
)
def test_what_is_no_key_or_cannot_be_one_is_refused(old, new, error):
    with pytest.raises((error, UsageError)):
        moved({"base/a.yaml": "x: 1\nl: [1]\n"}, old, new)


def test_nothing_is_proved_of_a_configuration_with_errors():
    with pytest.raises(FindingsError, match="nothing can be proved"):
        moved({"base/a.yaml": 'x: 1\nz: "{{config:gone.key}}"\n'}, "a.x", "a.w")


def test_a_secret_without_a_value_yet_is_in_nobodys_way():
    files = {
        "base/a.yaml": 'x: 1\nz: "{{secret:k}}"\n',
        "base/secrets/s.yaml": 'k: ""\n',
        "consumers/api.yaml": consumer("a"),
    }
    assert moved(files, "a.x", "a.w") == {"base/a.yaml": 'w: 1\nz: "{{secret:k}}"\n'}


def test_a_document_splits_in_every_layer_and_its_head_goes_first():
    files = {
        "base/limits.yaml": "# Head.\n\n# Talk.\nchat:\n  rpm: 5 # five\n\nbatch: {rpm: 1}\ndeep:\n    er:\n        x: 1\n",
        "environments/prod/limits.yaml": "# Of prod.\nchat:\n  rpm: 7\nnew: {k: 1}\n",
        "base/app.yaml": 'rpm: "{{config:limits.chat.rpm}}"\n',
        "consumers/app.yaml": consumer("limits"),
    }
    assert parts(files, "base/limits.yaml") == {
        "base/limits.yaml": None,
        "base/limits/batch.yaml": "{rpm: 1}\n",
        "base/limits/chat.yaml": "# Head.\n# Talk.\nrpm: 5 # five\n",
        "base/limits/deep.yaml": "er:\n    x: 1\n",
        "environments/prod/limits.yaml": None,
        "environments/prod/limits/chat.yaml": "# Of prod.\nrpm: 7\n",
        "environments/prod/limits/new.yaml": "{k: 1}\n",
    }


def test_what_is_no_mapping_everywhere_stays():
    files = {
        "base/a.yaml": "k: 1\nm: {x: 1}\nt: {x: 1}\n",
        "environments/prod/a.yaml": "t: !replace {z: 1}\n",
        "consumers/app.yaml": consumer("."),
    }
    assert parts(files, "a") == {"base/a.yaml": "k: 1\nt: {x: 1}\n", "base/a/m.yaml": "{x: 1}\n"}


def test_what_cannot_be_split_is_refused():
    with pytest.raises(UsageError, match="no mapping"):
        parts({"base/a.yaml": "k: 1\n"}, "a")
    with pytest.raises(NotFoundError, match="no document") as refused:
        parts({"base/limits.yaml": "k: {x: 1}\n"}, "limit")
    assert refused.value.hint == "did you mean 'limits'?"
    with pytest.raises(UsageError, match=r"base/a/m\.yaml is there already"):
        parts({"base/a.yaml": "m: {x: 1}\n", "base/a/m.yaml": "{}\n"}, "a")
    with pytest.raises(FindingsError, match="would have errors"):  # two documents would hold one key
        parts({"base/a.yaml": "$extends: p.q\nm: {own: 1}\n", "base/p.yaml": "q: {m: {x: 1}}\n"}, "a")


@pytest.fixture
def written(tmp_path):
    """A repository with a key, its folder, and its configuration opened."""
    made = WrittenRepository(tmp_path, {"base/a.yaml": "x: 1\nother: 2\n", ".gitignore": "/base/mine.yaml\n"})
    return tmp_path, made.workspace().configuration()


def test_files_are_written_and_removed(written):
    folder, configuration = written
    write_refactoring(folder, move(configuration, ("a",), ("deep", "er"), DAY))
    assert (folder / "base/deep/er.yaml").read_text() == "x: 1\nother: 2\n"
    assert not (folder / "base/a.yaml").exists()


@pytest.mark.parametrize(("file", "new"), [("base/a.yaml", ("a", "w")), ("base/mine.yaml", ("mine", "w"))])
def test_a_file_that_somebody_else_wrote_is_left_alone(written, file, new):
    folder, configuration = written
    made = move(configuration, ("a", "x"), new, DAY)
    (folder / file).write_text("mine: 1\n")
    with pytest.raises(ConflictError, match=f"{file} is not as it was read"):
        write_refactoring(folder, made)
    assert (folder / file).read_text() == "mine: 1\n"
    assert (folder / "base/a.yaml").read_text() in ("x: 1\nother: 2\n", "mine: 1\n")


# -- laws

KEYS = "kmp"
leaves = st.sampled_from(
    [1, 2, "text", None, [], [1, {"k": 2}], "{{config:b.k}}", "{{config:b}}", "x {{config:b.m.k}}"]
)
values = st.recursive(leaves, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=3), max_leaves=6)
plain = st.recursive(
    st.sampled_from([1, 2, "text"]),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=5,
)


def block(value, indent=""):
    """As people write it, with comments."""
    if isinstance(value, dict) and value:
        return "\n" + "".join(
            f"{indent}# of {key}\n{indent}{key}:{block(item, indent + '  ')}" for key, item in value.items()
        )
    return f" {json.dumps(value)}\n"


def document(contents):
    mappings = st.dictionaries(st.sampled_from(KEYS), contents, min_size=1, max_size=3)
    return mappings.map(block).map(str.lstrip) | mappings.map(lambda value: json.dumps(value) + "\n")


overlays = document(plain) | st.sampled_from(["k: !delete\n", "m: !replace {k: 1}\n", "p:\n  $extends: b.m\n"])
repositories = st.fixed_dictionaries(
    {
        "base/a.yaml": document(values),
        "base/b.yaml": document(plain),
        "consumers/one.yaml": st.sampled_from([("a",), (".",), ("a.k", "b"), ("b.m", "a")]).map(lambda s: consumer(*s)),
    },
    optional={"environments/prod/a.yaml": overlays, "tenants/acme/b.yaml": overlays, "tenants/beta/a.yaml": overlays},
)
paths = st.tuples(st.sampled_from("ab"), st.sampled_from(KEYS)) | st.tuples(
    st.sampled_from("ab"), st.sampled_from(KEYS), st.sampled_from(KEYS)
)
targets = st.sampled_from([("a", "new"), ("b", "new"), ("a", "k", "new"), ("c", "new"), ("b", "m", "x", "new")])


def everything(files):
    """Every leaf of every scope and bundle, by where it is got and its key path."""
    configuration = opened(files)
    built = build(configuration, configuration.targets)
    trees = {str(scope): configuration.effective(scope).tree() for scope in configuration.scopes}
    trees |= {str(target): built.selections[target].tree() for target in built.bundles}
    return {
        (where, path): canonical_json(leaf)
        for where, tree in trees.items()
        for path, leaf in walk_leaves(tree)
        if leaf != {}
    }


def edited(files, made):
    changed = {path: edit.after for path, edit in made.files.items()}
    return {path: text for path, text in {**files, **changed}.items() if text is not None}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(repositories, paths, targets)
def test_a_move_that_is_accepted_changes_no_effective_value_and_loses_no_comment(files, old, new) -> None:
    files = {"llmcfg.yaml": MANIFEST, **files}
    try:
        made = move(opened(files), old, new, DAY)
    except (UsageError, FindingsError, UnknownKeyError):
        return
    expected = {
        (where, (*new, *path[len(old) :]) if path[: len(old)] == old else path): leaf
        for (where, path), leaf in everything(files).items()
    }
    after = edited(files, made)
    assert everything(after) == expected
    comments = [sum(str(text).count("#") for text in side.values()) for side in (files, after)]
    assert comments[0] == comments[1]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(repositories, st.sampled_from("ab"))
def test_a_split_that_is_accepted_changes_no_effective_value(files, name) -> None:
    files = {"llmcfg.yaml": MANIFEST, **files}
    try:
        made = split(opened(files), name, DAY)
    except (UsageError, FindingsError):
        return
    assert everything(edited(files, made)) == everything(files)


# schemas

SCHEMA = """\
{ "type": "object",
  "properties": {
    "chat": {"type": "object", "required": ["rpm", "tpm"],
             "properties": {"rpm": {"type": "integer", "description": "Not rpm."}, "tpm": {}}}},
  "$defs": {"other": {"properties": {"rpm": {}}}}
}
"""


def bound(schema, *documents, **more):
    bindings = [{"documents": name, "schema": "schemas/s.json"} for name in documents]
    return {
        "llmcfg.yaml": f"{MANIFEST}schemas: {json.dumps(bindings)}\n",
        "schemas/s.json": schema,
        "base/limits.yaml": "chat: {rpm: 5, tpm: 6}\n",
        **{path.replace("__", "/") + ".yaml": text for path, text in more.items()},
    }


def test_a_key_that_gets_another_name_has_it_in_its_schema_too_and_nothing_else_is_touched():
    edits = moved(bound(SCHEMA, "limits"), "limits.chat.rpm", 'limits.chat."per minute"')
    assert edits == {
        "base/limits.yaml": "chat: {per minute: 5, tpm: 6}\n",
        "schemas/s.json": SCHEMA.replace('["rpm"', '["per minute"').replace(
            '"rpm": {"type"', '"per minute": {"type"', 1
        ),
    }


def test_the_schema_of_a_consumer_follows_as_well():
    schema = '{"properties": {"limits": {"properties": {"chat": {"properties": {"rpm": {}, "tpm": {}}}}}}}'
    more = {"consumers__app": consumer("limits") + "schema: schemas/s.json\n"}
    assert moved(bound(schema, **more), "limits.chat.rpm", "limits.chat.new")["schemas/s.json"] == schema.replace(
        "rpm", "new"
    )


def test_a_schema_that_allows_both_names_is_left_as_it_is():
    allows = SCHEMA.replace('"rpm", "tpm"', '"tpm"').replace('"tpm": {}', '"tpm": {}, "new": {}')
    assert {*moved(bound(allows, "limits"), "limits.chat.rpm", "limits.chat.new")} == {"base/limits.yaml"}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (SCHEMA.replace('"required"', '"dependentRequired": {"tpm": ["rpm"]}, "required"'), "names it in dependentReq"),
        (SCHEMA.replace('"$defs"', '"if": {"properties": {"chat": {"required": ["rpm"]}}}, "$defs"'), "names it in if"),
    ],
)
def test_a_schema_that_says_more_of_the_key_is_refused_with_a_word_on_what_to_do(schema, why):
    with pytest.raises(UsageError, match=why) as refused:
        moved(bound(schema, "limits"), "limits.chat.rpm", "limits.chat.new")
    assert refused.value.hint == "let it allow limits.chat.new too first"


def test_a_schema_of_other_documents_is_not_edited_for_one():
    shared = bound(SCHEMA, "limits", "others", base__others="chat: {rpm: 1, tpm: 2}\n")
    with pytest.raises(UsageError, match="checks others as well"):
        moved(shared, "limits.chat.rpm", "limits.chat.new")


def test_what_a_schema_says_of_every_key_is_not_edited_for_one():
    each = '{"additionalProperties": {"properties": {"rpm": {}, "tpm": {}}}}'
    with pytest.raises(FindingsError, match="would have errors"):
        moved(bound(each, "limits"), "limits.chat.rpm", "limits.chat.new")
    assert {*moved(bound(each, "limits"), "limits.chat", "limits.talk")} == {"base/limits.yaml"}


TWO = """\
{ "properties": {
    "chat": {"required": ["rpm", "tpm"], "properties": {"rpm": {"$ref": "#/$defs/count"}, "tpm": {}}},
    "talk": {"properties": {"day": {}}}},
  "$defs": {"count": {"type": "integer"}}
}
"""
TALK = {"base/limits.yaml": "chat: {rpm: 5, tpm: 6}\ntalk: {day: 1}\n"}


def test_a_key_that_goes_to_another_parent_takes_what_its_schema_says_along():
    edits = moved({**bound(TWO, "limits"), **TALK}, "limits.chat.rpm", "limits.talk.rate")
    assert edits == {
        "base/limits.yaml": "chat: {tpm: 6}\ntalk: {day: 1, rate: 5}\n",
        "schemas/s.json": TWO.replace('["rpm", "tpm"]', '["tpm"]')
        .replace('"rpm": {"$ref": "#/$defs/count"}, ', "")
        .replace('{"day": {}}', '{"day": {}, "rate": {"$ref": "#/$defs/count"}}, "required": ["rate"]'),
    }


def across(source, target, bindings="{documents: a, schema: schemas/a.json}, {documents: b, schema: schemas/b.json}"):
    files = {"llmcfg.yaml": f"{MANIFEST}schemas: [{bindings}]\n", "schemas/a.json": source, "schemas/b.json": target}
    return moved({**files, "base/a.yaml": "x: 1\nw: 2\n", "base/b.yaml": "z: 1\n"}, "a.x", "b.x")


def test_a_key_that_goes_to_another_document_goes_to_its_schema():
    edits = across(
        '{"properties": {"x": {"type": "integer"}, "w": {}}}', '{"properties": {"z": {}}, "required": ["z"]}'
    )
    assert (edits["schemas/a.json"], edits["schemas/b.json"]) == (
        '{"properties": {"w": {}}}',
        '{"properties": {"z": {}, "x": {"type": "integer"}}, "required": ["z"]}',
    )


def test_the_schema_of_a_consumer_moves_the_key_as_well():
    schema = '{"properties": {"a": {"properties": {"x": {}, "w": {}}}, "b": {"properties": {}}}}'
    files = {
        "schemas/s.json": schema,
        "base/a.yaml": "x: 1\nw: 2\n",
        "base/b.yaml": "{}\n",
        "consumers/app.yaml": consumer("a", "b") + "schema: schemas/s.json\n",
    }
    assert moved(files, "a.x", "b.x")["schemas/s.json"] == (
        '{"properties": {"a": {"properties": {"w": {}}}, "b": {"properties": {"x": {}}}}}'
    )


def test_a_schema_that_allows_the_key_at_its_new_parent_is_left_as_it_is():
    allows = TWO.replace('"rpm", "tpm"', '"tpm"').replace('{"day": {}}', '{"day": {}, "rpm": {}}')
    edits = moved({**bound(allows, "limits"), **TALK}, "limits.chat.rpm", "limits.talk.rpm")
    assert {*edits} == {"base/limits.yaml"}


OPEN = '{"properties": {"z": {}}}'


@pytest.mark.parametrize(
    ("source", "target", "more", "why", "hint"),
    [
        ('{"properties": {"x": {}, "w": {}}}', '{"additionalProperties": true}', {},
         "names no keys of b", "let it say properties of b first"),
        ('{"properties": {"x": {}, "w": {}}}', OPEN, {"bindings": "{documents: a, schema: schemas/a.json}"},
         "nothing would check it there", "bind a schema to its new document first"),
        ('{"properties": {"x": {"$ref": "#/$defs/n"}, "w": {}}, "$defs": {"n": {}}}', OPEN, {},
         "refers to its own file", "say it in schemas/b.json first"),
        ('{"properties": {"x": {}, "w": {}}, "x-llmcfg-varies": true}', OPEN, {},
         "schemas/a.json says x-llmcfg-varies of what is around it", "say x-llmcfg-varies of the keys themselves first"),
        ('{"properties": {"x": {}, "w": {}}, "dependentRequired": {"w": ["x"]}}', OPEN, {},
         "names it in dependentRequired", "let it allow b.x too first"),
    ],
)  # fmt: skip
def test_what_a_schema_cannot_be_proved_to_say_of_the_new_parent_is_left_to_people(source, target, more, why, hint):
    with pytest.raises(
        UsageError, match=f"schemas/a.json checks a.x, and {why}|schemas/b.json checks a.x, and {why}"
    ) as refused:
        across(source, target, **more)
    assert refused.value.hint == hint


def test_a_schema_of_several_documents_gets_no_key_for_one():
    both = "{documents: a, schema: schemas/a.json}, {documents: '*', schema: schemas/b.json}"
    with pytest.raises(UsageError, match=r"schemas/b\.json checks c as well"):
        files = {"llmcfg.yaml": f"{MANIFEST}schemas: [{both}]\n", "schemas/b.json": OPEN, "base/c.yaml": "z: 1\n"}
        files |= {
            "schemas/a.json": '{"properties": {"x": {}, "w": {}}}',
            "base/a.yaml": "x: 1\nw: 2\n",
            "base/b.yaml": "z: 1\n",
        }
        moved(files, "a.x", "b.x")


def split_by(schema, *, bindings="  - {documents: limits, schema: schemas/s.json} # strict\n"):
    files = {
        "llmcfg.yaml": f"{MANIFEST}schemas:\n{bindings}",
        "schemas/s.json": json.dumps(schema),
        "base/limits.yaml": "chat: {rpm: 5}\nbatch: {rpm: 6}\nday: 1\n",
        **({"schemas/other.json": '{"not": {}}'} if "other" in bindings else {}),
    }
    return files, parts(files, "limits")


COUNTS = {"type": "object", "properties": {"rpm": {"$ref": "#/$defs/count"}}, "required": ["rpm"]}
EACH = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["day"],
    "properties": {"chat": COUNTS, "day": {"type": "integer"}},
    "additionalProperties": {"type": "object", "properties": {"rpm": {"maximum": 9}}},
    "$defs": {"count": {"type": "integer", "x-llmcfg-varies": True}},
}


def test_schema_of_a_document_that_goes_to_parts_whole_has_nothing_against_it():
    files = {
        "llmcfg.yaml": f"{MANIFEST}schemas: [{{documents: a, schema: schemas/a.json}}]\n",
        "schemas/a.json": '{"properties": {"m": {"properties": {"x": {}}}, "k": {"type": "object"}}}',
        "base/a.yaml": "m: {x: 1}\nk: {}\n",
    }
    edits = parts(files, "a")
    assert edits["llmcfg.yaml"] == (
        f"{MANIFEST}schemas: [{{documents: a/m, schema: schemas/a.m.json}}, {{documents: a/k, schema: schemas/a.k.json}}]\n"
    )
    assert said({path: text for path, text in {**files, **edits}.items() if text is not None}) == []


def test_parts_are_checked_by_what_the_schema_says_of_each():
    _, edits = split_by(EACH)
    refers = '{{\n  "$schema": "https://json-schema.org/draft/2020-12/schema",\n  "$ref": "s.json#/{}"\n}}\n'
    assert edits == {
        "base/limits.yaml": "day: 1\n",
        "base/limits/chat.yaml": "{rpm: 5}\n",
        "base/limits/batch.yaml": "{rpm: 6}\n",
        "llmcfg.yaml": f"{MANIFEST}schemas:\n"
        "  - {documents: limits/chat, schema: schemas/s.chat.json}\n"
        "  - {documents: limits/batch, schema: schemas/s.batch.json}\n"
        "  - {documents: limits, schema: schemas/s.json} # strict\n",
        "schemas/s.chat.json": refers.format("properties/chat"),
        "schemas/s.batch.json": refers.format("additionalProperties"),
    }


@pytest.mark.parametrize("wrong", ["chat: {rpm: many}", "chat: {}", "chat: {rpm: 1, rmp: 1}", "batch: {rpm: 10}"])
@pytest.mark.parametrize("root", [{}, {"$id": "https://example.org/limits"}])
def test_what_was_wrong_in_the_whole_is_wrong_in_the_parts(wrong, root):
    files, edits = split_by({**EACH, **root})
    after = {path: text for path, text in {**files, **edits}.items() if text is not None}
    key, _, value = wrong.partition(": ")
    assert said(after) == []
    whole = {
        rule.split(" ")[0] for rule in said({**files, "environments/dev/limits.yaml": f"{key}: !replace {value}\n"})
    }
    replaced = {**after, f"base/limits/{key}.yaml": f"{value}\n"}
    assert {rule.split(" ")[0] for rule in said(replaced)} == whole != set()


@pytest.mark.parametrize(
    "bindings",
    [
        '  - {documents: "lim*", schema: schemas/s.json}\n',
        '  - documents: "limits/*"\n    schema: schemas/other.json\n  - documents: limits\n    schema: schemas/s.json\n',
        '  [{documents: "x/*", schema: schemas/other.json}, {documents: "*", schema: schemas/s.json}]\n',
    ],
)
def test_bindings_of_many_names_come_after_those_of_the_parts(bindings):
    files, edits = split_by(EACH, bindings=bindings)
    configuration = opened({path: text for path, text in {**files, **edits}.items() if text is not None})
    assert [configuration.bound_schema(name) for name in ("limits/chat", "limits/batch", "limits")] == [
        "schemas/s.chat.json",
        "schemas/s.batch.json",
        "schemas/s.json",
    ]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"required": ["chat"]}, "requires chat in limits, and nothing can require a document"),
        ({"minProperties": 2}, "says minProperties of all keys together"),
        ({"x-llmcfg-varies": True}, "says x-llmcfg-varies of all keys together"),
        ({"allOf": [{"properties": {"chat": {}}}]}, "says allOf of all keys together"),
    ],
)
def test_what_a_schema_says_of_keys_together_keeps_them_together(more, why):
    with pytest.raises(UsageError, match=why):
        split_by({**EACH, **more})


def test_a_part_of_which_the_schema_says_nothing_stays_unchecked():
    _, edits = split_by({"additionalProperties": True})
    assert {*edits} == {"base/limits.yaml", "base/limits/chat.yaml", "base/limits/batch.yaml"}
    with pytest.raises(UsageError, match=r"limits/chat would be checked by schemas/s\.json"):
        split_by({"additionalProperties": True}, bindings='  - {documents: "lim*", schema: schemas/s.json}\n')
