"""Many objects are written as one pack, which Git takes for its own: every object is in it, the like as deltas, and nothing else is."""

from __future__ import annotations

import os
import random
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.git.deltas import Base
from llmcfg.git.newobjects import new_object
from llmcfg.git.packs import make_pack
from llmcfg.git.repository import open_repository
from support.watching import Told

REF = "refs/heads/deployed/prod"
chunks = st.lists(
    st.binary(min_size=1, max_size=60) | st.sampled_from([b"x" * 40, b"0123456789abcdef" * 3]), max_size=12
)


def undone(base, delta):
    """What a reader makes of a delta (gitformat-pack)."""
    sizes, at = [], 0
    for _ in range(2):
        size = shift = 0
        while True:
            size |= (delta[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not delta[at - 1] & 0x80:
                break
        sizes.append(size)
    made = b""
    while at < len(delta):
        word, at = delta[at], at + 1
        assert word, "an instruction that means nothing"
        if not word & 0x80:
            made, at = made + delta[at : at + word], at + word
            continue
        numbers = [0] * 7
        for bit in range(7):
            if word >> bit & 1:
                numbers[bit], at = delta[at], at + 1
        start, length = int.from_bytes(bytes(numbers[:4]), "little"), int.from_bytes(bytes(numbers[4:]), "little")
        assert 0 < length <= 0xFFFF
        assert start + length <= len(base)
        made += base[start : start + length]
    assert sizes == [len(base), len(made)]
    return made


@given(chunks, st.randoms(use_true_random=False), st.integers(0, 200))
def test_a_delta_gives_what_it_was_made_of(parts, chance, most):
    base = b"".join(parts)
    target = b"".join(chance.choice([part, part, part[::-1], b"", os.urandom(9)]) for part in parts)
    delta = Base(base).delta(target, len(target))
    assert delta is not None
    assert undone(base, delta) == target
    bounded = Base(base).delta(target, most)
    assert bounded in (None, delta)


def test_a_delta_of_what_differs_in_a_few_places_is_these_places():
    base = random.Random(1).randbytes(200_000)
    target = base[:70_000] + b"another" + base[70_010:199_000] + b"end"
    delta = Base(base).delta(target, 1000)
    assert undone(base, delta) == target
    assert len(delta) < 60


def test_what_has_nothing_in_common_has_no_delta():
    assert Base(random.Random(1).randbytes(5000)).delta(random.Random(2).randbytes(5000), 2500) is None


def objects(chance):
    """As deployments have them: the like of many bundles, some of them empty, short, large or like nothing else."""
    yield new_object(b"blob", b"")
    yield new_object(b"blob", chance.randbytes(300_000), "*/*/large")
    yield new_object(b"blob", chance.randbytes(300_000), "*/*/large")
    common = chance.randbytes(3000).hex().encode()
    for number in range(200):
        at = chance.randrange(len(common))
        content = common[:at] + b"tenant %d" % number + common[at + chance.randrange(30) :]
        yield new_object(b"blob", content, "*/*/manifest.json")
        yield new_object(b"blob", chance.randbytes(chance.randrange(400)), "*/*/secrets.age")
        yield new_object(b"blob", b"%d" % number, "*/*/short")


@pytest.mark.parametrize("seed", range(5))
def test_git_reads_every_object_of_a_pack_and_finds_nothing_wrong(workspace, seed):
    made = {each.oid: each for each in objects(random.Random(seed))}
    pack = make_pack(made.values())
    place = workspace.path / ".git/objects/pack" / f"pack-{pack.name}"
    place.with_suffix(".pack").write_bytes(pack.content)
    place.with_suffix(".idx").write_bytes(pack.idx)

    shown = workspace.git("verify-pack", "-v", f"{place}.idx")
    assert "chain length = 1" in shown
    assert "chain length = 2" not in shown
    for line in workspace.git("cat-file", "--batch-check", stdin="\n".join(made).encode()).splitlines():
        oid, kind, size = line.split()
        assert made.pop(oid).whole.startswith(f"{kind} {size}\0".encode())
    assert made == {}
    again = workspace.git("index-pack", "--strict", "-o", str(workspace.path / "again.idx"), f"{place}.pack")
    assert again == pack.name
    assert (workspace.path / "again.idx").read_bytes() == pack.idx


def bundles(number, tenants=120):
    """An environment that a change of what all inherit reaches."""
    chance = random.Random(7)
    shared = {f"config/d{at}.json": chance.randbytes(40).hex().encode() for at in range(30)}
    shared["config/d3.json"] = b'{"a":%d}' % number
    files = {"head.json": b"{}"}
    for tenant in range(tenants):
        own = {**shared, "config/own.json": b'{"name":"t%d"}' % tenant}
        listed = "".join(f'"{path}":"{hash_of(content)}",' for path, content in sorted(own.items()))
        for path, content in {**own, "manifest.json": listed.encode()}.items():
            files[f"t{tenant}/api/{path}"] = content
    return files


def hash_of(content):
    return new_object(b"blob", content).oid


def stored_bytes(workspace):
    return sum(path.stat().st_size for path in (workspace.path / ".git/objects").rglob("*") if path.is_file())


def loose(workspace):
    return int(workspace.git("count-objects").split()[0])


def test_a_deployment_that_reaches_many_bundles_costs_some_hundred_bytes_for_each(workspace):
    repository = workspace.open()
    first = repository.commit_files(REF, bundles(1), expected=None, message="deploy")
    before, files = stored_bytes(workspace), loose(workspace)
    second = repository.commit_files(REF, bundles(2), expected=first, message="deploy")

    assert stored_bytes(workspace) - before < 120 * 600
    assert loose(workspace) - files == 1, "the commit"
    assert {**repository.read_tree(second)} == bundles(2)
    assert {**open_repository(workspace.path).read_tree(first)} == bundles(1)
    assert "dangling" not in workspace.git("fsck", "--strict", "--full")


def test_few_objects_are_loose(workspace):
    repository = workspace.open()
    repository.commit_files(REF, bundles(1, tenants=4), expected=None, message="deploy")
    assert [*(workspace.path / ".git/objects/pack").iterdir()] == []


def test_what_another_process_packs_is_seen_by_one_that_looked_before(workspace, in_child):
    mine = workspace.open()
    first = mine.commit_files(REF, bundles(1), expected=None, message="deploy")
    assert mine.read_tree(first)
    other = lambda: workspace.open().commit_files(REF, bundles(2), expected=first, message="deploy")  # noqa: E731
    assert in_child(other) == 0
    assert {**mine.read_tree(mine.read_ref(REF))} == bundles(2)


def test_a_pack_goes_through_a_remote_and_through_gc(workspace, tmp_path):
    repository = workspace.open()
    first = repository.commit_files(REF, bundles(1), expected=None, message="deploy")
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "remote"], check=True)
    workspace.git("push", "-q", str(tmp_path / "remote"), REF)
    clone = tmp_path / "clone"
    workspace.git("clone", "-q", "--branch", "deployed/prod", str(tmp_path / "remote"), str(clone))
    assert (clone / "t5/api/config/own.json").read_bytes() == b'{"name":"t5"}'

    second = repository.commit_files(REF, bundles(2), expected=first, message="deploy")
    workspace.git("push", "-q", str(tmp_path / "remote"), REF)
    subprocess.run(["git", "pull", "-q"], cwd=clone, check=True)
    assert (clone / "t5/api/config/d3.json").read_bytes() == b'{"a":2}'

    workspace.git("gc", "-q", "--prune=now")
    assert loose(workspace) == 0
    assert len([*(workspace.path / ".git/objects/pack").glob("*.pack")]) == 1
    assert {**open_repository(workspace.path).read_tree(second)} == bundles(2)


def test_what_a_crash_left_is_in_nobodys_way(workspace):
    repository = workspace.open()
    repository.commit_files(REF, bundles(1), expected=None, message="deploy")
    folder = workspace.path / ".git/objects/pack"
    [pack] = folder.glob("*.pack")
    shutil.copy(pack, folder / "tmp_pack_0123456789ab")
    pack.with_suffix(".idx").unlink()  # as if it had died before this had its name
    workspace.git("update-ref", "-d", REF)

    again = workspace.open().commit_files(REF, bundles(1), expected=None, message="deploy")
    assert {**open_repository(workspace.path).read_tree(again)} == bundles(1)
    workspace.git("gc", "-q", "--prune=now")
    assert [*folder.glob("tmp_*")] == []
    workspace.git("fsck", "--strict", "--full")


def test_who_watches_is_told_how_many_objects_there_are(workspace):
    told, repository = Told(), workspace.open()
    first = repository.commit_files(REF, bundles(1, tenants=2), expected=None, message="deploy", progress=told)
    few = int(workspace.git("count-objects").split()[0])
    repository.commit_files(REF, bundles(2), expected=first, message="deploy", progress=told)
    assert told.done["writing objects"] <= few
    assert told.done["packing objects"] > 120
