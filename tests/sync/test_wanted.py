"""What an environment tracks: a branch, the newest version tag of a pattern, a revision, or HEAD."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import LlmcfgError, NotFoundError, UnknownRevisionError
from llmcfg.model.manifest import Environment, Track
from llmcfg.sync.wanted import newest_tag, wanted_revision
from support.written import WrittenRepository

# semver.org, item 11, and what people write around versions
ORDER = [
    "v1.0.0-alpha",
    "v1.0.0-alpha.1",
    "v1.0.0-alpha.beta",
    "v1.0.0-beta",
    "v1.0.0-beta.2",
    "v1.0.0-beta.11",
    "v1.0.0-rc.1",
    "v1.0.0",
    "v1.0.1",
    "v1.2.0",
    "v1.10.0-rc.1",
    "v1.10.0",
    "v2.0.0",
    "v10.0.0-x-y.7",
    "v10.0.0",
]


@given(st.permutations(ORDER), st.integers(1, len(ORDER)))
def test_the_newest_tag_is_the_highest_version_in_whatever_order_they_come(tags, count):
    some = tags[:count]
    assert newest_tag(dict.fromkeys(some, "c"), "v*") == max(some, key=ORDER.index)


def test_only_tags_of_the_pattern_with_a_version_count():
    tags = dict.fromkeys(["v1.0.0", "prod-1.2.0", "release/2.0.0", "nightly", "v3", "3.0.0.0", "v1.0.0.bak"], "c")

    assert newest_tag(tags, "*") == "release/2.0.0"
    assert newest_tag(tags, "v*") == "v1.0.0"
    assert newest_tag(tags, "prod-*") == "prod-1.2.0"
    assert newest_tag(tags, "nightly") is None
    assert newest_tag({}, "*") is None


def test_a_pre_release_comes_before_its_release_and_after_the_one_before():
    tags = dict.fromkeys(["v1.0.0", "v1.1.0-rc.1"], "c")

    assert newest_tag(tags, "v*") == "v1.1.0-rc.1"
    assert newest_tag(tags | {"v1.1.0": "c"}, "v*") == "v1.1.0"


@given(st.lists(st.text(max_size=12), max_size=8))
def test_no_tag_name_breaks_the_order(names):
    tags = dict.fromkeys([*names, "1.0.0"], "c")
    shuffled = dict.fromkeys(random.Random(0).sample(list(tags), len(tags)), "c")

    assert newest_tag(tags, "*") == newest_tag(shuffled, "*") is not None


@pytest.fixture
def written(tmp_path):
    repository = WrittenRepository(tmp_path / "r", {"base/a.yaml": "x: 1\n"})
    repository.git("tag", "v1.0.0")
    repository.commit({"base/a.yaml": "x: 2\n"})
    repository.git("tag", "-a", "-m", "two", "v1.1.0-rc.1")
    repository.commit({"base/a.yaml": "x: 3\n"})
    repository.git("branch", "release", "main~1")
    return repository


def wanted(written, **track):
    return wanted_revision(written.workspace().repository, Environment("prod", track=Track(**track)))


@pytest.mark.parametrize(
    ("track", "commit", "name"),
    [
        ({}, "main", "main"),
        ({"branch": "main"}, "main", "main"),
        ({"branch": "release"}, "main~1", "release"),
        ({"tag": "v*"}, "main~1", "v1.1.0-rc.1"),
        ({"tag": "v1.0.*"}, "main~2", "v1.0.0"),
        ({"revision": "v1.0.0"}, "main~2", "v1.0.0"),
        ({"revision": "main~1"}, "main~1", "main~1"),
    ],
)
def test_what_is_tracked_is_found(written, track, commit, name):
    found = wanted(written, **track)
    assert (found.commit, found.name) == (written.git("rev-parse", commit), name)


def test_a_branch_that_only_the_remote_has_is_found(written):
    written.git("update-ref", "refs/remotes/origin/next", "main~1")
    assert wanted(written, branch="next").commit == written.git("rev-parse", "main~1")


@pytest.mark.parametrize("track", [{"branch": "gone"}, {"tag": "w*"}, {"revision": "v9.0.0"}])
def test_what_is_tracked_and_not_here_says_how_to_get_it(written, track):
    with pytest.raises(UnknownRevisionError) as caught:
        wanted(written, **track)
    assert caught.value.hint


def test_a_repository_without_commits_has_nothing_wanted(tmp_path):
    written = WrittenRepository(tmp_path / "empty")
    (written.path / "llmcfg.yaml").write_text("kind: Repository\n")
    with pytest.raises(NotFoundError, match="no commit yet"):
        wanted(written)


def test_a_missing_branch_blocks_the_environment(deployer):
    deployer.apply()
    deployer.commit(
        {
            "llmcfg.yaml": (deployer.written.path / "llmcfg.yaml")
            .read_text()
            .replace("prod: {}", "prod: {track: {branch: gone}}")
        }
    )

    status = deployer.status()
    assert (status.state, status.wanted) == ("blocked", None)
    assert "'gone'" in status.trouble
    with pytest.raises(LlmcfgError):
        deployer.apply()


def test_a_pinned_revision_is_deployed_whatever_main_does(deployer):
    pinned = deployer.git("rev-parse", "HEAD")
    manifest = (deployer.written.path / "llmcfg.yaml").read_text()
    deployer.commit(
        {
            "llmcfg.yaml": manifest.replace("prod: {}", f"prod: {{track: {{revision: {pinned}}}}}"),
            "base/limits.yaml": "rpm: 20\n",
        }
    )
    deployer.apply()

    assert deployer.deployed().source == pinned
    assert b'"rpm":10' in deployer.delivered()["_shared/api/config/limits.json"]
