"""What every sink holds to, whatever it delivers to."""

from __future__ import annotations

import hashlib
import os
import subprocess
from datetime import UTC, datetime

import pytest

from llmcfg.git.branchsink import BranchSink
from llmcfg.git.network import GitProgram
from llmcfg.model.remoteurl import parse_remote_url
from llmcfg.model.settings import Access, Endpoint, GitTarget
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sinks.endpoint import EndpointSink
from support.memory_sink import MemorySink
from support.servers import Consumer

ONE = {"head.json": b"1", "_shared/api/config/a.json": b'{"a":1}', "acme/api/files/config.yaml": b"a: 1\n"}
TWO = {"head.json": b"2", "_shared/api/config/a.json": b'{"a":2}'}


def digests(files):
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def branch_sink(tmp_path, path="rendered/prod"):
    remote = tmp_path / "fleet.git"
    if not remote.exists():
        subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    target = GitTarget("fleet", Access(parse_remote_url(str(remote))), ("rendered*",))
    return BranchSink(GitProgram(os.environ["PATH"]), tmp_path / "clone.git", target, "rendered", path)


@pytest.fixture(params=["memory", "directory", "http", "git", "git at the top"])
def make(request, tmp_path):
    """Opens the same sink anew each time, except the one in memory."""
    if request.param == "memory":
        sink = MemorySink()
        yield lambda: sink
    elif request.param == "directory":
        yield lambda: DirectorySink(tmp_path / "delivered", 3)
    elif request.param == "http":
        with Consumer().serving() as address:
            yield lambda: EndpointSink(
                Endpoint("e", address), "prod", tmp_path, lambda: datetime(2026, 1, 5, tzinfo=UTC)
            )
    else:
        yield lambda: branch_sink(tmp_path, "" if request.param.endswith("top") else "rendered/prod")


def test_nothing_was_delivered_at_first(make):
    assert (make().observe(), make().delivered()) == (None, None)
    assert make().name


def test_what_was_delivered_is_observed_and_named(make):
    make().deliver("root1", ONE)
    assert (make().observe(), make().delivered()) == (digests(ONE), "root1")


def test_a_delivery_takes_the_place_of_the_one_before(make):
    make().deliver("root1", ONE)
    make().deliver("root2", TWO)
    assert (make().observe(), make().delivered()) == (digests(TWO), "root2")


def test_going_back_is_a_delivery_like_any_other(make):
    for root, files in (("root1", ONE), ("root2", TWO), ("root1", ONE)):
        make().deliver(root, files)
    assert (make().observe(), make().delivered()) == (digests(ONE), "root1")


def test_the_same_delivery_twice_is_one(make):
    make().deliver("root1", ONE)
    make().deliver("root1", ONE)
    assert (make().observe(), make().delivered()) == (digests(ONE), "root1")


# what only the git sink promises


def git(tmp_path, *arguments, stdin=""):
    done = subprocess.run(
        ["git", "-C", str(tmp_path / "fleet.git"), *arguments], input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit_by_hand(tmp_path, path, text):
    """A commit of somebody else on the branch: one file more, or another content."""
    identity = ["-c", "user.name=B", "-c", "user.email=b@example.org"]
    work = tmp_path / "by-hand"
    if not work.exists():
        subprocess.run(["git", "clone", "-q", str(tmp_path / "fleet.git"), str(work)], check=True, capture_output=True)
        subprocess.run(["git", "-C", str(work), "checkout", "-q", "-B", "rendered"], check=True)
    subprocess.run(["git", "-C", str(work), "pull", "-q", "origin", "rendered"], check=False, capture_output=True)
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    (work / path).write_text(text)
    for command in (["add", "-A"], ["commit", "-q", "-m", "by hand"], ["push", "-q", "origin", "rendered"]):
        subprocess.run(["git", "-C", str(work), *identity, *command], check=True)


def test_a_branch_keeps_what_others_have_in_it(tmp_path):
    branch_sink(tmp_path)
    commit_by_hand(tmp_path, "kustomization.yaml", "kind: Kustomization\n")
    branch_sink(tmp_path).deliver("root1", ONE)
    assert git(tmp_path, "show", "rendered:kustomization.yaml") == "kind: Kustomization"
    assert git(tmp_path, "show", "rendered:rendered/prod/acme/api/files/config.yaml") == "a: 1"
    assert git(tmp_path, "rev-list", "--count", "rendered") == "2"
    assert "Llmcfg-Delivery: root1" in git(tmp_path, "log", "-1", "--format=%B", "rendered")


def test_what_somebody_changed_in_a_branch_is_seen_and_mended(tmp_path):
    branch_sink(tmp_path).deliver("root1", ONE)
    commit_by_hand(tmp_path, "rendered/prod/acme/api/files/config.yaml", "a: 66\n")
    assert branch_sink(tmp_path).observe() != digests(ONE)
    assert branch_sink(tmp_path).delivered() == "root1"
    branch_sink(tmp_path).deliver("root1", ONE)
    assert branch_sink(tmp_path).observe() == digests(ONE)
    assert git(tmp_path, "rev-list", "--count", "rendered") == "3"
