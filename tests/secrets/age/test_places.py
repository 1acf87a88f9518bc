"""Where identities are found: the places of sops after our own, with real files."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from llmcfg.errors import (
    IntegrityError,
    LlmcfgError,
    NotAuthorisedError,
    NotFoundError,
    StorageError,
    UsageError,
)
from llmcfg.secrets.age import find_identities, find_places, generate_identity, read_key_file, read_places
from llmcfg.secrets.age.places import default_key_file, unique_identities

FIRST, SECOND, THIRD = (generate_identity() for _ in range(3))


def write_key(path: Path, *identities, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{identity.reveal()}\n" for identity in identities))
    path.chmod(mode)
    return path


def recipients(found) -> list:
    return [identity.recipient for identity in found]


def test_places_come_in_order_ours_first_and_defaults_last(tmp_path: Path) -> None:
    environment = {
        "SOPS_AGE_KEY_CMD": "pass show age",
        "SOPS_AGE_KEY_FILE": "sops.txt",
        "SOPS_AGE_KEY": "x",
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE": "ssh",
        "SOPS_AGE_SSH_PRIVATE_KEY_CMD": "pass show ssh",
        "LLMCFG_AGE_KEY_FILE": "ours.txt",
        "LLMCFG_AGE_KEY": "x",
        "HOME": "/elsewhere",
    }
    assert [str(place) for place in find_places(environment, tmp_path)] == [
        "LLMCFG_AGE_KEY",
        "LLMCFG_AGE_KEY_FILE",
        "SOPS_AGE_KEY",
        "SOPS_AGE_KEY_FILE",
        "SOPS_AGE_KEY_CMD",
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
        f"{tmp_path}/.config/sops/age/keys.txt",
        f"{tmp_path}/.ssh/id_ed25519",
        f"{tmp_path}/.ssh/id_rsa",
    ]


def test_an_empty_variable_is_no_place(tmp_path: Path) -> None:
    assert len(find_places({"SOPS_AGE_KEY": "", "LLMCFG_AGE_KEY_FILE": ""}, tmp_path)) == 3


@pytest.mark.parametrize(
    ("environment", "system", "file"),
    [
        ({}, "linux", "/home/ada/.config/sops/age/keys.txt"),
        ({}, "darwin", "/home/ada/Library/Application Support/sops/age/keys.txt"),
        ({"XDG_CONFIG_HOME": "/xdg"}, "linux", "/xdg/sops/age/keys.txt"),
        ({"XDG_CONFIG_HOME": "/xdg"}, "darwin", "/xdg/sops/age/keys.txt"),
        ({"XDG_CONFIG_HOME": "relative"}, "linux", "/home/ada/.config/sops/age/keys.txt"),
    ],
)
def test_the_default_file_is_where_sops_has_it(environment: dict[str, str], system: str, file: str) -> None:
    assert default_key_file(environment, Path("/home/ada"), system=system) == Path(file)


def test_identities_of_all_places_are_collected_each_once(tmp_path: Path, vectors: Path) -> None:
    write_key(tmp_path / ".config/sops/age/keys.txt", SECOND, FIRST)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").write_bytes((vectors / "ssh-ed25519.key").read_bytes())
    (tmp_path / ".ssh/id_rsa").write_bytes((vectors / "ssh-rsa.key").read_bytes())
    environment = {
        "SOPS_AGE_KEY_FILE": str(write_key(tmp_path / "sops.txt", SECOND)),
        "LLMCFG_AGE_KEY": FIRST.reveal(),
        "SOPS_AGE_KEY": f"# here too\n{THIRD.reveal()} {FIRST.reveal()}",
    }
    found = find_identities(environment, tmp_path)
    assert recipients(found)[:3] == [FIRST.recipient, THIRD.recipient, SECOND.recipient]
    assert [identity.kind for identity in found[3:]] == ["ssh-ed25519", "ssh-rsa"]


def test_nothing_anywhere_is_nothing_and_no_error(tmp_path: Path) -> None:
    assert find_identities({}, tmp_path) == ()
    assert read_places({}, tmp_path) == ()


@pytest.mark.fault("X05")
@pytest.mark.parametrize("variable", ["LLMCFG_AGE_KEY_FILE", "SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"])
def test_a_file_that_a_variable_names_must_be_there(variable: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=rf"{variable} names .*/absent, which is not there"):
        find_identities({variable: str(tmp_path / "absent")}, tmp_path)


def test_one_broken_place_does_not_hide_the_others_from_who_lists_them(tmp_path: Path) -> None:
    write_key(tmp_path / ".config/sops/age/keys.txt", FIRST)
    broken, whole = read_places({"SOPS_AGE_KEY_FILE": str(tmp_path / "absent")}, tmp_path)
    assert isinstance(broken.error, NotFoundError)
    assert recipients(whole.identities) == [FIRST.recipient]
    assert recipients(unique_identities([broken, whole, whole])) == [FIRST.recipient]


@pytest.mark.fault("X05")
@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", UsageError, "holds no identity"),
        (b"# public key: age1\n\n", UsageError, "holds no identity"),
        (b"AGE-SECRET-KEY-1\xff\xfe", UsageError, "not text"),
        (b"# one\nhunter2\n", UsageError, r"keys:2: what stands here is not an identity"),
        (b"#" * (1 << 20) + b"#", UsageError, "over 1048576 bytes"),
    ],
    ids=["empty", "comments", "binary", "word", "huge"],
)
def test_a_key_file_without_a_key_is_an_error_that_names_it(content, error, says: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(error, match=says) as caught:
        read_key_file(tmp_path / "keys")
    assert "hunter2" not in caught.value.message
    assert str(tmp_path / "keys") in caught.value.message


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot read"):
        read_key_file(tmp_path)


def test_a_key_file_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"\xef\xbb\xbf# team\r\n" + FIRST.reveal().encode() + b"\r\n")
    assert recipients(read_key_file(tmp_path / "keys").identities) == [FIRST.recipient]


@pytest.mark.fault("X05")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_key_file_that_others_can_read_is_a_warning(mode: int, tmp_path: Path) -> None:
    reading = read_key_file(write_key(tmp_path / "keys", FIRST, mode=mode))
    assert recipients(reading.identities) == [FIRST.recipient]
    assert f"mode {mode:04o}" in reading.warning
    assert reading.hint == f"chmod 600 {tmp_path / 'keys'}"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_key_file_is_no_warning(mode: int, tmp_path: Path) -> None:
    reading = read_key_file(write_key(tmp_path / "keys", FIRST, mode=mode))
    assert (reading.mode, reading.warning) == (mode, "")


def test_an_ssh_key_that_cannot_be_used_is_passed_over_where_everybodys_lies(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_rsa").write_text(
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
    )
    (reading,) = read_places({}, tmp_path)
    assert "not used" in reading.warning
    assert find_identities({}, tmp_path) == ()
    with pytest.raises(UsageError):
        find_identities({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(tmp_path / ".ssh/id_rsa")}, tmp_path)


def test_a_command_gives_keys_and_is_told_the_recipient_but_no_key(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = f"import os; open({str(seen)!r}, 'w').write(repr(sorted(os.environ.items()))); print({FIRST.reveal()!r})"
    environment = {
        "SOPS_AGE_KEY_CMD": shlex.join([sys.executable, "-c", program]),
        "SOPS_AGE_KEY": SECOND.reveal(),
        "LLMCFG_AGE_KEY": THIRD.reveal(),
        "PATH": os.environ["PATH"],
    }
    found = find_identities(environment, tmp_path, recipient="age1asked")
    assert recipients(found) == [THIRD.recipient, SECOND.recipient, FIRST.recipient]
    given = seen.read_text()
    assert "('SOPS_AGE_RECIPIENT', 'age1asked')" in given
    assert SECOND.reveal() not in given
    assert THIRD.reveal() not in given


def test_a_command_is_not_run_where_nobody_wants_it(tmp_path: Path) -> None:
    environment = {"SOPS_AGE_KEY_CMD": f"touch {tmp_path / 'ran'}"}
    (reading,) = read_places(environment, tmp_path, run_commands=False)
    assert (reading.identities, reading.error) == ((), None)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("false", NotAuthorisedError),
        ("no-such-program-of-mine s3cr3t", UsageError),
        ("true", UsageError),
        ("echo s3cr3t", UsageError),
        ("'unclosed s3cr3t", UsageError),
        ("  ", UsageError),
    ],
)
def test_a_command_that_fails_is_named_by_its_variable_alone(command: str, error, tmp_path: Path) -> None:
    with pytest.raises(error, match="SOPS_AGE_KEY_CMD") as caught:
        find_identities({"SOPS_AGE_KEY_CMD": command, "PATH": os.environ["PATH"]}, tmp_path)
    assert "s3cr3t" not in caught.value.message + caught.value.hint


def test_a_command_goes_through_no_shell(tmp_path: Path) -> None:
    with pytest.raises(LlmcfgError):
        find_identities({"SOPS_AGE_KEY_CMD": f"echo; touch {tmp_path / 'ran'}", "PATH": os.environ["PATH"]}, tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_key_file_with_a_passphrase_opens_when_it_is_answered(vectors: Path) -> None:
    file = vectors / "locked.key"
    with pytest.raises(NotAuthorisedError, match="has a passphrase"):
        read_key_file(file)
    with pytest.raises(NotAuthorisedError, match="not the passphrase"):
        read_key_file(file, ask=lambda question: "wrong")
    reading = read_key_file(file, ask=lambda question: "correct horse")
    assert recipients(reading.identities) == recipients(read_key_file(vectors / "x25519.key").identities)


@pytest.mark.fault("X03")
def test_a_key_file_that_asks_for_too_much_work_is_refused_before_any(vectors: Path, tmp_path: Path) -> None:
    from llmcfg.secrets.age.armor import remove_armor

    content = remove_armor((vectors / "locked.key").read_bytes())
    for factor in (b"21", b"60", b"0", b"x", b"999999", "²".encode()):
        (tmp_path / "keys").write_bytes(content.replace(b" 2\n", b" " + factor + b"\n", 1))
        with pytest.raises(IntegrityError):
            read_key_file(tmp_path / "keys", ask=lambda question: "correct horse")


def test_a_key_file_for_recipients_is_no_key_file(vectors: Path) -> None:
    with pytest.raises(IntegrityError, match="passphrase alone"):
        read_key_file(vectors / "pq.age", ask=lambda question: "")
