"""Secrets are set and removed in one file of one layer: the right one, by its lines alone, and never in the clear."""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys

import pytest

from llmcfg.custody.changes import put, put_binary, rotate, unset
from llmcfg.custody.places import find_in_layer
from llmcfg.custody.reveal import Wanted, open_values
from llmcfg.errors import (
    ConflictError,
    IntegrityError,
    NotAuthorisedError,
    NotFoundError,
    PendingError,
    UnknownKeyError,
    UsageError,
)
from llmcfg.secrets.amend import leaf_of
from llmcfg.secrets.names import read_secret_file
from llmcfg.secrets.rotations import Due, read_due, with_marked
from llmcfg.secrets.sops.files import decrypt_file
from llmcfg.secrets.sops.model import FileType, Leaf
from llmcfg.secrets.sops.rules import Rule
from support.keepers import ADA, encrypted

HAND_WRITTEN = b"""# keys of the providers

openai:   first   # ours

mistral: {token: second}
list:
- a
- b
"""


def changed_lines(before: str, after: str) -> list[str]:
    """The keys of the lines that differ."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [re.sub(r"^\+ *([a-z_]+):.*", r"\1", line) for line in lines if line.startswith("+ ")]


def test_a_new_file_is_made_by_the_rules_and_named_secrets(ada) -> None:
    written = ada.put("openai", "sk-1")
    assert (written.file, written.outcome) == ("base/secrets/secrets.yaml", "made")
    assert "sk-1" not in ada.text(written.file)
    assert ada.value("openai") == "sk-1"


@pytest.mark.parametrize("folder", ["environments/dev", "tenants/acme", "tenants/acme/environments/dev"])
def test_each_layer_has_its_own_file(ada, folder) -> None:
    assert ada.put("openai", "sk-1", folder).file == f"{folder}/secrets/secrets.yaml"
    with pytest.raises(UnknownKeyError, match="base holds no secret") as missing:
        ada.value("openai")
    assert folder in missing.value.hint


def test_an_edit_changes_its_line_mac_and_time_and_nothing_else(ada) -> None:
    ada.written.commit({"base/secrets/providers.yaml": encrypted(HAND_WRITTEN)})
    before = ada.text("base/secrets/providers.yaml")
    assert ada.put("openai", "other").outcome == "changed"
    after = ada.text("base/secrets/providers.yaml")
    assert changed_lines(before, after) == ["openai", "lastmodified", "mac"]
    assert ada.value("openai") == "other"
    assert ada.value("mistral.token") == "second"


def test_the_same_value_again_writes_nothing(ada) -> None:
    ada.put("openai", "sk-1")
    before = ada.files()
    assert ada.put("openai", "sk-1").outcome == "same"
    assert ada.files() == before


def test_the_file_that_holds_the_name_is_chosen_then_the_only_one_then_secrets_yaml(ada) -> None:
    ada.put("openai", "1", file="providers")
    assert ada.put("mistral", "2").file == "base/secrets/providers.yaml"
    ada.put("mcp", "3", file="tools/mcp.yaml")
    assert ada.put("mcp", "4").file == "base/secrets/tools/mcp.yaml"
    assert ada.put("fresh", "5").file == "base/secrets/secrets.yaml"


def test_a_file_is_named_by_its_whole_path_too(ada) -> None:
    assert ada.put("openai", "1", file="base/secrets/providers.yaml").file == "base/secrets/providers.yaml"


@pytest.mark.parametrize(
    "file",
    [
        "../llmcfg",
        "/etc/passwd",
        "a/../../b.yaml",
        ".hidden",
        "providers.json",
        "",
        "a//b",
        "x.drop-20260105T090000123456Z-1a2b3c4d.yaml",
        "a\nb",
        "é",
    ],
)
def test_a_file_that_cannot_be_one_of_the_layer_is_refused(ada, file) -> None:
    with pytest.raises(UsageError):
        ada.put("openai", "1", file=file or "/")
    assert not ada.files()


def test_a_name_is_kept_in_one_file_of_a_layer(ada) -> None:
    ada.put("openai", "1", file="providers")
    with pytest.raises(ConflictError, match=r"in base/secrets/providers.yaml already"):
        ada.put("openai", "2", file="others")


def test_values_keep_their_type_and_form(ada) -> None:
    for name, text, kind, value in (("n", " 12\n", "int", 12), ("f", "1.5", "float", 1.5), ("b", "true", "bool", True)):
        put(ada.custody, "base", "base/secrets/typed.yaml", {(name,): leaf_of(text.encode(), kind)})
        assert ada.value(name) == value
    for text in (
        "5",
        "no",
        " spaced ",
        "two\nlines\n",
        "ünï",
        "{{secret:x}}",
        "ENC[AES256_GCM,data:x]",
        "'",
        '"',
        "#",
        "\t",
    ):
        ada.put("text", text)
        assert ada.value("text") == text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"", "str"),
        (b"\xff", "str"),
        (b"a\0", "str"),
        (b"hunter2", "int"),
        (b"hunter2", "bool"),
        (b"nan", "float"),
        (b"9" * 30, "int"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused_and_not_shown(value, kind) -> None:
    with pytest.raises(UsageError) as refused:
        leaf_of(value, kind)
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_a_value_that_the_rule_of_its_file_leaves_in_the_clear_is_never_written(ada) -> None:
    ada.written.commit({"base/secrets/mixed.yaml": encrypted(b"some_key: x\n", Rule("encrypted_suffix", "_key"))})
    before = ada.files()
    with pytest.raises(UsageError, match="leaves host in the clear"):
        ada.put("host", "hunter2")
    assert ada.files() == before
    with pytest.raises(UsageError, match="leaves a_unencrypted in the clear"):
        ada.put("a_unencrypted", "hunter2", "environments/dev")
    assert ada.files() == before


def test_without_a_rule_the_error_says_which_one_to_add(ada) -> None:
    with pytest.raises(NotFoundError, match=r"environments/prod/secrets/secrets.yaml") as missing:
        ada.put("openai", "1", "environments/prod")
    assert "path_regex: '^environments/prod/secrets/'" in missing.value.hint


def test_a_mapping_of_secrets_is_not_replaced_by_one(ada) -> None:
    ada.put("openai.key", "1")
    ada.put("openai.org", "2")
    with pytest.raises(UsageError, match=r"openai holds secrets itself: openai.key, openai.org"):
        ada.put("openai", "3")
    with pytest.raises(UsageError, match="cannot hold"):
        ada.put("openai.key.inner", "3")


def test_a_secret_is_removed_with_what_only_it_needed(ada) -> None:
    for name in ("openai.eu.key", "openai.us", "mistral"):
        ada.put(name, "x")
    custody = ada.custody
    assert unset(custody, find_in_layer(custody.configuration, "base", "openai.eu.key")).outcome == "changed"
    assert "eu:" not in ada.text("base/secrets/secrets.yaml")
    assert ada.value("openai.us") == "x"


def test_a_file_goes_with_its_last_secret(ada) -> None:
    ada.put("openai", "x")
    custody = ada.custody
    assert unset(custody, find_in_layer(custody.configuration, "base", "openai")).outcome == "removed"
    assert ada.files() == {}


def test_a_binary_secret_needs_no_key_to_be_written(ada, stranger) -> None:
    content = bytes(range(256))
    assert put_binary(stranger.custody, "base/secrets/cert.age", content).outcome == "made"
    assert put_binary(stranger.custody, "base/secrets/cert.age", content * 2).outcome == "changed"
    custody = ada.custody
    held = find_in_layer(custody.configuration, "base", "cert")
    assert open_values(custody, [Wanted(held)])["cert"].reveal() == content * 2
    with pytest.raises(NotAuthorisedError):
        open_values(stranger.custody, [Wanted(held)])


def test_a_file_that_was_tampered_with_is_not_changed(ada) -> None:
    ada.put("openai", "first")
    ada.put("mistral", "second")
    place = ada.root / "base/secrets/secrets.yaml"
    place.write_text(place.read_text().replace("mistral:", "other:"))
    before = ada.files()
    with pytest.raises(IntegrityError):
        ada.put("openai", "third")
    assert ada.files() == before


def test_a_file_that_git_ignores_is_not_replaced(ada) -> None:
    ada.written.commit({".gitignore": "secrets.yaml\n"})
    (ada.root / "base/secrets").mkdir(parents=True)
    (ada.root / "base/secrets/secrets.yaml").write_text("mine")
    with pytest.raises(ConflictError, match="the configuration does not see it"):
        ada.put("openai", "x")
    assert ada.text("base/secrets/secrets.yaml") == "mine"


def test_nothing_is_written_through_a_symbolic_link(ada, tmp_path) -> None:
    (tmp_path / "outside").mkdir()
    (ada.root / "base/secrets").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="symbolic link"):
        ada.put("openai", "x")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_file_keeps_its_mode(ada) -> None:
    ada.put("openai", "x")
    place = ada.root / "base/secrets/secrets.yaml"
    place.chmod(0o640)
    ada.put("openai", "y")
    assert place.stat().st_mode & 0o777 == 0o640


def test_a_value_that_would_make_its_file_unreadable_is_refused(ada) -> None:
    ada.put("openai", "x")
    before = ada.files()
    with pytest.raises(UsageError, match="1 MiB"):
        ada.put("huge", "x" * (1 << 20))
    assert ada.files() == before


SETTER = """
import sys
from pathlib import Path
from llmcfg.custody.changes import put
from llmcfg.secrets.age import parse_identity
from llmcfg.secrets.sops.model import Leaf
from llmcfg.wiring import Workspace

