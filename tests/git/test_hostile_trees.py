"""Trees that Git's own readers accept, written byte for byte: each is refused with its rule, and its neighbours stay readable."""

from __future__ import annotations

import hashlib
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError
from llmcfg.git.filenames import display_name, why_not_a_file_name
from llmcfg.git.trees import parse_tree
from llmcfg.limits import BLOB_BYTES, TREE_ENTRIES
from llmcfg.model.snapshot import Revision

FILE, FOLDER = b"100644", b"40000"


def read(workspace, commit):
    snapshot = workspace.open().snapshot(Revision(commit, commit))
    return list(snapshot.entries), [(finding.rule_id, finding.origin.file) for finding in snapshot.findings]


HOSTILE_NAMES = [
    b".git",
    b".GIT",
    b".Git ",
    b".git.",
    b".",
    b"..",
    b"",
    b"a/b",
    b"/etc/x",
    b"git~1",
    b"GIT~1",
    b".git::$INDEX_ALLOCATION",
    b"..\\x",
    b"C:",
    ".g\u200cit".encode(),
    "\ufeff.git".encode(),
    "a\u202egpj.yaml".encode(),
    b"aux.yaml",
    b"CON",
    b"com1.txt",
    b"a.yaml.",
    b"a.yaml ",
    b"\xff\xfe.yaml",
    b"a\nb.yaml",
    b"a\tb.yaml",
    b"a\x1b[31m.yaml",
    "café.yaml".encode(),
    b"n" * 129,
    b"n" * 5000,
]


@pytest.mark.fault("G01", "G02", "G03", "G04", "G10", "G11", "G12")
@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda name: ascii(name[:24]))
def test_name_that_cannot_travel_is_refused_and_its_neighbour_is_read(workspace, name):
    blob = workspace.blob()
    entries = sorted([(FILE, name, blob), (FILE, b"good.yaml", blob)], key=lambda entry: entry[1])
    paths, findings = read(workspace, workspace.base_of(*entries))
    assert paths == ["base/good.yaml"]
    assert [rule for rule, _ in findings] == ["tree-name"]


@pytest.mark.fault("G11")
def test_names_in_findings_are_escaped_and_cut(workspace):
    commit = workspace.base_of((FILE, b"a\x1b[31m\n.yaml", workspace.blob()))
    [finding] = workspace.open().snapshot(Revision(commit, commit)).findings
    assert "\x1b" not in finding.message + finding.origin.file
    assert "\\x1b[31m\\n" in finding.origin.file
    assert finding.hint
    assert len(display_name(b"n" * 5000)) == 80


@pytest.mark.parametrize("name", [b"a.yaml", b"A-b_c+d@e=f.j2", b".gitkeep", b"gitignore", b"console.yaml", b"0"])
def test_ordinary_names_are_accepted(name):
    assert why_not_a_file_name(name) is None


@pytest.mark.fault("G05", "G06", "G07")
@pytest.mark.parametrize(
    ("mode", "says"),
    [(b"120000", "symbolic link"), (b"160000", "submodule")]
    + [(mode, mode.decode()) for mode in (b"100600", b"100664", b"104755", b"040000", b"0", b"100000")],
)
def test_entry_that_is_no_regular_file_is_refused(workspace, mode, says):
    blob = workspace.blob(b"../../etc/passwd")
    commit = workspace.base_of((FILE, b"a.yaml", blob), (mode, b"b.yaml", blob))
    snapshot = workspace.open().snapshot(Revision(commit, commit))
    assert list(snapshot.entries) == ["base/a.yaml"]
    [finding] = snapshot.findings
    assert (finding.rule_id, finding.origin.file) == ("tree-mode", "base/b.yaml")
    assert says in finding.message


@pytest.mark.fault("G07")
def test_mode_and_type_that_disagree_are_refused(workspace):
    blob = workspace.blob()
    folder = workspace.tree((FILE, b"x.yaml", blob))
    commit = workspace.base_of((FOLDER, b"blob", blob), (FILE, b"tree.yaml", folder))
    assert read(workspace, commit) == ([], [("tree-type", "base/blob"), ("tree-type", "base/tree.yaml")])


@pytest.mark.fault("G08")
def test_duplicate_entries_are_all_refused_and_said_once(workspace):
    one, two = workspace.blob(b"a: 1\n"), workspace.blob(b"a: 2\n")
    commit = workspace.base_of((FILE, b"a.yaml", one), (FILE, b"a.yaml", two), (FILE, b"b.yaml", one))
    assert read(workspace, commit) == (["base/b.yaml"], [("tree-order", "base/a.yaml")])


@pytest.mark.fault("G08")
def test_file_and_directory_of_one_name_are_refused_even_when_apart(workspace):
    blob = workspace.blob()
    folder = workspace.tree((FILE, b"x.yaml", blob))
    commit = workspace.base_of((FILE, b"a", blob), (FILE, b"a.b", blob), (FOLDER, b"a", folder))
    assert read(workspace, commit) == (["base/a.b"], [("tree-order", "base/a")])


