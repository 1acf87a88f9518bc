"""Power that goes at any moment, for everything that writes durably; and bugs that a sweep has to notice."""

from __future__ import annotations

import pytest

from .planted import BUGS, planted
from .sweep import sweep
from .writers import WRITERS

BY_NAME = {writer.name: writer for writer in WRITERS}
QUICK = (1, 3)  # of the bugs


@pytest.mark.fault("C06")
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_power_may_go_at_any_moment(writer, tmp_path):
    found = sweep(writer, tmp_path / "power")
    assert found.violations == []
    assert found.states > 5


@pytest.mark.sweep
@pytest.mark.fault("C04", "C06")
@pytest.mark.parametrize(
    "writer", [writer for writer in WRITERS if writer.is_repeatable], ids=lambda writer: writer.name
)
def test_power_may_go_again_while_things_go_on(writer, tmp_path):
    assert sweep(writer, tmp_path / "power", is_nested=True).violations == []


def notices(bug, folder):
    with planted(bug):
        for name in bug.writers:
            yield name, sweep(BY_NAME[name], folder / name.replace(" ", "-")).violations != []


@pytest.mark.fault("C06")
@pytest.mark.parametrize("bug", [BUGS[at] for at in QUICK], ids=lambda bug: bug.name)
def test_a_bug_is_noticed(bug, tmp_path):
    assert dict(notices(bug, tmp_path)) == dict.fromkeys(bug.writers, True)


@pytest.mark.sweep
@pytest.mark.parametrize("bug", [bug for at, bug in enumerate(BUGS) if at not in QUICK], ids=lambda bug: bug.name)
def test_every_bug_is_noticed(bug, tmp_path):
    assert dict(notices(bug, tmp_path)) == dict.fromkeys(bug.writers, True)
