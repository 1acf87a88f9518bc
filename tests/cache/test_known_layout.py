"""What is remembered of which file is what is what sorting them says; and files in columns are the files that they are made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcfg.cache.store import DiskCache
from llmcfg.model.entries import Entries, file_ids
from llmcfg.model.snapshot import BlobEntry
from llmcfg.pipeline.knownlayout import layout_of
from llmcfg.pipeline.layers import MANIFEST, sort_files
from llmcfg.pipeline.manifest import parse_manifest_text

HEAD = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: x\nenvironments: {dev: {}, prod: {}}\n"
MANIFESTS = {
    "a" * 40: parse_manifest_text(f"{HEAD}tenants: {{acme: {{}}, beta: {{}}}}\n".encode()),
    "b" * 40: parse_manifest_text(f"{HEAD}hierarchy: [base, 'regions/{{region}}', 'tenants/{{tenant}}']\n".encode()),
}
FOLDERS = (
    "base/", "base/deep/er/", "base/prompts/", "base/secrets/", "environments/dev/", "environments/none/", "tenants/acme/",
    "tenants/acme/environments/prod/", "tenants/acme/environments/prod/secrets/", "tenants/beta/x/", "regions/eu/",
    "consumers/", "schemas/", "schemas/x/", "templates/", "policies/", "prompts/", "prompts/a/", "catalogue/",
)  # fmt: skip
NAMES = (
    "one.yaml", "one.yml", "two.yaml", "two.v1.prompt.md", "models.json", "s.age", "x.rego", "t.j2", "README.md", ".gitkeep",
    "$odd.yaml", "a.b.yaml", "no suffix",
)  # fmt: skip
PATHS = st.lists(st.builds("{}{}".format, st.sampled_from(FOLDERS), st.sampled_from(NAMES)), max_size=40)
OIDS = st.text("0123456789abcdef", min_size=40, max_size=40)


def entries_of(paths, oids, manifest):
    found = {path: BlobEntry(path, oid, len(path)) for path, oid in zip(paths, oids, strict=False)}
    return dict(sorted({**found, MANIFEST: BlobEntry(MANIFEST, manifest, 7)}.items()))


def in_columns(entries) -> Entries:
    return Entries([*entries], file_ids(entries).oids, [entry.size for entry in entries.values()])


def said(layout):
    layers = {
        folder: ([*layer.documents.items()], layer.secret_files, layer.tenant, layer.refused, layer.folder)
        for folder, layer in layout.layers.items()
    }
    others = [[*named.items()] for named in (layout.consumers, layout.schemas, layout.templates, layout.policies)]
    return [*layers.items()], others, layout.findings


@given(
    PATHS,
    st.lists(OIDS, min_size=40, max_size=40),
    st.lists(OIDS, min_size=40, max_size=40),
    st.sampled_from([*MANIFESTS]),
)
def test_a_layout_that_is_known_is_the_one_that_sorting_gives(tmp_path_factory, paths, oids, others, manifest):
    cache = DiskCache(tmp_path_factory.mktemp("cache") / "x.sqlite")
    for named in (oids, others, oids):
        entries = entries_of(paths, named, manifest)
        sorted_out = said(sort_files(entries, MANIFESTS[manifest]))
        for given_entries in (entries, in_columns(entries)):
            assert said(layout_of(given_entries, MANIFESTS[manifest], (), cache)) == sorted_out
        cache.keep()
    cache.close()


def test_what_was_refused_is_said_each_time(tmp_path):
    cache = DiskCache(tmp_path / "x.sqlite")
    manifest = next(iter(MANIFESTS))
    entries = entries_of(["base/one.yaml"], ["1" * 40], manifest)
    for refused in ((), ("base/two.yaml",), ()):
        expected = said(sort_files(entries, MANIFESTS[manifest], refused))
        assert said(layout_of(entries, MANIFESTS[manifest], refused, cache)) == expected


def test_another_manifest_has_another_layout(tmp_path):
    cache = DiskCache(tmp_path / "x.sqlite")
    paths = ["tenants/acme/one.yaml", "base/one.yaml"]
    for oid, manifest in [*MANIFESTS.items()] * 2:
        entries = entries_of(paths, ["1" * 40, "2" * 40], oid)
        assert said(layout_of(entries, manifest, (), cache)) == said(sort_files(entries, manifest))


@given(PATHS, st.lists(OIDS, min_size=40, max_size=40))
def test_files_in_columns_are_the_same_mapping(paths, oids):
    entries = entries_of(paths, oids, "a" * 40)
    columns = in_columns(entries)
    assert {path: columns[path] for path in columns} == entries
    assert [*columns.items()] == [*entries.items()]
    assert len(columns) == len(entries)
    assert {path: columns[path] for path in columns} == entries
    for path in (*FOLDERS, "", "zzz", "base/one.yamlx"):
        assert (path in columns) == (path in entries)
    for entry in entries.values():
        assert entries[columns.path_of(entry.oid)].oid == entry.oid
    assert columns.path_of("e" * 40) is None or "e" * 40 in oids
    assert columns.path_of("") is None


def test_an_id_is_found_only_where_one_begins():
    columns = Entries(["a", "b"], "0" * 39 + "1" + "0" * 40, [1, 2])
    assert columns.path_of("0" * 38 + "10") is None
    assert columns.path_of("0" * 40) == "b"


@given(PATHS, st.lists(OIDS, min_size=40, max_size=40), PATHS, st.dictionaries(st.integers(0, 39), OIDS, max_size=5))
def test_ids_in_columns_differ_where_files_do(paths, oids, others, changed):
    after = [changed.get(at, oid) for at, oid in enumerate(oids)]
    for there in (paths, others):
        one, other = entries_of(paths, oids, "a" * 40), entries_of(there, after, "b" * 40)
        differing = {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}
        assert file_ids(one).differing(file_ids(in_columns(other))) == differing
        assert file_ids(other).differing(file_ids(one)) == differing
