"""The mapped files of a delivery: made from its plain files, in an order of their own, and not observed while they are right."""

from __future__ import annotations

import hashlib

import pytest

from llmcfg.bundlefile.reader import open_bundle
from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import environment_files, make_bundle, make_part
from llmcfg.sinks.directory import DirectorySink

API, BOT = Target("prod", "acme", "api"), Target("prod", None, "bot")


def delivery(rpm, *, commit="ab" * 20, names=("limits",), targets=(API, BOT)):
    """The files of an environment whose first target has another limit."""
    bundles = {}
    for target in targets:
        value = {"rpm": rpm if target is API else 1}
        parts = {f"config/{name}.json": make_part(canonical_json(value) + b"\n") for name in names}
        bundles[target] = make_bundle(target, parts, {}, ())
    return dict(environment_files("prod", bundles, commit))


def deliver(sink, files):
    sink.deliver(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest(), files)


def digests(files):
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def mapped(root, target=API):
    return open_bundle(root / "current" / target.folder / "bundle.llmcfg")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "prod"


@pytest.fixture
def sink(root):
    return DirectorySink(root, keep=3)


def test_each_bundle_has_one_that_holds_what_its_plain_files_hold(sink, root):
    files = delivery(10)
    deliver(sink, files)

    assert sink.observe() == digests(files)
    for target in (API, BOT):
        bundle = mapped(root, target)
        bundle.verify()
        assert bundle.manifest() == files[f"{target.folder}/manifest.json"]
        assert bundle.head.commit == "ab" * 20
        assert (root / "current" / target.folder / "bundle.llmcfg").stat().st_mode & 0o777 == 0o600


def test_heads_follow_one_another_and_going_back_goes_forward(sink, root):
    heads = []
    for rpm in (10, 20, 10, 20):
        deliver(sink, delivery(rpm))
        heads.append(mapped(root).head)

    assert [head.previous for head in heads[1:]] == [head.root for head in heads[:-1]]
    assert [head.sequence for head in heads] == sorted({head.sequence for head in heads})
    assert heads[0].root == heads[2].root != heads[1].root == heads[3].root
    assert mapped(root).read("config/limits.json") == b'{"rpm":20}\n'


def test_a_consumer_whose_bundle_did_not_change_keeps_its_head(sink, root):
    deliver(sink, delivery(10))
    before = mapped(root, BOT).head
    deliver(sink, delivery(20))

    assert mapped(root, BOT).head == before


def test_another_commit_with_the_same_content_gives_another_head_over_the_same_root(sink, root):
    deliver(sink, delivery(10))
    before = mapped(root).head
    deliver(sink, delivery(10, commit="cd" * 20))

    after = mapped(root).head
    assert (after.root, after.commit, after.previous) == (before.root, "cd" * 20, before.root)
    assert after.sequence > before.sequence


def test_a_folder_that_is_made_anew_goes_on_above_the_old_numbers(tmp_path):
    first = DirectorySink(tmp_path / "first")
    for rpm in range(5):
        deliver(first, delivery(rpm))
    before = mapped(tmp_path / "first").head.sequence

    deliver(DirectorySink(tmp_path / "second"), delivery(9))

    assert mapped(tmp_path / "second").head.sequence >= before


def damage(path):
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda path: path.unlink(),
        damage,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes((path.parents[2] / BOT.folder / "bundle.llmcfg").read_bytes()),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["removed", "damaged", "emptied", "of another bundle", "folder"],
)
def test_one_that_is_not_what_the_plain_files_say_is_drift_and_is_mended(sink, root, tamper):
    files = delivery(10)
    deliver(sink, files)
    tamper(root / "current" / API.folder / "bundle.llmcfg")

    assert sink.observe() != digests(files)
    deliver(sink, files)

    assert sink.observe() == digests(files)
    assert mapped(root).read("config/limits.json") == b'{"rpm":10}\n'


def test_a_damaged_one_is_no_obstacle_to_the_next_delivery(sink, root):
    deliver(sink, delivery(10))
    damage(root / "current" / API.folder / "bundle.llmcfg")

    deliver(sink, delivery(20))

    mapped(root).verify()


def test_a_delivery_from_before_there_were_any_is_drift_and_is_mended(sink, root):
    files = delivery(10)
    deliver(sink, files)
    for target in (API, BOT):
        (root / "current" / target.folder / "bundle.llmcfg").unlink()

    assert {path for path, said in sink.observe().items() if said == "missing"} == {
        f"{target.folder}/bundle.llmcfg" for target in (API, BOT)
    }
    deliver(sink, files)
    assert sink.observe() == digests(files)


def test_a_rendered_file_named_like_a_manifest_makes_no_bundle(sink, root):
    files = delivery(10) | {"acme/api/files/deep/manifest.json": b"{}"}

    with pytest.raises(IntegrityError, match=r"files/deep/manifest\.json"):
        deliver(sink, files)
    files = {"a/manifest.json": b"{}", "a/b/c/manifest.json": b"{}"}
    deliver(sink, files)
    assert sink.observe() == digests(files)


def test_a_delivery_that_is_no_bundle_leaves_the_one_before(sink, root):
    good = delivery(10)
    deliver(sink, good)

    with pytest.raises(IntegrityError):
        deliver(sink, good | {"acme/api/config/limits.json": b'{"rpm":11}\n'})

    assert sink.observe() == digests(good)
