"""What is told about secrets without a key: who opens, changed and uses each of them."""

from __future__ import annotations

import pytest

from llmcfg.custody.changes import put_binary, rotate
from llmcfg.custody.edits import open_for_edit
from llmcfg.custody.overview import Kept, look_over, secrets_of_layers, secrets_of_scope
from llmcfg.custody.places import find_own
from llmcfg.errors import NotFoundError
from llmcfg.secrets.amend import leaf_of
from llmcfg.secrets.rotations import Due, with_marked
from support.keepers import ADA, BREAK_GLASS, START, Keeper, encrypted
from support.written import CONSUMER


def overview(keeper: Keeper, environment: str | None = None, tenant: str | None = None) -> dict[tuple[str, str], Kept]:
    workspace = keeper.written.workspace()
    configuration = workspace.configuration()
    if environment:
        chosen = secrets_of_scope(configuration, configuration.scope(environment, tenant))
    else:
        chosen = secrets_of_layers(configuration, tenant)
    kept = look_over(configuration, workspace.repository, chosen)
    return {(one.held.folder, one.held.secret.name): one for one in kept}


def only(keeper: Keeper) -> Kept:
    (kept,) = overview(keeper).values()
    return kept


def test_recipients_are_those_of_the_file(ada) -> None:
    ada.put("openai", "x")
    assert only(ada).recipients == (ADA.recipient.text, BREAK_GLASS.recipient.text)


def test_of_a_binary_file_only_the_number_of_keys_is_known(ada) -> None:
    put_binary(ada.custody, "base/secrets/cert.age", b"x")
    kept = only(ada)
    assert (kept.recipients, kept.has_unnamed_keys) == (("X25519", "X25519"), True)


def test_a_change_is_the_commit_that_wrote_the_value(ada) -> None:
    ada.put("openai", "x")
    ada.put("mistral", "x")
    assert {one.changed.commit for one in overview(ada).values() if one.changed} == {None}
    first = ada.written.commit(message="Both")
    ada.put("openai", "y")
    second = ada.written.commit(message="One")
    kept = overview(ada)
    commits = {name: one.changed.commit for (_, name), one in kept.items() if one.changed}
    assert commits == {"openai": second, "mistral": first}
    assert kept["base", "openai"].line == 1


def test_a_rotated_secret_changed_when_its_current_value_did(ada) -> None:
    ada.put("openai", "x")
    ada.written.commit()
    custody = ada.custody
    rotate(custody, find_own(custody.configuration, None, None, "openai"), leaf_of(b"y"))
    last = ada.written.commit()
    kept = only(ada)
    assert kept.changed is not None
    assert (kept.changed.commit, kept.states) == (last, ("overlap",))


def test_states_tell_what_waits_to_be_done(ada, stranger) -> None:
    ada.put("openai", "x")
    stranger.put("openai", "y")
    ada.written.commit({"environments/dev/secrets/new.yaml": 'later: ""\n'})
    states = sorted(one.states for one in overview(ada).values())
    assert states == [("drop",), ("unset",)]


def test_users_are_those_for_whom_this_value_counts(ada) -> None:
    ada.put("openai", "base")
    ada.put("openai", "dev", "environments/dev")
    ada.put("other", "x")
    ada.written.commit(
        {
            "consumers/app.yaml": CONSUMER.replace("[.]", "[gateway]") + "shared: true\nenvironments: [dev]\n",
            "consumers/none.yaml": CONSUMER.replace("[.]", "[other]") + "shared: true\n",
            "base/other.yaml": "key: plain\n",
        }
    )
    kept = overview(ada)
    assert (kept["environments/dev", "openai"].documents, kept["environments/dev", "openai"].consumers) == (
        ("gateway",),
        ("app",),
    )
    assert (kept["base", "openai"].documents, kept["base", "openai"].consumers) == (("gateway",), ())
    assert (kept["base", "other"].documents, kept["base", "other"].consumers) == ((), ())


def test_a_consumer_whose_template_takes_a_secret_uses_it(ada) -> None:
    ada.put("openai", "x")
    ada.put("session", "x")
    output = "outputs: [{path: a.env, template: templates/a.j2, opened: %s}]\n"
    ada.written.commit(
        {
            "templates/a.j2": "KEY={{ secret('openai') | env_quote }}\n",
            "base/other.yaml": "key: plain\n",
            "consumers/app.yaml": CONSUMER.replace("[.]", "[other]") + "shared: true\n" + output % "true",
            "consumers/web.yaml": CONSUMER.replace("[.]", "[other]") + "shared: true\n" + output % "false",
        }
    )
    kept = overview(ada)
    assert kept["base", "openai"].consumers == ("app", "web")
    assert kept["base", "session"].consumers == ()


def test_a_template_that_cannot_be_rendered_hides_no_other_use(ada) -> None:
    ada.put("openai", "x")
    output = "outputs: [{path: a.env, template: templates/a.j2}]\n"
    ada.written.commit(
        {"templates/a.j2": "{{ nothing.here }}\n", "consumers/app.yaml": CONSUMER + "shared: true\n" + output}
    )
    assert overview(ada)["base", "openai"].consumers == ("app",)


def test_what_is_due_is_told_until_the_value_is_another(ada) -> None:
    for name in ("openai", "mistral", "groq"):
        ada.put(name, "x")
    due = [
        Due(name, "base/secrets/secrets.yaml", "2026-01-31", "age1x", "Bob left")
        for name in ("openai", "mistral", "groq")
    ]
    ada.written.commit({"rotations.yaml": with_marked(None, due).decode()})
    assert {one.states for one in overview(ada).values()} == {("due",)}
    assert overview(ada)["base", "openai"].due == (due[0],)
    ada.put("openai", "x")
    assert overview(ada)["base", "openai"].states == ("due",), "it is the same value"
    ada.put("openai", "y")
    custody = ada.custody
    rotate(custody, find_own(custody.configuration, None, None, "mistral"), leaf_of(b"y"))
    place = ada.root / "base/secrets/secrets.yaml"
    edit = open_for_edit(place, lambda: ada.identities, None, lambda: START, ada.root)
    assert edit.save(edit.plain.replace(b"groq: x", b"groq: y"))
    assert {name: one.states for (_, name), one in overview(ada).items()} == {
        "openai": (), "mistral": ("overlap",), "groq": (),
    }  # fmt: skip


def test_a_scope_shows_what_it_sees_and_a_tenant_its_own(ada) -> None:
    ada.put("openai", "base")
    ada.put("openai", "acme", "tenants/acme")
    ada.put("openai", "globex", "tenants/globex")
    assert list(overview(ada, "dev", "acme")) == [("tenants/acme", "openai")]
    assert list(overview(ada, "dev")) == [("base", "openai")]
    assert list(overview(ada, None, "acme")) == [("tenants/acme", "openai")]
    with pytest.raises(NotFoundError):
        overview(ada, None, "nobody")


def test_files_that_cannot_be_read_hide_no_others(ada) -> None:
    ada.put("openai", "x")
    ada.written.commit({"base/secrets/broken.yaml": "a: [\n", "base/secrets/plain.yaml": "key: value\n"})
    ada.written.commit({"base/secrets/list.yaml": encrypted(b"l: [a]\n")})
    kept = overview(ada)
    assert kept["base", "key"].recipients == ()
    assert {name for _, name in kept} == {"openai", "key", "l[0]"}
