"""A stored folder with other files put into it is written as a folder of all of them would be, to the byte, and little of it is written."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import UsageError
from llmcfg.model.files import Files, StoredFolder
from support.written import WrittenRepository

REF = "refs/llmcfg/test"
LONG = b"".join(b'{"sha256":"%064x0"}' % number for number in range(2_000))
FIRST = {
    "manifest.json": LONG,
    "config/a.json": b"a",
    "config/deep/b.json": b"b",
    "config/deep/er/c.json": b"c",
    "files/manifest.json/x": b"x",
    "files/out.txt": b"out",
}
CONTENTS = st.sampled_from([b"", b"new", LONG[:-50] + b"!" + LONG, None])
OWN = st.dictionaries(st.sampled_from([*FIRST, "config/new.json", "files/deep/new.txt", "bundle.dsse.json"]), CONTENTS)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return WrittenRepository(tmp_path_factory.mktemp("repository"), {}).workspace().repository


def written(repository, folder):
    """The tree that the folder of a bundle becomes, and the folder as it is stored then."""
    files = Files({"head.json": b"{}\n"}, {"acme/api": folder})
    commit = repository.keep_files(REF, files, expected=repository.read_ref(REF), message="kept")
    stored = repository.read_files(commit).folders["acme/api"]
    assert isinstance(stored, StoredFolder)
    return stored


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(OWN)
def test_what_is_put_into_a_stored_folder_is_written_as_all_of_it_is(repository, own):
    whole = {path: content for path, content in {**FIRST, **own}.items() if content is not None}
    amended = written(repository, FIRST).amended(own)
    assert dict(amended) == dict(sorted(whole.items()))
    if whole:
        assert written(repository, amended).id == written(repository, whole).id


def test_pieces_that_stay_are_not_written_again(repository):
    objects = repository.git_dir / "objects"
    stored = written(repository, FIRST)
    before = {path for path in objects.rglob("*") if path.is_file()}
    written(repository, stored.amended({"manifest.json": LONG + b" ", "config/a.json": b"another"}))
    new = [path for path in objects.rglob("*") if path.is_file() and path not in before]
    assert sum(path.stat().st_size for path in new) < len(LONG) // 8


def test_a_file_in_the_place_of_a_folder_is_refused(repository):
    stored = written(repository, FIRST)
    for path in ("config/deep", "config/a.json/x", "files/manifest.json", "files"):
        with pytest.raises(UsageError):
            written(repository, stored.amended({path: b"x"}))
