"""The bundles of sample-repo and of the seed are, byte for byte, those that were looked at and committed."""

from __future__ import annotations

import pytest

from golden.builtins import FILES, builtin_files
from golden.bundles import GOLDEN, REPOSITORIES, build_files, read_folder
from llmcfg.pipeline.deployedstate import deployed_state
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.stored import read_bundles

ANEW = "look at the difference: make golden, then git diff tests/golden"


@pytest.mark.parametrize("name", REPOSITORIES)
def test_bundles_are_the_golden_ones(name):
    built, golden = build_files(REPOSITORIES[name]), read_folder(GOLDEN / name)

    assert sorted(built) == sorted(golden), ANEW
    assert [path for path, content in built.items() if golden[path] != content] == [], ANEW


def test_what_built_in_renderers_write_is_golden():
    assert builtin_files() == read_folder(FILES), ANEW


@pytest.mark.parametrize("name", REPOSITORIES)
def test_golden_bundles_hold_together(name):
    golden = read_folder(GOLDEN / name)
    environments = {path.split("/")[0] for path in golden}
    for environment in environments:
        files = {path.split("/", 1)[1]: it for path, it in golden.items() if path.startswith(f"{environment}/")}
        assert read_bundles(files).keys() == {str(target).split("/", 1)[1] for target in _targets(files)}


def _targets(files):
    return deployed_state(files).targets


def test_what_was_built_before_does_not_change_a_byte():
    memo = Memo()
    alone = {name: build_files(repository) for name, repository in REPOSITORIES.items()}
    together = {name: build_files(repository, memo) for name, repository in reversed(REPOSITORIES.items())}

    assert together == alone
    assert build_files(REPOSITORIES["sample-repo"], memo) == alone["sample-repo"]
