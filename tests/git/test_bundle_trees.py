"""Bundles in layers have the trees of their files, however they are laid; what they share is made once, and nothing else is written."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import UsageError
from llmcfg.git.durable import ObjectWriter
from llmcfg.model.files import Files
from llmcfg.model.laid import Laid
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import BundleFiles, make_bundle, make_part

REF = "refs/heads/deployed/prod"
paths = st.sampled_from(
    ["config/a.json", "config/a-b.json", "config/a/b.json", "config/s/B.json", "config/s/t/c.json", "files/x"]
)
layers = st.lists(st.dictionaries(paths, st.binary(max_size=3).map(make_part), max_size=4), min_size=1, max_size=4)


def bundle(parts, tenant="acme", beside=None):
    return BundleFiles(make_bundle(Target("prod", tenant, "api"), parts, {}, ()), beside or {})


def laid(said):
    whole = Laid({})
    for own in said:
        whole = Laid(own, whole)
    return whole


def written(bundles):
    return Files({"head.json": b"{}"}, {files.bundle.target.folder: files for files in bundles})


def plain(files):
    return dict(files.items())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers, st.lists(st.dictionaries(paths, st.binary(max_size=3).map(make_part), max_size=3), max_size=3))
def test_the_tree_is_that_of_the_files(workspace, base, tenants):
    repository, beneath = workspace.open(), laid(base)
    writer = ObjectWriter(repository._git, repository.git_dir)
    sealed = {"secrets.age": b"s"}
    files = written([bundle(Laid(own, beneath), f"t{number}", sealed) for number, own in enumerate(tenants)])

    assert writer.write_tree(files, in_pieces=True) == writer.write_tree(plain(files))


def test_nothing_is_written_that_the_tree_does_not_hold(workspace):
    below = Laid({"config/a.json": make_part(b"base"), "config/deep/b.json": make_part(b"b")})
    files = written([bundle(Laid({"config/a.json": make_part(b"own")}, below))])

    workspace.open().commit_files(REF, files, expected=None, message="deploy")

    assert "dangling" not in workspace.git("fsck", "--strict", "--full")


def test_a_large_manifest_lies_in_pieces(workspace):
    parts: Laid[Any] = Laid({f"config/d{number:04}.json": make_part(b"%d" % number) for number in range(600)})
    files = written([bundle(parts)])

    commit = workspace.open().commit_files(REF, files, expected=None, message="deploy")

    there = workspace.open().read_files(commit)
    assert workspace.git("cat-file", "-t", f"{commit}:acme/api/manifest.json") == "tree"
    assert dict(there) == plain(files)
    assert there.digests() == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def test_parts_are_made_once_for_all_bundles_that_share_them(workspace):
    made = []

    class Counted:
        def __init__(self, content):
            self._content = content

        sha256, size = "0" * 64, 1

        @property
        def content(self):
            made.append(self._content)
            return self._content

    below: Laid[Any] = Laid({f"config/d{number}.json": Counted(b"%d" % number) for number in range(50)})
    files = written([bundle(Laid({"config/d7.json": make_part(b"own")}, below), f"t{number}") for number in range(30)])

    workspace.open().commit_files(REF, files, expected=None, message="deploy")

    assert len(made) == 50


@pytest.mark.parametrize("path", ["files/../x", "files/.git/x", "files/con\0", "config"])
def test_what_cannot_be_stored_is_refused(workspace, path):
    files = written([bundle(Laid({"config/a.json": make_part(b"a"), path: make_part(b"b")}))])

    with pytest.raises(UsageError):
        workspace.open().commit_files(REF, files, expected=None, message="deploy")
