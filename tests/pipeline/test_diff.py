"""Differences: laws of values, one change said once with its reach, and no difference between what was built and what was stored."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError
from llmcfg.model.change import ABSENT, Change
from llmcfg.model.target import Target
from llmcfg.pipeline.build import build
from llmcfg.pipeline.bundle import environment_files
from llmcfg.pipeline.deployedstate import deployed_state
from llmcfg.pipeline.diff import State, TargetState, compare, state_of
from llmcfg.pipeline.memo import Memo
from support.written import CONSUMER, MANIFEST, opened

keys = st.sampled_from("abcde")
scalars = st.sampled_from([None, True, False, 0, 1, 1.0, 2.5, "", "1", "text"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
mappings = st.dictionaries(keys, values, max_size=4)

TENANTS = MANIFEST + "tenants: {acme: {}, beta: {}}\n"
EVERYBODY = CONSUMER + 'tenants: "*"\nshared: true\n'


def state(files, memo=None, with_scopes=True):
    configuration = opened(files, memo)
    built = build(configuration, configuration.targets)
    return state_of(configuration, built, with_scopes=with_scopes)


def difference(before, after, memo=None):
    memo = memo or Memo()
    return compare(state(before, memo), state(after, memo))


def said(found):
    return {".".join(map(str, value.change.path)): (value.change.before, value.change.after) for value in found.values}


def stored(files, environment="prod"):
    configuration = opened(files)
    targets = [target for target in configuration.targets if target.environment == environment]
    return dict(environment_files(environment, build(configuration, targets).bundles, None))


# what two revisions differ by


def test_one_change_that_reaches_three_hundred_targets_is_said_once():
    tenants = "tenants: {" + ", ".join(f"t{number}: {{}}" for number in range(100)) + "}\n"
    files = {
        "llmcfg.yaml": MANIFEST.replace("{dev: {}, prod: {}}", "{prod: {}}") + tenants,
        "base/limits.yaml": "rpm: 10\ntpm: 1\n",
        **{f"consumers/{name}.yaml": CONSUMER + 'tenants: "*"\n' for name in ("api", "bot", "chat")},
        **{f"tenants/t{number}/own.yaml": f"number: {number}\n" for number in range(0, 100, 7)},
    }
    found = difference(files, {**files, "base/limits.yaml": "rpm: 20\ntpm: 1\n"})

    (change,) = found.values
    assert change.change == Change(("limits", "rpm"), 10, 20)
    assert len(change.targets) == 300
    assert len(change.scopes) == 101
    assert list(change.targets) == sorted(change.targets)
    assert found.affected == change.targets


class Counted(dict):
    """A mapping that counts how often it is gone through."""

    looks = 0

    def items(self):
        Counted.looks += 1
        return super().items()


def test_documents_that_targets_share_are_compared_once_and_not_at_all_when_they_are_the_same():
    Counted.looks = 0
    same, old, new = (Counted(x=number) for number in (0, 1, 2))
    targets = [Target("prod", f"t{number}", "api") for number in range(50)]
    before = State(
        {str(t.scope): {"a": same, "b": old} for t in targets}, {t: only({"a": same, "b": old}) for t in targets}
    )
    after = State(
        {str(t.scope): {"a": same, "b": new} for t in targets}, {t: only({"a": same, "b": new}) for t in targets}
    )

    (change,) = compare(before, after).values
    assert len(change.targets) == len(change.scopes) == 50
    assert Counted.looks == 1  # at the one pair that differs; its other side has no other keys


def only(documents):
    return TargetState(documents, {}, {})


def test_revisions_that_are_built_with_one_memo_share_what_did_not_change():
    files = {"llmcfg.yaml": TENANTS, "base/a.yaml": "x: 1\n", "base/b.yaml": "x: 1\n", "consumers/api.yaml": EVERYBODY}
    memo = Memo()
    before, after = state(files, memo), state({**files, "base/b.yaml": "x: 2\n"}, memo)

    for scope, documents in before.scopes.items():
        assert after.scopes[scope]["a"] is documents["a"]
    for target, there in before.targets.items():
        assert after.targets[target].documents["a"] is there.documents["a"]


def test_keys_that_nobody_selects_are_said_with_their_scopes_and_no_target():
    files = {
        "llmcfg.yaml": TENANTS,
        "base/a.yaml": "x: 1\n",
        "base/b.yaml": "v: 1\n",
        "consumers/api.yaml": CONSUMER.replace("[.]", "[a]"),
    }
    (change,) = difference(files, {**files, "base/b.yaml": "v: 2\n"}).values

    assert change.targets == ()
    assert change.scopes == ("dev", "dev/acme", "dev/beta", "prod", "prod/acme", "prod/beta")


def test_a_new_document_of_which_a_part_is_selected_says_each_key_once():
    files = {"base/a.yaml": "x: 1\n", "consumers/api.yaml": CONSUMER.replace("[.]", "[a, b.deep.one]")}
    found = difference(files, {**files, "base/b.yaml": "deep: {one: 1, two: 2}\nempty: {}\n"})

    assert said(found) == {"b.deep.one": (ABSENT, 1), "b.deep.two": (ABSENT, 2), "b.empty": (ABSENT, {})}
    assert {value.change.path[-1]: len(value.targets) for value in found.values} == {"one": 2, "two": 0, "empty": 0}


def test_an_overlay_reaches_only_those_who_have_it():
    files = {"llmcfg.yaml": TENANTS, "base/a.yaml": "x: 1\n", "consumers/api.yaml": EVERYBODY}
    found = difference(files, {**files, "tenants/acme/environments/prod/a.yaml": "x: 2\n"})

    (change,) = found.values
    assert (change.scopes, change.targets) == (("prod/acme",), ("prod/acme/api",))


def test_the_same_key_with_other_values_elsewhere_is_another_change():
    files = {"base/a.yaml": "x: 1\n", "environments/prod/a.yaml": "x: 2\n", "consumers/api.yaml": CONSUMER}
    after = {**files, "base/a.yaml": "x: 3\n", "environments/prod/a.yaml": "x: 4\n"}

    assert [(v.change.before, v.change.after, v.targets) for v in difference(files, after).values] == [
        (1, 3, ("dev/_shared/api",)),
        (2, 4, ("prod/_shared/api",)),
    ]


def test_secrets_differ_as_changed_only_and_never_by_value():
    secrets = "one: ENC[AES256_GCM,data:abc]\ntwo: ENC[AES256_GCM,data:def]\nsops: {}\n"
    files = {
        "base/a.yaml": "x: '{{secret:one}}'\n",
        "base/secrets/keys.yaml": secrets,
        "consumers/api.yaml": CONSUMER,
    }
    targets = ("dev/_shared/api", "prod/_shared/api")
    rotated = difference(files, {**files, "base/secrets/keys.yaml": secrets.replace("abc", "xyz")})
    swapped = difference(files, {**files, "base/a.yaml": "x: '{{secret:two}}'\n"})

    assert [(s.name, s.kind, s.targets) for s in rotated.secrets] == [("one", "changed", targets)]
    assert not rotated.values
    assert "ENC[" not in repr(rotated)
    assert [(s.name, s.kind) for s in swapped.secrets] == [("one", "removed"), ("two", "added")]


def test_recipients_that_come_and_go_are_differences():
    one = "age1dd0u0w9jnfft2u7eez6zu67tgrqjps9wavh3dx9f5euhc82ljylqfp8x7t"
    two = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
    files = {"base/a.yaml": "x: 1\n", "consumers/api.yaml": CONSUMER + f"recipients: [{one}]\n"}
    found = difference(files, {**files, "consumers/api.yaml": CONSUMER + f"recipients: [{two}]\n"})

    assert [(r.recipient, r.kind, r.targets) for r in found.recipients] == [
        (one, "removed", ("dev/_shared/api", "prod/_shared/api")),
        (two, "added", ("dev/_shared/api", "prod/_shared/api")),
    ]
    assert found.affected == ("dev/_shared/api", "prod/_shared/api")
    assert not found.is_empty


def test_targets_that_come_and_go_are_named():
    files = {"llmcfg.yaml": TENANTS, "base/a.yaml": "x: 1\n", "consumers/api.yaml": CONSUMER + 'tenants: "*"\n'}
    found = difference(files, {**files, "llmcfg.yaml": MANIFEST + "tenants: {acme: {}, new: {}}\n"})

    assert found.targets_added == ("dev/new/api", "prod/new/api")
    assert found.targets_removed == ("dev/beta/api", "prod/beta/api")
    assert found.affected == tuple(sorted(found.targets_added + found.targets_removed))


# rendered files


def rendered(before, after):
    files = {
        "base/a.yaml": "x: 1\n",
        "consumers/api.yaml": CONSUMER + "environments: [prod]\noutputs: [{path: a.txt, template: templates/a.j2}]\n",
    }
    (change,) = difference({**files, "templates/a.j2": before}, {**files, "templates/a.j2": after}).files
    return change


def test_rendered_files_differ_as_unified_diffs():
    assert rendered("one\ntwo\n", "one\n2\n").diff == "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2"


@pytest.mark.parametrize(
    ("before", "after", "last"),
    [
        ("a", "a\n", ["-a", "\\ No newline at end of file", "+a"]),
        ("{{ 'a\\r' }}\n", "a\n", ["-a\r", "+a"]),
        ("a\u2028b\n", "a b\n", ["-a\u2028b", "+a b"]),
        ("a\n\n", "a\n", [" a", "-"]),
    ],
)
def test_what_readers_tell_apart_shows_in_the_diff(before, after, last):
    assert rendered(before, after).diff.split("\n")[3:] == last


def test_an_output_that_comes_or_goes_is_said_even_when_it_is_empty():
    files = {"base/a.yaml": "x: 1\n", "templates/a.j2": "", "consumers/api.yaml": CONSUMER}
    with_output = {**files, "consumers/api.yaml": CONSUMER + "outputs: [{path: a.txt, template: templates/a.j2}]\n"}

    (added,) = difference(files, with_output).files
    (removed,) = difference(with_output, files).files
    assert (added.kind, added.diff) == ("added", "--- /dev/null\n+++ b/a.txt")
    assert (removed.kind, removed.diff) == ("removed", "--- a/a.txt\n+++ /dev/null")


def test_files_that_change_alike_are_said_once():
    files = {
        "llmcfg.yaml": TENANTS,
        "base/a.yaml": "x: 1\n",
        "tenants/beta/a.yaml": "x: 5\n",
        "templates/a.j2": "x={{ config.a.x }}\n",
        "consumers/api.yaml": CONSUMER
        + 'tenants: "*"\nshared: true\noutputs: [{path: a.txt, template: templates/a.j2}]\n',
    }
    found = difference(files, {**files, "base/a.yaml": "x: 2\n"}).files

    assert [file.targets for file in found] == [
        ("dev/_shared/api", "dev/acme/api", "prod/_shared/api", "prod/acme/api")
    ]


# what is deployed


HARD = {
    "llmcfg.yaml": TENANTS,
    "base/numbers.yaml": "whole: 2.0\nsmall: 0.0000001\nlarge: 123456789012\nnone: null\n",
    "base/empty.yaml": "mapping: {}\nlist: []\ntext: ''\nnested: {inner: {}}\n",
    "base/nothing.yaml": "{}\n",
    "base/deep/unicode.yaml": "gr\u00fcn: '\u20ac \U0001f600 \\u007f'\nquote: '\"\\\\'\n",
    "base/secrets/keys.yaml": "one: ENC[AES256_GCM,data:abc]\nsops: {}\n",
    "base/hidden.yaml": "whole: '{{ secret: one }}'\ntext: 'Bearer {{secret:one}}, {{ user }}{{secret:one}}'\n",
    "templates/a.j2": "{{ config.numbers.whole }} {{ config.hidden.text }}\n",
    "consumers/api.yaml": EVERYBODY + "outputs: [{path: a.txt, template: templates/a.j2}]\n",
    "consumers/part.yaml": CONSUMER.replace("[.]", "[numbers.whole, empty.nested, hidden.text]"),
}


def test_what_was_stored_does_not_differ_from_what_was_built():
    configuration = opened(HARD)
    targets = [target for target in configuration.targets if target.environment == "prod"]
    built = state_of(configuration, build(configuration, targets), with_scopes=False)

    found = compare(deployed_state(stored(HARD)), built)
    assert len(built.targets) == 4
    assert found.values == ()
    assert found.is_empty


def test_every_part_of_a_stored_bundle_that_is_shared_is_one_object():
    targets = deployed_state(stored(HARD)).targets
    acme, beta = (next(s for t, s in targets.items() if str(t) == f"prod/{name}/api") for name in ("acme", "beta"))

    assert all(acme.documents[name] is document for name, document in beta.documents.items())


@pytest.mark.parametrize(
    "damage",
    [
        lambda files: files | {"_shared/api/config/numbers.json": b'{"whole":3}\n'},
        lambda files: files | {"_shared/api/config/more.json": b"{}\n"},
        lambda files: files | {"_shared/api/manifest.json": b"not json"},
        lambda files: files | {"_shared/api/manifest.json": b"[]\n"},
        lambda files: files | {"_shared/other/config/a.json": b"{}\n"},
        lambda files: files | {"README": b"hello"},
        lambda files: files | {"head.json": b"\xff"},
        lambda files: files | {"head.json": b'{"root":"sha256:00","bundles":{}}'},
        lambda files: files | {"head.json": b'{"root":1,"bundles":[]}'},
        lambda files: files | {"head.json": b"[" * 100_000},
        lambda files: {path: content for path, content in files.items() if path != "_shared/api/files/a.txt"},
        lambda files: {path: content for path, content in files.items() if not path.startswith("acme/api/")},
        lambda files: {path: content for path, content in files.items() if path != "acme/api/manifest.json"},
        lambda files: {path: content for path, content in files.items() if path != "head.json"},
        lambda files: files | {"acme/api/manifest.json": files["beta/api/manifest.json"]},
    ],
)
def test_anything_that_was_not_written_is_refused(damage):
    with pytest.raises(IntegrityError) as caught:
        deployed_state(damage(stored(HARD)))
    assert "llmcfg apply" in caught.value.hint
