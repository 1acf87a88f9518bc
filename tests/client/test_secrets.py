"""Secrets in a program: opened with its own key, checked for what they are for, in memory alone, and followed."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys

import pytest

from llmcfg.client import (
    IntegrityError,
    MissingKeyError,
    NotAuthorisedError,
    NotFoundError,
    RefusedError,
    SecretReference,
    UsageError,
)
from llmcfg.model.target import Target
from llmcfg.secrets.age import generate_identity
from support.delivered import Delivered

READER, STRANGER = generate_identity(), generate_identity()
DOCUMENTS = {
    "openai": {"key": {"$secret": "openai"}, "auth": {"$text": ["Bearer ", {"$secret": "openai"}]}, "rpm": 10},
    "signing": {"keys": [{"$secret": "session"}, {"$secret": "session@previous"}]},
    "numbers": {"port": {"$secret": "port"}, "url": {"$text": [":", {"$secret": "port"}, "/", {"$secret": "on"}]}},
    "binary": {"key": {"$secret": "p12"}},
}
VALUES = {
    "openai": "canary-openai",
    "session": "canary-new",
    "session@previous": "canary-old",
    "port": 8443,
    "on": True,
    "p12": b"canary\x00\xff",
}
CANARY = "canary"


@pytest.fixture
def delivered(tmp_path):
    made = Delivered(tmp_path / "sink")
    made.put_sealed(DOCUMENTS, VALUES, reader=READER)
    return made


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key.txt"
    path.write_text(f"# the key of api\n{READER.reveal()}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def cfg(open_config, key_file):
    return open_config(identity=key_file)


def test_a_secret_is_opened_with_the_key_of_its_consumer(cfg):
    assert {name: cfg.secret(name).reveal() for name in VALUES} == VALUES


@pytest.mark.parametrize("give", [str, lambda path: path, lambda path: path.read_text])
def test_the_key_is_a_path_or_a_function_that_gives_it(open_config, key_file, give):
    assert open_config(identity=give(key_file)).secret("openai").reveal() == "canary-openai"


def test_a_plain_folder_opens_as_a_mapped_file_does(open_config, delivered, key_file):
    delivered.file.unlink()

    cfg = open_config(identity=key_file)

    assert cfg.secret("openai").reveal() == "canary-openai"
    assert cfg.snapshot().bundle.head.sequence == 1


def test_references_become_values_with_their_types(cfg):
    @dataclasses.dataclass
    class Provider:
        key: str
        auth: str
        rpm: int

    assert cfg.bind(Provider, "openai") == Provider("canary-openai", "Bearer canary-openai", 10)
    assert cfg["signing.keys"] == ["canary-new", "canary-old"]
    assert (cfg["numbers.port"], cfg["numbers.url"]) == (8443, ":8443/true")
    assert cfg.require("binary.key", bytes) == VALUES["p12"]


def test_opened_values_show_only_where_they_are_asked_for(cfg, delivered):
    shown = [cfg["."], cfg["openai.key"], cfg["binary.key"], cfg.secret("openai"), cfg.snapshot().opened, cfg]

    assert CANARY not in repr(shown)
    files = [path for path in delivered.root.rglob("*") if path.is_file()]
    assert files
    assert all(CANARY.encode() not in path.read_bytes() for path in files)


def test_an_output_that_is_sealed_whole_is_read_opened(open_config, delivered, key_file):
    outputs = {"app.env": (b"KEY={{secret:openai}}\n", "KEY=canary-openai\n")}
    delivered.put_sealed(DOCUMENTS, VALUES, reader=READER, outputs=outputs)

    assert open_config(identity=key_file).file("app.env") == b"KEY=canary-openai\n"
    assert open_config().file("app.env") == b"KEY={{secret:openai}}\n"


# who may not


def test_without_a_key_there_are_references_and_the_way_to_open_them(open_config):
    cfg = open_config()

    assert cfg["openai.key"] == SecretReference(("openai",)) or str(cfg["openai.key"]) == "{{secret:openai}}"
    for read in (lambda: cfg.secret("openai"), lambda: cfg.on_secret("openai", print)):
        with pytest.raises(NotAuthorisedError) as caught:
            read()
        assert "identity" in caught.value.hint


def test_a_key_of_somebody_else_opens_nothing_and_the_source_is_told(open_config, delivered):
    with pytest.raises(NotAuthorisedError, match="does not fit"):
        open_config(identity=STRANGER.reveal)

    (said,) = delivered.acks().values()
    assert b'"accepted":false' in said
    assert b"its secrets cannot be opened" in said


def test_a_key_that_is_not_there_is_told_by_its_path(open_config, tmp_path):
    with pytest.raises(NotFoundError, match=r"no-key\.txt is not there"):
        open_config(identity=tmp_path / "no-key.txt")


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_function_that_gives_no_key_is_told(open_config, text):
    with pytest.raises(UsageError, match="the program gives no identity"):
        open_config(identity=lambda: text)


def test_a_bundle_that_was_never_deployed_opens_nothing(open_config, delivered, key_file):
    delivered.put(DOCUMENTS, secrets={"openai": "1" * 64})

    with pytest.raises(NotFoundError, match="nothing is sealed in prod/acme/api"):
        open_config(identity=key_file)


def test_a_key_is_no_hindrance_where_no_secret_is(open_config, delivered, key_file):
    delivered.put({"limits": {"rpm": 10}})

    cfg = open_config(identity=key_file)

    assert cfg["limits.rpm"] == 10
    with pytest.raises(MissingKeyError, match="uses no secret 'openai'"):
        cfg.secret("openai")


# what is not what it should be


@pytest.mark.parametrize(
    "context",
    [
        {"target": Target("prod", "beta", "api")},
        {"target": Target("dev", "acme", "api")},
        {"target": Target("prod", "acme", "bot")},
        {"path": "sealed/app.env.age"},
        {"sequence": 1},
        {"source": "sha256:" + "0" * 64},
    ],
)
@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_sealed_file_that_is_for_something_else_is_refused(open_config, delivered, key_file, context, is_mapped):
    delivered.put_sealed(DOCUMENTS, VALUES, reader=READER, **context)
    if not is_mapped:
        delivered.file.unlink()

    with pytest.raises(IntegrityError, match="put in the place of another") as caught:
        open_config(identity=key_file)
    assert CANARY not in f"{caught.value.message} {caught.value.hint}"


def test_a_sealed_file_that_was_exchanged_for_an_older_one_is_refused(open_config, delivered, key_file):
    older = (delivered.file.parent / "secrets.age").read_bytes()
    delivered.put_sealed(DOCUMENTS, {**VALUES, "openai": "another"}, reader=READER)
    delivered.file.unlink()
    (delivered.file.parent / "secrets.age").write_bytes(older)

    with pytest.raises(IntegrityError, match="is not the sealed file"):
        open_config(identity=key_file)


def test_a_sealed_file_that_is_missing_is_told(open_config, delivered, key_file):
    delivered.file.unlink()
    (delivered.file.parent / "secrets.age").unlink()

    with pytest.raises(IntegrityError, match=r"secrets\.age is missing"):
        open_config(identity=key_file)


def test_the_bundle_of_somebody_else_is_refused_with_and_without_a_key(open_config, delivered, tmp_path, key_file):
    other = Delivered(tmp_path / "other", Target("prod", "beta", "api"))
    other.put_sealed(DOCUMENTS, VALUES, reader=READER)
    folder = delivered.file.parent
    shutil.rmtree(folder)
    shutil.copytree(other.file.parent, folder)

    for identity in (None, key_file):
        with pytest.raises(IntegrityError, match="the bundle of prod/beta/api lies in the place of acme/api"):
            open_config(identity=identity)


def test_the_bundle_of_another_environment_is_refused_by_who_names_its_own(open_config):
    with pytest.raises(RefusedError, match="it is the bundle of prod/acme/api, and this program reads dev"):
        open_config(environment="dev")
    assert open_config(environment="prod").target == Target("prod", "acme", "api")


# following


def test_a_secret_that_was_renewed_is_opened_and_told(cfg, delivered):
    heard, asked = [], []
    cfg.on_secret("openai", heard.append)
    cfg.on_secret("session", heard.append)
    cfg.on_change("openai", asked.append)

    delivered.put_sealed(DOCUMENTS, {**VALUES, "openai": "canary-renewed"}, reader=READER)
    cfg.refresh()

    assert [(told.name, told.old.reveal(), told.new.reveal()) for told in heard] == [
        ("openai", "canary-openai", "canary-renewed")
    ]
    assert [item.path for update in asked for item in update.items] == ["openai.auth", "openai.key"]
    assert cfg["openai.auth"] == "Bearer canary-renewed"
    assert CANARY not in repr((heard, asked))


def test_a_secret_that_comes_and_goes_is_told(cfg, delivered):
    heard = []

    @cfg.on_secret("more")
    def tell(update):
        heard.append((update.old and update.old.reveal(), update.new and update.new.reveal()))

    for values in ({**VALUES, "more": "x"}, VALUES):
        delivered.put_sealed(DOCUMENTS, values, reader=READER)
        cfg.refresh()

    assert heard == [(None, "x"), ("x", None)]


def test_a_secret_that_was_only_sealed_anew_is_no_change(cfg, delivered):
    heard = []
    cfg.on_secret("openai", heard.append)
    cfg.on_change(".", heard.append)

    delivered.put_sealed(DOCUMENTS, VALUES, reader=READER)
    cfg.refresh()

    assert (heard, cfg.trouble) == ([], "")


def test_the_key_is_asked_for_only_when_something_sealed_changed(open_config, delivered):
    asked = []

    def identity():
        asked.append(1)
        return READER.reveal()

    cfg = open_config(identity=identity)
    delivered.put_sealed(DOCUMENTS, VALUES, reader=READER)
    cfg.refresh()
    assert len(asked) == 2

    folder = delivered.root / "current" / delivered.target.folder
    assert folder.is_dir()
    cfg.refresh()
    assert len(asked) == 2


def test_secrets_that_cannot_be_opened_leave_in_use_what_was(cfg, delivered):
    delivered.put_sealed(DOCUMENTS, {**VALUES, "openai": "canary-renewed"}, reader=STRANGER)
    cfg.refresh()

    assert cfg.secret("openai").reveal() == "canary-openai"
    assert "its secrets cannot be opened" in cfg.trouble

    delivered.put_sealed(DOCUMENTS, {**VALUES, "openai": "canary-again"}, reader=READER)
    cfg.refresh()
    assert (cfg.secret("openai").reveal(), cfg.trouble) == ("canary-again", "")


def test_a_key_file_that_was_exchanged_is_used_without_a_restart(open_config, delivered, key_file):
    cfg = open_config(identity=key_file)
    key_file.write_text(STRANGER.reveal())

    delivered.put_sealed(DOCUMENTS, VALUES, reader=STRANGER)
    cfg.refresh()

    assert cfg.trouble == ""


def test_a_program_starts_from_what_it_kept_and_that_stays_sealed(open_config, delivered, key_file, tmp_path):
    open_config(identity=key_file, state=tmp_path / "state").close()
    shutil.rmtree(delivered.root)

    cfg = open_config(identity=key_file, state=tmp_path / "state")

    assert cfg.secret("openai").reveal() == "canary-openai"
    assert CANARY.encode() not in (tmp_path / "state" / "last.llmcfg").read_bytes()
    with pytest.raises(NotAuthorisedError):
        open_config(identity=STRANGER.reveal, state=tmp_path / "state")


def test_a_check_of_the_program_sees_secrets_and_its_reason_shows_none(open_config, delivered, key_file):
    def accept(snapshot):
        return f"{snapshot.secret('openai').reveal()} is no key"

    with pytest.raises(RefusedError) as caught:
        open_config(identity=key_file, accept=accept)
    assert caught.value.message == "*** is no key"


def test_cryptography_is_loaded_only_for_a_program_with_a_key(delivered, key_file):
    program = (
        "import sys, llmcfg.client\n"
        "address, key = sys.argv[1:]\n"
        "heavy = ('cryptography', 'pyrage', 'pygit2', 'typer', 'llmcfg.secrets')\n"
        "loaded = lambda: sorted(name for name in heavy if name in sys.modules)\n"
        "llmcfg.client.open(address, follow=False)\n"
        "print(loaded())\n"
        "print(llmcfg.client.open(address, follow=False, identity=key).secret('on').reveal(), 'pyrage' in loaded())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, delivered.address, str(key_file)],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.defpath},
    )
    assert ran.stdout.splitlines() == ["[]", "True True"]