@pytest.mark.fault("G08")
def test_entry_out_of_order_is_refused(workspace):
    blob = workspace.blob()
    commit = workspace.base_of((FILE, b"b.yaml", blob), (FILE, b"a.yaml", blob), (FILE, b"c.yaml", blob))
    assert read(workspace, commit) == (["base/b.yaml", "base/c.yaml"], [("tree-order", "base/a.yaml")])


def test_directory_sorts_as_git_sorts_it(workspace):
    blob = workspace.blob()
    folder = workspace.tree((FILE, b"x.yaml", blob))
    commit = workspace.base_of((FILE, b"a-b", blob), (FILE, b"a.b", blob), (FOLDER, b"a", folder), (FILE, b"a0", blob))
    assert read(workspace, commit) == (["base/a-b", "base/a.b", "base/a/x.yaml", "base/a0"], [])


@pytest.mark.fault("G09")
def test_names_that_differ_in_case_are_refused_naming_both(workspace):
    blob = workspace.blob()
    commit = workspace.base_of((FILE, b"A.yaml", blob), (FILE, b"a.yaml", blob))
    snapshot = workspace.open().snapshot(Revision(commit, commit))
    [finding] = snapshot.findings
    assert finding.rule_id == "tree-collision"
    assert "'A.yaml'" in finding.message
    assert "'a.yaml'" in finding.message


def test_folder_that_collides_with_a_configuration_folder_is_refused(workspace):
    folder = workspace.tree((FILE, b"x.yaml", workspace.blob()))
    commit = workspace.commit_of_tree(workspace.tree((FOLDER, b"Base", folder), (FOLDER, b"base", folder)))
    _, findings = read(workspace, commit)
    assert findings == [("tree-collision", "base")]


def test_what_lies_outside_the_configuration_is_ignored_unless_no_tree_may_hold_it(workspace):
    blob = workspace.blob()
    entries = [
        (FOLDER, b".git", workspace.tree()),
        (FILE, b"README.md", blob),
        (FILE, "Résumé d'été.md".encode(), blob),
        (FOLDER, b"base", workspace.tree((FILE, b"a.yaml", blob))),
        (FILE, b"readme.md", blob),
        (FOLDER, b"src", "f" * 40),
        (b"160000", b"vendor", "e" * 40),
    ]
    commit = workspace.commit_of_tree(workspace.tree(*sorted(entries, key=lambda entry: entry[1])))
    assert read(workspace, commit) == (["base/a.yaml"], [("tree-name", ".git")])


def test_truncated_tree_is_damaged_and_keeps_what_is_whole(workspace):
    blob = workspace.blob()
    raw = b"100644 a.yaml\0" + bytes.fromhex(blob) + b"100644 b.yaml\0" + b"short"
    broken = workspace.raw_object("tree", raw)
    commit = workspace.commit_of_tree(workspace.tree((FOLDER, b"base", broken)))
    assert read(workspace, commit) == (["base/a.yaml"], [("object-corrupt", "base")])


def write_pack(workspace, objects):
    """Store (type number, content) pairs as one pack, which is quicker than as many files."""
    packed = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content in objects:
        size, head = len(content) >> 4, kind << 4 | len(content) & 15
        length = bytearray()
        while size:
            length.append(head | 0x80)
            head, size = size & 0x7F, size >> 7
        packed += bytes([*length, head]) + zlib.compress(content)
    workspace.git("index-pack", "--stdin", stdin=packed + hashlib.sha1(packed).digest())


def nested_trees(count, leaf):
    trees, oid = [], leaf
    for _ in range(count):
        raw = b"40000 d\0" + bytes.fromhex(oid)
        trees.append((2, raw))
        oid = hashlib.sha1(b"tree %d\0" % len(raw) + raw).hexdigest()
    return trees, oid


@pytest.mark.fault("G12", "G13")
def test_thousands_of_nested_trees_end_at_the_depth_limit(workspace):
    trees, top = nested_trees(5000, workspace.tree((FILE, b"a.yaml", workspace.blob())))
    write_pack(workspace, trees)
    paths, findings = read(workspace, workspace.base_of((FOLDER, b"d", top)))
    assert paths == []
    assert findings == [("tree-depth", "base" + "/d" * 16)]


def test_directories_up_to_the_depth_limit_are_read(workspace):
    trees, top = nested_trees(14, workspace.tree((FILE, b"a.yaml", workspace.blob())))
    write_pack(workspace, trees)
    assert read(workspace, workspace.base_of((FOLDER, b"d", top))) == (["base" + "/d" * 15 + "/a.yaml"], [])


@pytest.mark.fault("G14")
def test_tree_that_unfolds_to_ten_thousand_million_files_ends_at_the_count_limit(workspace):
    oid, mode = workspace.blob(), FILE
    for _ in range(10):
        oid, mode = workspace.tree(*((mode, b"f%d" % number, oid) for number in range(10))), FOLDER
    paths, findings = read(workspace, workspace.base_of((FOLDER, b"bomb", oid)))
    assert findings == [("tree-count", ".")]
    assert len(paths) <= TREE_ENTRIES


