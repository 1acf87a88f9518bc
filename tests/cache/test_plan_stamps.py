"""A plan that has nothing to do says so again as long as refs, work tree and sinks are as they were, and never after."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from llmcfg.cache.stamp import find_answer
from llmcfg.secrets.held import read_with
from llmcfg.standing import places_of, remember
from llmcfg.sync.act import apply
from llmcfg.sync.deliveries import find_sinks
from llmcfg.sync.plan import make_plan
from support.worktrees import LATER_NS, settings_from, wait_a_tick
from support.written import CONSUMER, MANIFEST, WrittenRepository

QUESTION, ANSWER = "apply -e prod", ("prod stays\n", "")
FILES = {"base/limits.yaml": "rpm: 10\n", "consumers/api.yaml": CONSUMER + "shared: true\n"}
DELIVERED = "delivered/prod/current/_shared/api/config/limits.json"


@pytest.fixture(scope="module", autouse=True)
def no_settings_of_git(tmp_path_factory):
    with settings_from(tmp_path_factory.mktemp("settings")):
        yield


class Stamped:
    """An environment that is deployed and delivered, with an answer that says so."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.root = folder / "cache"
        self.root.mkdir()
        self.program = folder / "program"
        self.program.mkdir()
        self.written = WrittenRepository(folder / "repository", files)
        self.path = self.written.path
        self.apply()
        self.stamp()
        wait_a_tick(folder / "probe")

    def plan(self):
        workspace = self.written.workspace()
        return make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)

    def apply(self) -> None:
        apply(self.plan(), self.written.workspace().repository, read_with(tuple), actor="Ada <ada@example.org>")

    def stamp(self) -> None:
        workspace = self.written.workspace()
        configuration = workspace.configuration("HEAD")
        track, sinks = configuration.manifest.environments["prod"].track, find_sinks(configuration, "prod")
        places = places_of(self.plan(), workspace.repository, track, sinks, workspace.delivery_root)
        if places is not None:
            remember(
                self.root, QUESTION, ANSWER, repository=workspace.repository, snapshot=workspace.repository.work_tree(),
                places=places, program=self.program, began_ns=LATER_NS,
            )  # fmt: skip

    @property
    def answer(self):
        return find_answer(str(self.root), QUESTION)


@pytest.fixture
def stamped(tmp_path) -> Stamped:
    return Stamped(tmp_path, FILES)


def test_what_was_said_is_said_again(stamped):
    assert stamped.plan().is_empty
    assert stamped.answer == ANSWER


def a_commit(stamped):
    stamped.written.commit({"base/limits.yaml": "rpm: 11\n"})


def an_empty_commit(stamped):
    stamped.written.git("commit", "-q", "--allow-empty", "-m", "nothing")


def another_deployment(stamped):
    stamped.written.git("update-ref", "refs/heads/deployed/prod", "HEAD")


def no_deployment(stamped):
    stamped.written.git("update-ref", "-d", "refs/heads/deployed/prod")


def packed_refs(stamped):
    stamped.written.git("pack-refs", "--all")


def a_tag(stamped):
    stamped.written.git("tag", "v1.0.0")


def another_branch(stamped):
    stamped.written.git("checkout", "-q", "-b", "other")


def an_edit(stamped):
    (stamped.path / "base/limits.yaml").write_text("rpm: 12\n")


def delivered_otherwise(stamped):
    place = stamped.path / DELIVERED
    before = place.stat()
    place.write_bytes(place.read_bytes().replace(b"10", b"99"))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))


def a_file_too_many(stamped):
    (stamped.path / DELIVERED).with_name("more.json").write_text("{}\n")


def a_file_too_few(stamped):
    (stamped.path / DELIVERED).unlink()


def a_link_in_its_place(stamped):
    place = stamped.path / DELIVERED
    place.rename(stamped.path / "aside.json")
    place.symlink_to(stamped.path / "aside.json")


def another_delivery(stamped):
    current = stamped.path / "delivered/prod/current"
    shutil.copytree(current.resolve(), current.resolve().with_name("other"))
    current.unlink()
    current.symlink_to(".llmcfg/other")


def a_sink_elsewhere(stamped):
    (stamped.path / "delivered").rename(stamped.path / "moved")
    (stamped.path / "delivered").symlink_to("moved")


def a_record(stamped):
    (stamped.path / ".git/llmcfg/audit").mkdir(parents=True)


def a_root_of_trust(stamped):
    (stamped.path / ".git/llmcfg/trust").mkdir(parents=True)


@pytest.mark.parametrize(
    "change",
    [
        a_commit, an_empty_commit, another_deployment, no_deployment, packed_refs, a_tag, another_branch, an_edit,
        delivered_otherwise, a_file_too_many, a_file_too_few, a_link_in_its_place, another_delivery, a_sink_elsewhere,
        a_record, a_root_of_trust,
    ],
)  # fmt: skip
def test_whatever_a_plan_stands_on_is_noticed(stamped, change):
    change(stamped)

    assert stamped.answer is None


@pytest.mark.parametrize(
    "prepare",
    [a_commit, delivered_otherwise, a_record],
)
def test_nothing_is_stamped_where_there_is_something_to_do_or_to_record(stamped, prepare):
    shutil.rmtree(stamped.root / "stamps")
    prepare(stamped)

    stamped.stamp()

    assert stamped.answer is None


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST.replace("prod: {}", "prod: {track: {revision: main}}"),
        MANIFEST + "sinks: [{directory: {path: 'delivered/{environment}', open: true}}]\n",
    ],
)
def test_nothing_is_stamped_that_stands_on_more_than_files(tmp_path, manifest):
    stamped = Stamped(tmp_path, {**FILES, "llmcfg.yaml": manifest})

    assert stamped.plan().is_empty
    assert stamped.answer is None


def test_nothing_is_stamped_while_a_sink_without_bundles_may_still_come(tmp_path):
    own = "sinks: [{directory: {path: 'own/{environment}'}}]\n"
    stamped = Stamped(tmp_path, {**FILES, "consumers/api.yaml": FILES["consumers/api.yaml"] + own})

    assert stamped.plan().is_empty
    assert stamped.answer is None


def test_what_else_lies_beside_a_delivery_does_not_matter(stamped):
    (stamped.path / "delivered/prod/.llmcfg/lock").write_bytes(b"")

    assert stamped.answer == ANSWER