identity = parse_identity(sys.stdin.readline())
for number in range(10):
    custody = Workspace(Path(sys.argv[1])).custody(lambda: [identity])
    put(custody, "base", "base/secrets/secrets.yaml", {(f"{sys.argv[2]}{number}",): Leaf("str", b"x")})
"""


def test_writers_that_run_at_the_same_time_lose_nothing(ada) -> None:
    ada.put("openai", "x")
    processes = [
        subprocess.Popen([sys.executable, "-c", SETTER, str(ada.root), name], stdin=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    for process in processes:
        process.communicate(ADA.reveal())
    assert [process.returncode for process in processes] == [0, 0, 0]
    names = set(read_secret_file("s.yaml", ada.files()["base/secrets/secrets.yaml"]).secrets)
    assert names == {"openai", *(f"{name}{number}" for name in "abc" for number in range(10))}
    decrypt_file(ada.files()["base/secrets/secrets.yaml"], FileType.YAML, [ADA])


def test_a_writer_that_holds_the_lock_is_waited_for_and_named(ada, monkeypatch) -> None:
    import fcntl

    from llmcfg import disk

    custody = ada.custody
    custody.lock.parent.mkdir(parents=True)
    with custody.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(PendingError, match="another process holds"), disk.hold_lock(custody.lock, seconds=0.05):
            pass


@pytest.mark.parametrize(
    "name",
    [
        "sk-proj-" + "a1B2" * 12,
        "openai=hunter2",
        "two words",
        "",
        "a:b",
        '"a\\nb"',
        "sops",
        "sops.mac",
        "[0]",
        ".",
        '""',
        "x" * 300,
    ],
)
def test_what_cannot_be_a_name_is_refused_and_never_repeated(name) -> None:
    from llmcfg.custody.places import parse_name

    with pytest.raises(UsageError) as refused:
        parse_name(name)
    if len(name) > 8:
        assert name not in refused.value.message + refused.value.hint


def test_nothing_shows_a_value(ada) -> None:
    assert "hunter2" not in repr(leaf_of(b"hunter2")) + repr(Leaf("str", b"hunter2")) + repr(ada.custody)


@pytest.mark.parametrize("content", ["a: [\n", "openai: plain\n", "\udcff", "- a\n", "{}\n---\na: 1\n", "sops: 1\n"])
def test_a_file_that_is_no_secret_file_is_named_and_left_alone(ada, content) -> None:
    place = ada.root / "base/secrets/secrets.yaml"
    place.parent.mkdir(parents=True)
    place.write_bytes(content.encode("utf-8", "surrogateescape"))
    before = ada.files()
    with pytest.raises((UsageError, IntegrityError), match=r"base/secrets/secrets\.yaml"):
        ada.put("openai", "x")
    assert ada.files() == before


def test_names_that_cannot_be_read_are_told_where_one_is_missed(ada) -> None:
    ada.put("openai", "x")
    ada.written.commit({"base/secrets/broken.yaml": "a: [\n"})
    with pytest.raises(UnknownKeyError) as missing:
        ada.value("a")
    assert "base/secrets/broken.yaml cannot be read" in missing.value.hint


@pytest.mark.parametrize("make", ["mkdir", "mkfifo", "symlink"])
def test_what_is_no_regular_file_is_not_replaced(ada, make) -> None:
    place = ada.root / "base/secrets/secrets.yaml"
    place.parent.mkdir(parents=True)
    {"mkdir": place.mkdir, "mkfifo": lambda: os.mkfifo(place), "symlink": lambda: place.symlink_to("/dev/null")}[make]()
    with pytest.raises(ConflictError, match="does not see it"):
        ada.put("openai", "x")


def test_a_file_that_only_names_secrets_is_encrypted_by_the_first_value(ada) -> None:
    ada.written.commit({"base/secrets/secrets.yaml": '# ours\nopenai: ""\nmistral: {token: ""}\n'})
    assert ada.put("mistral.token", "x").outcome == "made"
    text = ada.text("base/secrets/secrets.yaml")
    assert 'openai: ""' in text
    assert "# ours" not in text  # comments of a secret file are encrypted too
    assert ada.value("mistral.token") == "x"


def test_a_name_without_value_is_removed_from_a_file_that_is_not_encrypted(ada) -> None:
    ada.written.commit({"base/secrets/secrets.yaml": '# ours\nopenai: ""\nmistral: ""\n'})
    custody = ada.custody
    unset(custody, find_in_layer(custody.configuration, "base", "openai"))
    assert ada.text("base/secrets/secrets.yaml") == '# ours\nmistral: ""\n'


# secrets that are due for rotation


def due(keeper) -> list[tuple[str, str]]:
    return [(one.file, one.secret) for one in read_due((keeper.root / "rotations.yaml").read_bytes())]


def test_a_secret_that_gets_another_value_is_no_longer_due_and_others_are(ada):
    file = ada.put("one", "x").file
    for name in ("two", "three", "four"):
        ada.put(name, "x")
    marks = [Due(name, file, "2026-01-31") for name in ("one", "two", "three", "four")]
    (ada.root / "rotations.yaml").write_bytes(with_marked(None, marks))
    ada.put("one", "x")
    assert len(due(ada)) == 4
    ada.put("one", "y")
    assert due(ada) == [(file, "two"), (file, "three"), (file, "four")]
    custody = ada.custody
    rotate(custody, find_in_layer(custody.configuration, "base", "two"), leaf_of(b"y"))
    custody = ada.custody
    unset(custody, find_in_layer(custody.configuration, "base", "three"))
    assert due(ada) == [(file, "four")]


def test_a_secret_whose_new_value_waits_in_a_drop_is_no_longer_due(ada, stranger):
    file = ada.put("one", "x").file
    (ada.root / "rotations.yaml").write_bytes(with_marked(None, [Due("one", file, "2026-01-31")]))
    assert stranger.put("one", "y").outcome == "dropped"
    assert due(ada) == []
