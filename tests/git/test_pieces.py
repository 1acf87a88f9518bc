"""Large lists on a deployed branch lie in pieces, which bundles and versions share; whoever reads them sees files."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError
from llmcfg.git.durable import ObjectWriter
from llmcfg.git.pieces import is_in_pieces, name_of_piece, stored_as

REF = "refs/heads/deployed/prod"
LIST = "acme/api/manifest.json"


def listed(count: int, **changed: str) -> bytes:
    """A manifest of so many parts, as far as its form goes."""
    parts = {f"config/section/d{number:04}.json": number for number in range(count)} | changed
    said = {path: {"sha256": hashlib.sha256(repr(it).encode()).hexdigest(), "size": 9} for path, it in parts.items()}
    return json.dumps({"parts": said}, separators=(",", ":"), sort_keys=True).encode()


@pytest.fixture
def repository(workspace):
    return workspace.open()


def deploy(repository, files, expected=None):
    return repository.commit_files(REF, files, expected=expected, message="deploy")


@given(st.binary(max_size=300), st.integers(0, 4000), st.sampled_from([b'a10"', b"0" * 64 + b'":', b"x"]))
def test_pieces_are_the_content_in_their_order(start, count, again):
    content = start + again * count

    pieces = stored_as(LIST, content)

    assert b"".join(pieces.values()) == content
    assert [*pieces] == sorted(pieces)
    assert all(4096 <= len(piece) <= 65536 for piece in [*pieces.values()][:-1])


@pytest.mark.parametrize("place", [0, 700, 1999])
@pytest.mark.parametrize("how", ["changed", "added"])
def test_one_entry_changes_few_pieces_wherever_it_stands(place, how):
    name = f"config/section/d{place:04}.json" if how == "changed" else f"config/section/d{place:04}x.json"

    before, after = stored_as(LIST, listed(2000)), stored_as(LIST, listed(2000, **{name: "other"}))

    assert len(after) > 15
    assert 1 <= len({*after.values()} - {*before.values()}) <= 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("head.json", True),
        (LIST, True),
        ("acme/api/files/manifest.json", False),
        ("acme/api/head.json", False),
        ("acme/manifest.json", False),
        ("acme/api/config/large.json", False),
    ],
)
def test_only_lists_are_cut(path, expected):
    assert is_in_pieces(path, listed(2000)) is expected
    assert not is_in_pieces(path, b"{}")


def test_whoever_reads_sees_files(workspace, repository):
    files = {"head.json": listed(900), LIST: listed(2000), "acme/api/config/a.json": b"{}\n"}

    commit = deploy(repository, files)

    there = workspace.open().read_files(commit)
    folder = there.folders["acme/api"]
    assert dict(there) == files
    assert [*folder] == ["config/a.json", "manifest.json"]
    assert there.digests() == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    assert workspace.open().read_file(commit, "head.json") == files["head.json"]
    assert workspace.git("cat-file", "-t", f"{commit}:{LIST}") == "tree"
    assert "dangling" not in workspace.git("fsck", "--strict", "--full")


def test_git_gives_the_content_of_a_list_by_its_pieces(workspace, repository):
    commit = deploy(repository, {"head.json": listed(900)})

    oids = workspace.git("ls-tree", "--object-only", commit, "head.json/").split()

    assert "".join(workspace.git("cat-file", "blob", oid) for oid in oids) == listed(900).decode()


def test_bundles_and_versions_share_their_pieces(workspace, repository):
    def written(commit):
        return set(workspace.git("ls-tree", "-r", "--object-only", commit).split())

    tenants = {f"t{number}/api/manifest.json": listed(2000, own=str(number)) for number in range(20)}
    first = deploy(repository, tenants)
    second = deploy(repository, {**tenants, "t7/api/manifest.json": listed(2000, own="other")}, expected=first)

    assert len(written(first)) < len(stored_as(LIST, listed(2000))) + 2 * len(tenants)
    assert len(written(second) - written(first)) <= 2


def test_a_folder_that_stays_keeps_its_list_with_what_is_put_beside_it(workspace, repository):
    commit = deploy(repository, {LIST: listed(2000)})
    files = repository.read_files(commit)

    files.folders["acme/api"] = files.folders["acme/api"].put("bundle.dsse.json", b"signed\n")
    again = deploy(repository, files, expected=commit)

    assert dict(repository.read_files(again)) == {LIST: listed(2000), "acme/api/bundle.dsse.json": b"signed\n"}
    assert workspace.git("rev-parse", f"{again}:{LIST}") == workspace.git("rev-parse", f"{commit}:{LIST}")


def test_lists_that_were_stored_whole_are_read_and_kept(workspace, repository):
    files = {"head.json": listed(900), LIST: listed(2000), "beta/api/manifest.json": listed(2000, own="beta")}
    writer = ObjectWriter(workspace.open()._git, repository.git_dir)
    tree = writer.write_tree(files)
    before = writer.write_commit(tree, (), "deploy")
    repository.move_ref(REF, None, before)

    there = repository.read_files(before)
    there.folders["beta/api"] = {"manifest.json": listed(2000, own="other")}
    after = deploy(repository, there, expected=before)

    assert dict(workspace.open().read_files(before)) == files
    assert workspace.git("cat-file", "-t", f"{before}:{LIST}") == "blob"
    assert workspace.git("rev-parse", f"{after}:acme") == workspace.git("rev-parse", f"{before}:acme")
    assert workspace.git("cat-file", "-t", f"{after}:beta/api/manifest.json") == "tree"


def put_together(workspace, entries):
    """A deployed branch whose head is a folder of these lines of `git mktree`."""
    head = workspace.git("mktree", "--missing", stdin="".join(f"{line}\n" for line in entries).encode())
    tree = workspace.git("mktree", stdin=f"040000 tree {head}\thead.json\n".encode())
    return workspace.git("commit-tree", tree, "-m", "by hand")


@pytest.mark.parametrize("how", ["a gap", "another name", "a folder", "a link", "missing", "too large"])
def test_a_folder_that_is_no_list_is_damage(workspace, how):
    blob = workspace.git("hash-object", "-w", "--stdin", stdin=b"{}")
    large = workspace.git("hash-object", "-w", "--stdin", stdin=b"x" * (5 << 20))
    folder = workspace.git("mktree", stdin=f"100644 blob {blob}\tx\n".encode())
    first = f"100644 blob {blob}\t{name_of_piece(0)}"
    lines = {
        "a gap": [first, f"100644 blob {blob}\t{name_of_piece(2)}"],
        "another name": [first, f"100644 blob {blob}\tnotes"],
        "a folder": [first, f"040000 tree {folder}\t{name_of_piece(1)}"],
        "a link": [first, f"120000 blob {blob}\t{name_of_piece(1)}"],
        "missing": [first, f"100644 blob {'1' * 40}\t{name_of_piece(1)}"],
        "too large": [f"100644 blob {large}\t{name_of_piece(number)}" for number in range(2)],
    }

    commit = put_together(workspace, lines[how])

    with pytest.raises(IntegrityError):
        workspace.open().read_files(commit)
    with pytest.raises(IntegrityError):
        workspace.open().read_file(commit, "head.json")