@pytest.mark.fault("G15", "G16")
def test_file_over_the_limit_is_refused_by_its_header(workspace):
    honest = workspace.loose(b"blob", b"\0" * (BLOB_BYTES + 1))
    at_limit = workspace.loose(b"blob", b"\0" * BLOB_BYTES)
    claimed = "12" * 20  # says that it has a gigabyte; nothing that inflates it could say anything else than damaged
    workspace.loose_file(claimed).parent.mkdir(exist_ok=True)
    workspace.loose_file(claimed).write_bytes(zlib.compress(b"blob 1073741824\0" + b"\0" * 1000))
    commit = workspace.base_of((FILE, b"a.yaml", at_limit), (FILE, b"b.yaml", honest), (FILE, b"c.yaml", claimed))
    repository = workspace.open()
    snapshot = repository.snapshot(Revision(commit, commit))
    assert list(snapshot.entries) == ["base/a.yaml"]
    assert [(it.rule_id, it.origin.file) for it in snapshot.findings] == [
        ("blob-size", "base/b.yaml"),
        ("blob-size", "base/c.yaml"),
    ]
    assert "8,388,608" in snapshot.findings[0].message
    with pytest.raises(IntegrityError):
        snapshot.read(honest)


@pytest.mark.fault("G15")
def test_tree_object_over_the_limit_is_refused_by_its_header(workspace):
    bomb = workspace.loose(b"tree", b"\0" * (33 << 20))
    assert read(workspace, workspace.commit_of_tree(workspace.tree((FOLDER, b"base", bomb)))) == (
        [],
        [("tree-count", "base")],
    )


@pytest.mark.fault("G19", "G20")
def test_missing_and_damaged_objects_are_findings(workspace):
    good, damaged = workspace.blob(b"good: 1\n"), workspace.blob(b"damaged: 1\n")
    commit = workspace.base_of(
        (FILE, b"a.yaml", good), (FILE, b"b.yaml", "b" * 40), (FOLDER, b"c", "c" * 40), (FILE, b"d.yaml", damaged)
    )
    path = workspace.loose_file(damaged)
    path.chmod(0o644)
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    assert read(workspace, commit) == (
        ["base/a.yaml"],
        [("object-missing", "base/b.yaml"), ("object-missing", "base/c"), ("object-corrupt", "base/d.yaml")],
    )


@pytest.mark.fault("G20")
def test_object_with_the_content_of_another_is_not_served(workspace):
    one, two = workspace.blob(b"a: 1\n"), workspace.blob(b"a: 2\n")
    commit = workspace.base_of((FILE, b"a.yaml", one))
    workspace.loose_file(one).chmod(0o644)
    workspace.loose_file(one).write_bytes(workspace.loose_file(two).read_bytes())
    snapshot = workspace.open().snapshot(Revision(commit, commit))
    with pytest.raises(IntegrityError, match="damaged"):
        snapshot.read(one)


@pytest.mark.fault("G19")
def test_objects_that_are_fetched_later_are_seen(workspace):
    repository = workspace.open()
    blob = "fae6ba2a8ac4d8a0cd5bd1b0b0a5f5e04bd5ce85"
    content = b"late: 1\n"
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    revision = Revision(workspace.base_of((FILE, b"a.yaml", blob)), "late")
    assert repository.snapshot(revision).findings[0].rule_id == "object-missing"
    workspace.blob(content)
    assert list(repository.snapshot(revision).entries) == ["base/a.yaml"]
    assert repository.snapshot(revision).findings == ()


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception(raw):
    parse_tree(raw)
    parse_tree(raw, frozenset(["base"]))


names = st.lists(st.binary(min_size=1, max_size=6).filter(lambda name: b"\0" not in name), unique=True, max_size=12)


@settings(deadline=None)
@given(names)
def test_every_name_is_either_read_or_refused(drawn):
    raw = b"".join(b"100644 " + name + b"\0" + b"\1" * 20 for name in sorted(drawn))
    parsed = parse_tree(raw)
    assert len(parsed.entries) + len(parsed.refusals) == len(drawn)


def test_reads_what_git_lists(workspace):
    files = {
        f"{folder}/{name}": f"v: {name}\n"
        for folder in ("base", "base/a", "tenants/acme")
        for name in ("a", "a.b", "a-c0")
    }
    files.pop("base/a")
    workspace.commit_files(files)
    listed = dict(
        reversed(line.split(" ")[2].split("\t")) for line in workspace.git("ls-tree", "-r", "HEAD").splitlines()
    )
    snapshot = workspace.open().snapshot(workspace.open().resolve("HEAD"))
    assert {path: entry.oid for path, entry in snapshot.entries.items()} == listed
    assert snapshot.findings == ()


def test_a_name_is_escaped_once(workspace):
    commit = workspace.base_of((FILE, b"a\nb.yaml", workspace.blob()))
    [finding] = workspace.open().snapshot(Revision(commit, commit)).findings
    assert finding.message.startswith("the name 'a\\nb.yaml' is refused")
