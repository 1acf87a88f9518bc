"""A delivered bundle is read from its folder, checked, and its opened files are written all or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from llmcfg.errors import ConflictError, IntegrityError, NotAuthorisedError, NotFoundError
from llmcfg.secrets.opened import open_bundle
from llmcfg.sinks.delivered import read_delivered, write_opened
from support.readers import DEPLOYER, READER, STRANGER, repository

FOLDER = "delivered/prod/current/_shared/api"


@pytest.fixture
def delivered(make_deployer):
    deployer = make_deployer(repository())
    deployer.identities = (DEPLOYER,)
    deployer.apply()
    return deployer.written.path / FOLDER


def modes(folder):
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in sorted(folder.rglob("*"))
    }


def test_the_consumer_opens_what_was_delivered_to_it_and_nobody_else_does(delivered):
    bundle = read_delivered(delivered)
    assert open_bundle(bundle, [READER]).values["openai"] == "canary-prod"
    for other in (STRANGER, DEPLOYER):
        with pytest.raises(NotAuthorisedError):
            open_bundle(bundle, [other])


@pytest.mark.parametrize("name", ["secrets.age", "manifest.json", "config/gateway.json"])
def test_a_byte_that_was_changed_in_any_file_is_noticed(delivered, name):
    place = delivered / name
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.chmod(0o600)
    place.write_bytes(content)
    with pytest.raises(IntegrityError):
        read_delivered(delivered)


def test_the_sealed_file_of_another_tenant_is_noticed(delivered):
    (delivered / "secrets.age").unlink()
    os.link(delivered.parent.parent / "acme/api/secrets.age", delivered / "secrets.age")
    with pytest.raises(IntegrityError):
        read_delivered(delivered)


def test_links_and_foreign_files_in_a_bundle_are_refused(delivered):
    (delivered / "config/more.json").symlink_to("/etc/hostname")
    with pytest.raises(IntegrityError, match="regular file"):
        read_delivered(delivered)


@pytest.mark.parametrize("place", ["config", "..", "../..", "nothing"])
def test_what_is_no_folder_of_a_bundle_is_told(delivered, place):
    with pytest.raises(NotFoundError, match="not the folder of a bundle"):
        read_delivered(delivered / place)


def test_what_was_opened_is_for_this_user_alone_and_replaced_whole(tmp_path):
    place = tmp_path / "run/api"
    write_opened(place, {"secrets.json": b"{}", "files/a/b.yaml": b"old", "files/gone": b"x"})
    write_opened(place, {"secrets.json": b"{}", "files/a/b.yaml": b"new"})
    assert modes(place) == {"files": 0o700, "files/a": 0o700, "files/a/b.yaml": 0o600, "secrets.json": 0o600}
    assert (place / "files/a/b.yaml").read_bytes() == b"new"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert [entry.name for entry in place.parent.iterdir()] == ["api"]


@pytest.mark.parametrize("others", ["note.txt", "files2/a"])
def test_a_folder_with_other_files_is_left_alone(tmp_path, others):
    place = tmp_path / "api"
    (place / others).parent.mkdir(parents=True)
    (place / others).write_text("mine")
    with pytest.raises(ConflictError):
        write_opened(place, {"secrets.json": b"{}"})
    assert (place / others).read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["api"]


def test_nothing_is_written_when_one_file_cannot_be(tmp_path):
    place = tmp_path / "api"
    write_opened(place, {"secrets.json": b"old"})
    with pytest.raises(Exception, match="write"):
        write_opened(place, {"secrets.json": b"new", "files/a": b"x", "files/a/b": b"y"})
    assert (place / "secrets.json").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["api"]


def test_what_a_killed_one_left_goes_with_the_next(tmp_path):
    for left in (".api.new", ".api.old"):
        (tmp_path / left / "files").mkdir(parents=True)
        (tmp_path / left / "files/secret").write_text("canary")
    write_opened(tmp_path / "api", {"secrets.json": b"{}"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["api"]
