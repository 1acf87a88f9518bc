"""What is deployed is read back once: never by who wrote it, by others where it is new to them, and never is it taken unchecked."""

from __future__ import annotations

import json
import zlib

import pytest

from llmcfg.canonical import digest
from llmcfg.errors import IntegrityError
from llmcfg.model.later import Later
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import BundleFiles, Part, environment_files, make_bundle, make_part
from llmcfg.pipeline.checked import learn_written
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.stored import read_head, read_stored
from llmcfg.secrets.held import read_with
from llmcfg.sync.act import apply, plan_rollback, rollback
from llmcfg.sync.deployed import deployed_files, read_deployed
from llmcfg.sync.plan import make_plan
from llmcfg.wiring import Workspace
from support.watching import Told

REF = "refs/heads/deployed/prod"
CHANGES = [{"base/limits.yaml": "rpm: 20\n"}, {"tenants/acme/limits.yaml": "rpm: 30\n"}, {"base/new.yaml": "a: 1\n"}]


@pytest.fixture
def open_workspace(deployer, tmp_path):
    """As each process opens it, with a cache."""
    return lambda name="cache": Workspace(deployer.written.path, cache=tmp_path / name)


def planned(workspace):
    return make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)


def applied(workspace):
    return apply(planned(workspace), workspace.repository, read_with(tuple), actor="Ada")


def rolled_back(workspace):
    plan = plan_rollback(workspace.repository, workspace.configuration_at, "prod", None, workspace.sink)
    return rollback(plan, workspace.repository, actor="Ada")


def stored(workspace):
    return deployed_files(workspace.repository, read_deployed(workspace.repository, "prod"))


def read_again(workspace):
    """The bundles that a look at what is deployed has to read."""
    read_stored(stored(workspace), workspace.memo)
    return [about for step, about in workspace.memo.disk.missed if step == "read back"]


def test_who_deploys_and_rolls_back_reads_nothing_of_it_again(deployer, open_workspace):
    applied(open_workspace())
    assert read_again(open_workspace()) == []
    for change in CHANGES:
        deployer.commit(change)
        applied(open_workspace())
        assert read_again(open_workspace()) == []
    rolled_back(open_workspace())
    assert read_again(open_workspace()) == []
    assert read_stored(stored(open_workspace())).bundles.keys() == {"_shared/api", "acme/api", "beta/api"}


def test_somebody_else_reads_what_is_new_to_them(deployer, open_workspace):
    applied(open_workspace())
    assert len(read_again(open_workspace("theirs"))) == 3
    assert read_again(open_workspace("theirs")) == []
    deployer.commit({"tenants/acme/limits.yaml": "rpm: 30\n"})
    applied(open_workspace())
    assert read_again(open_workspace("theirs")) == ["acme/api"]


def test_of_a_bundle_that_is_new_those_files_are_read_that_no_other_had(deployer, open_workspace):
    """What was read before is gone by then; Git's own list still says how large it is."""
    applied(open_workspace())
    read_again(open_workspace("theirs"))
    deployer.commit({"tenants/acme/limits.yaml": "rpm: 30\n"})
    applied(open_workspace())
    known = open_workspace("theirs")
    spoil(deployer, "acme/api/config/models.json")

    assert read_again(known) == ["acme/api"]
    with pytest.raises(IntegrityError, match="damaged"):
        read_again(open_workspace("nobody's"))


def spoil(deployer, path):
    """Leaves of a loose object its kind and size, and other bytes."""
    oid = deployer.git("rev-parse", f"deployed/prod:{path}")
    place = deployer.written.path / ".git/objects" / oid[:2] / oid[2:]
    whole = zlib.decompress(place.read_bytes())
    place.chmod(0o600)
    place.write_bytes(zlib.compress(whole[:-2] + b"!" + whole[-1:]))


def put(deployer, workspace, path, content):
    """Somebody commits another file in the place of one that was deployed."""
    files = {**workspace.repository.read_tree(deployer.deployed().commit), path: content}
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod")
    workspace.repository.commit_files(REF, files, expected=deployer.deployed().commit, message=message)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("acme/api/config/limits.json", "acme/api/config/limits.json is not what its manifest says"),
        ("acme/api/config/more.json", "acme/api/config/more.json is not what its manifest says"),
        ("acme/api/manifest.json", "acme/api/manifest.json is not what head.json says"),
    ],
)
def test_what_is_put_in_the_place_of_something_known_is_found(deployer, open_workspace, path, said):
    applied(open_workspace())
    read_again(open_workspace())
    swapped = stored(open_workspace())["acme/api/config/models.json"]  # a content that is known, in the wrong place
    put(deployer, open_workspace(), path, swapped)
    with pytest.raises(IntegrityError, match=said):
        read_again(open_workspace())
    with pytest.raises(IntegrityError, match=said):
        read_stored(stored(open_workspace()))


