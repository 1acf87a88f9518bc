"""What is as `llmcfg fmt` writes it is looked at once, and what is not each time."""

from __future__ import annotations

import pytest

from llmcfg.cache.store import DiskCache
from llmcfg.pipeline.wellwritten import Written, well_written

WELL = b"a: 1\n"
SEALED = b"a:   1\nsops:\n  mac: ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]\n  version: 3.9.0\n"
CASES = {
    "well": (WELL, Written(WELL)),
    "loose": (b"a:    no  \n", Written(b'a: "no"\n')),
    "unsound": (b"a: [1\n", Written(b"a: [1\n", is_sound=False)),
    "no text": (b"\xff", Written(b"\xff", is_sound=False)),
    "sealed": (SEALED, Written(SEALED)),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_same_with_a_cache_and_without(case, tmp_path):
    content, expected = CASES[case]
    assert well_written(content, "a.yaml") == expected
    for _ in range(2):
        cache = DiskCache(tmp_path / "c.sqlite")
        assert well_written(content, "a.yaml", cache) == expected
        cache.keep()
        cache.close()


@pytest.mark.parametrize(("case", "times"), [("well", 1), ("sealed", 1), ("loose", 2), ("unsound", 2)])
def test_what_is_to_be_said_is_looked_at_again(case, times, tmp_path):
    looked = 0
    for _ in range(2):
        cache = DiskCache(tmp_path / "c.sqlite")
        well_written(CASES[case][0], "a.yaml", cache)
        looked += len(cache.missed)
        cache.keep()
        cache.close()
    assert looked == times


def test_a_document_is_known_by_its_content(tmp_path):
    cache = DiskCache(tmp_path / "c.sqlite")
    well_written(WELL, "a.yaml", cache)
    assert well_written(b"a:  1\n", "a.yaml", cache) == Written(WELL)
    assert [about for _, about in cache.missed] == ["a.yaml", "a.yaml"]
