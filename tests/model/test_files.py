"""The files of an environment: one mapping by path, whatever its folders are."""

from __future__ import annotations

import hashlib

import pytest

from llmcfg.canonical import digest
from llmcfg.model.files import Entry, Files, StoredFolder, put_together
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import make_bundle, make_part

PLAIN = {
    "head.json": b"{}",
    "roots/1.json": b"1",
    "roots/api/manifest.json": b"of a tenant with that name",
    "acme/api/config/a.json": b"a",
    "acme/api/config/a/b.json": b"b",
    "acme/api/manifest.json": b"m",
}


class Kept:
    """A store of one folder, `tree`."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents

    def entries(self, folder: str) -> dict[str, Entry]:
        names = {path.partition("/")[0]: "/" in path for path in self.contents}
        return {name: Entry(name, is_folder) for name, is_folder in names.items()}

    def files(self, folder: str) -> dict[str, str]:
        return {path: path for path in self.contents}

    def read_blob(self, oid: str) -> bytes:
        return self.contents[oid]

    def digest(self, oid: str) -> str:
        return digest(self.contents[oid])


def test_files_put_together_are_the_same_files_in_the_order_of_paths():
    files = put_together(PLAIN)

    assert files == PLAIN
    assert list(files) == sorted(PLAIN)
    assert len(files) == len(PLAIN)
    assert {*files.top} == {"head.json", "roots/1.json"}
    assert {*files.folders} == {"roots/api", "acme/api"}
    assert put_together(files) is files


@pytest.mark.parametrize("path", ["acme/api", "acme/api/", "acme/other/manifest.json", "roots/2.json", "head", ""])
def test_what_is_not_there_is_not_there(path):
    files = put_together(PLAIN)

    assert path not in files
    with pytest.raises(KeyError):
        files[path]


def test_a_stored_folder_with_files_put_and_taken_out():
    folder = StoredFolder(Kept({"config/a.json": b"a", "manifest.json": b"m", "old": b"o"}), "tree")

    changed = folder.put("old", None).put("new", b"n").put("manifest.json", b"other")

    assert dict(folder) == {"config/a.json": b"a", "manifest.json": b"m", "old": b"o"}
    assert dict(changed) == {"config/a.json": b"a", "manifest.json": b"other", "new": b"n"}
    assert "old" not in changed
    assert folder.put("never there", None) is folder
    with pytest.raises(KeyError):
        changed["old"]
    with pytest.raises(KeyError):
        folder["config"]


def test_digests_are_those_of_the_contents_in_any_form():
    target = Target("prod", "acme", "api")
    bundle = make_bundle(target, {"config/a.json": make_part(b"{}\n")}, {}, ())
    stored = StoredFolder(Kept({"config/a.json": b"a", "manifest.json": b"m"}), "tree").put("manifest.json", b"x")
    built = bundle.files().put("bundle.dsse.json", b"signed")
    files = Files({"head.json": b"{}"}, {"a/api": stored, "b/api": built, "c/api": {"manifest.json": b"m"}})

    assert files.digests() == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    assert set(files) == files.digests().keys()