def test_the_first_of_several_wrong_files_is_named(deployer, open_workspace):
    applied(open_workspace())
    put(deployer, open_workspace(), "acme/api/config/models.json", b"1")
    put(deployer, open_workspace(), "acme/api/config/limits.json", b"2")
    with pytest.raises(IntegrityError, match=r"acme/api/config/limits\.json is not what"):
        read_stored(stored(open_workspace()))


def test_a_known_content_that_is_no_document_is_none_in_the_place_of_one():
    """The same bytes were a rendered file before, which nobody parses."""
    memo = Memo()
    one = environment_files("prod", {it.target: it for it in [bundle("a", {"files/x.json": make_part(b"[")})]}, None)
    other = environment_files("prod", {it.target: it for it in [bundle("a", {"config/x.json": make_part(b"[")})]}, None)
    read_stored(one, memo)
    with pytest.raises(IntegrityError, match=r"a/api/config/x\.json is not configuration"):
        read_stored(other, memo)


def bundle(tenant, parts):
    return make_bundle(Target("prod", tenant, "api"), parts, {}, ())


def test_what_was_remembered_wrongly_is_not_learnt_as_right(deployer):
    """A part whose digest came from a cache and is not that of its content: the next look has to find it."""
    wrong = Part(digest(b"{}"), 2, Later.of(b'{"rpm":1}'))
    bundles = {it.target: it for it in [bundle("acme", {"config/a.json": wrong}), bundle("beta", {})]}
    files = environment_files("prod", bundles, None)
    assert isinstance(files.folders["acme/api"], BundleFiles)
    repository, memo = deployer.workspace.repository, Memo()
    commit = repository.commit_files(REF, files, expected=None, message="deploy")
    written = repository.read_files(commit)

    learn_written(read_head(files.top), files, written, memo)

    assert len(memo.checked["prod"]) == 1
    with pytest.raises(IntegrityError, match=r"acme/api/config/a\.json is not what its manifest says"):
        read_stored(written, memo)


def test_what_rots_under_a_known_id_is_found_when_it_is_read(deployer, open_workspace):
    applied(open_workspace())
    workspace = open_workspace()
    bundles = read_stored(stored(workspace), workspace.memo).bundles
    oid = deployer.git("rev-parse", "deployed/prod:acme/api/config/models.json")
    place = deployer.written.path / ".git/objects" / oid[:2] / oid[2:]
    place.unlink()
    assert json.loads(bundles["acme/api"].parts["config/limits.json"]) == {"rpm": 10}
    with pytest.raises(IntegrityError):
        _ = bundles["acme/api"].parts["config/models.json"]


def test_how_many_bundles_are_pending_is_how_many_the_plan_changes(deployer, open_workspace):
    applied(open_workspace())
    manifest = (deployer.written.path / "llmcfg.yaml").read_text()
    for change in [*CHANGES, {"llmcfg.yaml": manifest.replace("beta: {}", "gamma: {}")}]:
        deployer.commit(change)
        plan = planned(open_workspace())
        states = [open_workspace(name).statuses(["prod"])[0] for name in ("cache", "cache", "theirs")]
        assert {state.pending for state in states} == {len(plan.difference.affected)}
        assert plan.difference.affected


def test_what_is_pending_is_known_without_building_it_again(deployer, open_workspace):
    applied(open_workspace())
    deployer.commit(CHANGES[0])
    assert open_workspace().statuses(["prod"])[0].pending == 3
    workspace = open_workspace()
    assert workspace.statuses(["prod"])[0].pending == 3
    assert workspace.memo.parts == {}  # where what is built is kept


def test_who_watches_is_told_how_many_bundles_are_read_back(deployer):
    deployer.apply()
    told = Told()
    read_stored(stored(deployer.workspace), Memo(progress=told))
    assert told.done["reading bundles back"] == 3
