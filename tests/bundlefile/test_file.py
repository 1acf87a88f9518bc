"""Bundle files: what is written is read back, in parts, and the digests are those of the bundle's manifest."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.bundlefile import files as bundle_files
from llmcfg.bundlefile import frames
from llmcfg.bundlefile.bundle import Bundle
from llmcfg.bundlefile.files import bundle_of
from llmcfg.bundlefile.head import Claims, Signature
from llmcfg.bundlefile.reader import open_bundle, read_bundle
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.errors import IntegrityError
from support.bundles import bundle, document, files_of, numbered

PARTS = {
    "config/limits.json": document({"rpm": 10, "tpm": 4000}),
    "config/models/gpt.json": document({"name": "gpt", "tags": ["a", "ü", "\U0001f600"]}),
    "files/app.env": b"RPM=10\n",
    "files/empty": b"",
    "files/noise": hashlib.shake_128(b"noise").digest(5000),
}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
SEGMENTS = st.text("abc-_.é", min_size=1, max_size=5).filter(lambda text: text not in (".", ".."))
NAMES = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)


def read_all(made):
    return {name: made.read(name) for name, _ in made.tree.below()}


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, VALUES, max_size=40), st.dictionaries(NAMES, st.binary(max_size=40), max_size=4))
def test_what_is_written_is_read_back(documents, rendered):
    parts = {f"config/{name}.json": document(value) for name, value in documents.items()}
    parts |= {f"files/{name}": content for name, content in rendered.items()}

    read = read_bundle(pack_bundle(bundle(parts)))

    assert {name: content for name, content in read_all(read).items() if name != "lock.json"} == parts
    assert read.manifest() == files_of(parts)["manifest.json"]
    read.verify()


CLAIMS = Claims(
    repository="0123456789abcdef" * 2, epoch=2, sequence=7, previous=b"p" * 32, issued=1_760_000_000, expires=1_770_000_000,
    sources=b"s" * 32, manifest=b"m" * 32, signatures=[Signature(b"k" * 32, b"s" * 64)],
)  # fmt: skip


def test_every_field_of_the_head_is_read_back():
    head = bundle(PARTS).head._replace(
        sequence=7, previous=b"p" * 32, commit="ab" * 20, issued=1_760_000_000, expires=1_770_000_000,
        claims=CLAIMS,
    )  # fmt: skip

    assert read_bundle(pack_bundle(Bundle(head, bundle(PARTS).tree))).head == head


def test_leaves_are_the_digests_of_the_manifest_and_the_head_names_the_bundles():
    files = files_of(PARTS, secrets={"key": "0" * 64})
    manifest = json.loads(files["manifest.json"])

    made = bundle_of(files)

    leaves = {name: leaf.sha256.hex() for name, leaf in made.tree.below() if name != "lock.json"}
    assert leaves == {name: part["sha256"] for name, part in manifest["parts"].items()}
    assert f"sha256:{made.head.digest.hex()}" == manifest["digest"]
    assert made.lock()["target"] == manifest["target"]
    assert made.manifest() == files["manifest.json"]


def test_the_same_parts_give_the_same_bytes_in_any_order():
    parts = numbered(200)

    assert pack_bundle(bundle(parts)) == pack_bundle(bundle(dict(reversed(parts.items()))))


@pytest.mark.parametrize("count", [3, 200])
def test_a_file_made_from_another_has_the_bytes_of_one_made_from_nothing(count):
    before = read_bundle(pack_bundle(bundle(numbered(count))))

    after = bundle(numbered(count + 5, changed={1, 2}), before)

    assert pack_bundle(after) == pack_bundle(bundle(numbered(count + 5, changed={1, 2})))


def test_frames_of_parts_that_stayed_are_taken_over_as_they_are(monkeypatch):
    monkeypatch.setattr(frames, "_LEVEL", 0)
    before = read_bundle(pack_bundle(bundle(numbered(200))))
    monkeypatch.undo()

    after = read_bundle(pack_bundle(bundle(numbered(200, changed={7}), before)))

    assert after.tree.find("config/models/r00101.json").place.length > 40
    assert after.tree.find("config/models/r00007.json").place.length < 30


def test_damage_anywhere_is_seen_at_once_by_who_asks_for_it(tmp_path):
    path = tmp_path / "bundle.llmcfg"
    packed = pack_bundle(bundle(numbered(200)))
    for at in range(0, len(packed), 97):
        path.write_bytes(packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :])
        with pytest.raises(IntegrityError):
            open_bundle(path, check=True)
    path.write_bytes(packed)
    open_bundle(path, check=True)


def test_a_mapped_file_stays_readable_when_it_is_replaced_and_removed(tmp_path):
    path = tmp_path / "bundle.llmcfg"
    path.write_bytes(pack_bundle(bundle(PARTS)))
    opened = open_bundle(path)
    aside = tmp_path / "aside"
    aside.write_bytes(pack_bundle(bundle(numbered(3))))
    aside.rename(path)
    path.unlink()

    assert opened.read("files/app.env") == PARTS["files/app.env"]
    opened.verify()


def test_a_part_that_is_not_there_is_none():
    assert read_bundle(pack_bundle(bundle(PARTS))).read("config/other.json") is None


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.touch(), os.mkfifo])
def test_what_is_no_file_is_no_bundle_file(tmp_path, make):
    make(tmp_path / "bundle.llmcfg")

    with pytest.raises((IntegrityError, IsADirectoryError)):
        open_bundle(tmp_path / "bundle.llmcfg")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"config/limits.json": b"{}\n"}, "config/limits.json is not what"),
        ({"config/more.json": b"{}\n"}, "config/more.json is in"),
        ({"config/limits.json": None}, "config/limits.json is in"),
        ({"manifest.json": b"{}"}, "no readable manifest.json"),
        ({"manifest.json": None}, "no readable manifest.json"),
    ],
)
def test_files_that_are_not_what_their_manifest_says_make_no_bundle(change, said):
    files = {name: content for name, content in (files_of(PARTS) | change).items() if content is not None}

    with pytest.raises(IntegrityError, match=said):
        bundle_of(files)


def test_a_manifest_with_another_digest_makes_no_bundle():
    files = files_of(PARTS)
    manifest = json.loads(files["manifest.json"]) | {"digest": "sha256:" + "0" * 64}

    with pytest.raises(IntegrityError, match=r"digest in manifest\.json"):
        bundle_of(files | {"manifest.json": json.dumps(manifest).encode()})


def test_a_head_over_another_tree_is_found_out_by_verifying():
    made = bundle(PARTS)
    other = Bundle(made.head._replace(digest=b"d" * 32), made.tree)

    with pytest.raises(IntegrityError, match="not the one that its head names"):
        read_bundle(pack_bundle(other)).verify()


def test_the_sealed_part_is_in_the_tree_and_not_in_the_digest():
    files = files_of(PARTS)

    plain, sealed = bundle_of(files), bundle_of({**files, "secrets.age": b"sealed"}, seals={"secrets.age": 7})

    assert sealed.read("secrets.age") == b"sealed"
    assert (sealed.seals(), plain.seals()) == ({"secrets.age": 7}, None)
    assert sealed.head.digest == plain.head.digest
    assert sealed.head.root != plain.head.root
    assert sealed.manifest() == plain.manifest()
    sealed.verify()


@pytest.mark.parametrize(
    ("more", "seals"), [({"secrets.age": b"sealed"}, {}), ({}, {"secrets.age": 7}), ({"sealed/a.age": b""}, None)]
)
def test_what_is_sealed_and_what_is_said_to_be_are_the_same(more, seals):
    with pytest.raises(IntegrityError, match="is sealed, or said to be, but not both"):
        bundle_of({**files_of(PARTS), **more}, seals=seals)


def test_the_file_has_its_name_beside_the_plain_files():
    assert bundle_files.BUNDLE_FILE == "bundle.llmcfg"
