"""Who watches a build is told of all that it goes through, with how much of it there is."""

from __future__ import annotations

from llmcfg.pipeline.build import build
from llmcfg.pipeline.diff import compare, state_of
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate_configuration
from support.watching import Told
from support.written import CONSUMER, opened

FILES: dict[str, str | bytes] = {
    "base/limits.yaml": "rpm: 10\n",
    "base/routing.yaml": "first: 1\n",
    "environments/prod/limits.yaml": "rpm: 20\n",
    "templates/app.j2": "rpm={{ config.limits.rpm }}\n",
    "consumers/api.yaml": CONSUMER + "outputs:\n  - {path: app.conf, template: templates/app.j2}\n",
}


def test_a_build_counts_its_documents_bundles_and_files() -> None:
    told = Told()
    configuration = opened(FILES, Memo(progress=told))
    assert validate_configuration(configuration) == ()
    targets = len(configuration.targets)
    assert told.done == {
        "reading documents": 3,
        "selecting for bundles": targets,
        "preparing files": targets,
        "rendering files": targets,
        "checking documents": 3,
        "checking bundles": targets,
        "making bundles": targets,
    }


def test_a_comparison_counts_scopes_and_the_bundles_that_are_not_the_same() -> None:
    told = Told()
    memo = Memo(progress=told)
    before, after = opened(FILES, memo), opened({**FILES, "environments/prod/limits.yaml": "rpm: 30\n"}, memo)
    old, new = (state_of(side, build(side, side.targets)) for side in (before, after))
    told.done.clear()
    difference = compare(old, new, progress=told)
    assert told.done == {"comparing scopes": len(after.scopes), "comparing bundles": len(difference.affected)}
