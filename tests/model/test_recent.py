"""What was made of the objects that were asked for last."""

from __future__ import annotations

from llmcfg.model.recent import Recent


def test_only_the_last_are_kept_and_none_is_taken_for_another():
    made = []
    recent = Recent(lambda thing: made.append(thing) or len(thing), most=2)
    first, second, third = [1], [1], [1, 2]  # the first two are equal, and not the same
    assert [recent.of(each) for each in (first, second, first, third, first)] == [1, 1, 1, 2, 1]
    assert [id(each) for each in made] == [id(first), id(second), id(third)]
    assert recent.of(second) == 1
    assert [id(each) for each in made] == [id(first), id(second), id(third), id(second)]
