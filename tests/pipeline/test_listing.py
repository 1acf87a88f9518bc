"""The lists of parts in manifests and digests: the bytes of canonical JSON over everything, however the parts are laid."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json, digest, digest_of
from llmcfg.model.laid import Laid
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import make_bundle, make_part
from llmcfg.pipeline.listing import Listing

paths = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4)
layers = st.lists(st.dictionaries(paths, st.binary(max_size=3).map(make_part), max_size=5), min_size=1, max_size=4)
TARGET = Target("prod", "acme", "api")


def laid(said):
    whole = Laid({})
    for own in said:
        whole = Laid(own, whole)
    return whole


@given(layers, st.dictionaries(paths, st.text("0123456789abcdef", min_size=64, max_size=64), max_size=2))
def test_manifest_and_digest_are_canonical_json_of_all_parts(said, secrets):
    parts = {path: part for own in said for path, part in own.items()}

    bundle = make_bundle(TARGET, laid(said), secrets, ())

    manifest = json.loads(bundle.manifest)
    assert bundle.manifest == canonical_json(manifest) + b"\n"
    assert manifest["parts"] == {path: {"sha256": part.sha256, "size": part.size} for path, part in parts.items()}
    digests = {path: part.sha256 for path, part in parts.items()}
    assert bundle.digest == digest_of({"parts": digests, "secrets": secrets})
    assert (manifest["digest"], bundle.manifest_digest) == (f"sha256:{bundle.digest}", digest(bundle.manifest))


@given(st.lists(layers, min_size=2, max_size=5))
def test_bundles_that_share_a_listing_say_what_they_would_alone(many):
    listing, base = Listing(), laid(many[0])
    bundles = [Laid(own, base) for said in many for own in said]

    together = [make_bundle(TARGET, parts, {}, (), listing=listing).manifest for parts in bundles]

    assert together == [make_bundle(TARGET, parts, {}, ()).manifest for parts in bundles]


def test_layers_of_few_parts_and_of_many_lie_over_many():
    """In 100 parts 6 are few, which are laid over what is kept of the layers beneath; more are a layer of their own."""
    base = Laid({f"config/{number:03}.json": make_part(b"%d" % number) for number in range(100)})
    listing = Listing()
    for counts in [(2,), (2, 3), (2, 3, 1), (40, 3), (3, 40), (0, 3), (3, 0), (0,), (70, 80)]:
        whole, said = base, {**base.own}
        for at, count in enumerate(counts):
            own = {
                f"config/{7 * each:03}{'x' * (each % 2)}.json": make_part(b"%d of %d" % (each, at))
                for each in range(count)
            }
            whole, said = Laid(own, whole), {**said, **own}
        laid_over, alone = (make_bundle(TARGET, parts, {}, (), (), listing) for parts in (whole, said))
        assert laid_over.manifest == alone.manifest
        assert json.loads(alone.manifest)["parts"].keys() == said.keys()
        assert (laid_over.digest, laid_over.manifest_digest) == (alone.digest, alone.manifest_digest)
        assert alone.digest == digest_of({"parts": {path: part.sha256 for path, part in said.items()}, "secrets": {}})


def test_more_layers_than_are_kept_are_listed_again():
    listing = Listing()
    layers = [Laid({"config/a.json": make_part(str(number).encode())}) for number in range(40)]
    bundles = [make_bundle(TARGET, Laid({}, layer), {}, (), listing=listing) for layer in [*layers, *layers]]

    digests = [bundle.digest for bundle in bundles]

    assert digests[:40] == digests[40:]
    assert len(set(digests)) == 40


def test_what_is_left_open_beneath_is_said_by_the_layer_above():
    a, b = make_part(b"1\n"), make_part(b"{}\n")
    below: Laid[Any] = Laid({"config/a.json": None, "config/b.json": b})

    bundle = make_bundle(TARGET, Laid({"config/a.json": a}, below), {}, ())

    assert bundle.manifest == make_bundle(TARGET, {"config/a.json": a, "config/b.json": b}, {}, ()).manifest
