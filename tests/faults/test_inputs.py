"""Inputs at the edge: very many files and refs, files that Git would have changed, a schema that is tightened under what runs."""

from __future__ import annotations

import subprocess

import pytest

from llmcfg.daemon.upstream import PRIVATE
from llmcfg.errors import FindingsError, IntegrityError, LlmcfgError
from llmcfg.git.repository import open_repository
from llmcfg.limits import REMOTE_REFS
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.sync.act import apply
from llmcfg.sync.plan import make_plan
from support.remotes import KEYLESS, Machine, Origin
from support.written import CONSUMER, MANIFEST, WrittenRepository

MANY_FILES = 50_000


def git(folder, *arguments, stdin=b""):
    done = subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def written(tmp_path):
    return WrittenRepository(tmp_path / "repository", {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 10\n"})


@pytest.mark.fault("G16")
def test_fifty_thousand_small_files_are_read(written):
    blob = git(written.path, "hash-object", "-w", "--stdin", stdin=b"a: 1\n")
    listed = "".join(f"100644 blob {blob}\tf{number:05}.yaml\n" for number in range(MANY_FILES))
    base = git(written.path, "mktree", stdin=listed.encode())
    top = git(written.path, "mktree", stdin=f"040000 tree {base}\tbase\n".encode())
    written.git("update-ref", "refs/heads/many", written.git("commit-tree", top, "-m", "many"))
    repository = open_repository(written.path)
    snapshot = repository.snapshot(repository.resolve("many"))
    assert (len(snapshot.entries), snapshot.findings) == (MANY_FILES, ())
    assert snapshot.read(blob) == b"a: 1\n"


@pytest.mark.fault("G18")
def test_a_file_that_git_crypt_locked_is_a_finding_and_its_neighbour_is_read(written):
    (written.path / "base/locked.yaml").write_bytes(b"\0GITCRYPT\0" + bytes(range(256)))
    written.commit({"base/good.yaml": "a: 1\n"})
    workspace = written.workspace()
    found = validate_configuration(workspace.configuration("HEAD"))
    assert [(one.rule_id, one.origin.file) for one in found] == [("blob-encoding", "base/locked.yaml")]


@pytest.mark.fault("G18")
def test_attributes_change_nothing_of_what_is_stored(written):
    text = "id: $Id$\nname: größe\n".encode()
    blob = git(written.path, "hash-object", "-w", "--no-filters", "--stdin", stdin=text)
    rules = git(
        written.path, "hash-object", "-w", "--stdin", stdin=b"*.yaml working-tree-encoding=UTF-16 eol=crlf ident\n"
    )
    for oid, path in ((blob, "base/plain.yaml"), (rules, ".gitattributes")):
        written.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}")
    written.git("commit", "-q", "-m", "plain")
    repository = open_repository(written.path)
    snapshot = repository.snapshot(repository.resolve("HEAD"))
    assert snapshot.read(snapshot.entries["base/plain.yaml"].oid) == text


@pytest.mark.fault("R06")
def test_a_remote_with_a_hundred_thousand_refs_more_is_refused_and_what_runs_stays(tmp_path):
    origin = Origin(tmp_path)
    machine = Machine(tmp_path / "machine", origin.bare)
    machine.look()
    tip = origin.push({"base/limits.yaml": "rpm: 11\n"})
    refs = "".join(f"{tip} refs/heads/x/{number:06}\n" for number in range(REMOTE_REFS))
    (origin.bare / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{refs}")
    found = machine.look()
    assert found.failure is not None
    assert found.failure.code == "remote-too-many-refs"
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    (origin.bare / "packed-refs").unlink()
    machine.look()
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}


STRICT = '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"rpm": {"maximum": 5}}}'
BOUND = MANIFEST + "schemas: [{documents: limits, schema: schemas/limits.json}]\n"


@pytest.mark.fault("J13")
def test_a_schema_that_what_runs_would_break_is_not_deployed_and_names_every_place(tmp_path):
    loose = STRICT.replace("5", "50")
    written = WrittenRepository(
        tmp_path / "repository",
        {
            "llmcfg.yaml": BOUND,
            "schemas/limits.json": loose,
            "base/limits.yaml": "rpm: 10\n",
            "environments/dev/limits.yaml": "rpm: 20\n",
            "consumers/api.yaml": CONSUMER,
        },
    )

    def deploy():
        workspace = written.workspace()
        plan = make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink)
        apply(plan, workspace.repository, KEYLESS, actor="Ada")

    deploy()
    running = written.git("rev-parse", "deployed/prod")
    delivered = written.path / "delivered/prod/current/_shared/api/config/limits.json"
    written.commit({"schemas/limits.json": STRICT})
    with pytest.raises(FindingsError):
        deploy()
    assert written.git("rev-parse", "deployed/prod") == running
    assert delivered.read_text() == '{"rpm":10}\n'
    found = validate_configuration(written.workspace().configuration("HEAD"))
    assert {one.origin.file for one in found} >= {"base/limits.yaml", "environments/dev/limits.yaml"}
    written.commit({"base/limits.yaml": "rpm: 5\n", "environments/dev/limits.yaml": "rpm: 4\n"})
    deploy()
    assert delivered.read_text() == '{"rpm":5}\n'


# damaged packs


def everything(path):
    """What a repository says of its tip and its history."""
    repository = open_repository(path)
    snapshot = repository.snapshot(repository.resolve("main"))
    tip = repository.resolve("main").commit
    read = {name: snapshot.read(entry.oid) for name, entry in snapshot.entries.items()}
    return (
        read,
        [finding.rule_id for finding in snapshot.findings],
        [facts.commit for facts in repository.history(tip)],
    )


@pytest.fixture
def packed(written):
    for number in range(3):
        written.commit({"base/limits.yaml": f"rpm: {number}\n", f"base/{number}.yaml": f"a: {number}\n" * 20})
    written.git("gc", "-q", "--prune=now")
    [pack] = (written.path / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    return written, pack


@pytest.mark.fault("G21")
def test_a_damaged_pack_never_gives_other_content(packed):
    written, pack = packed
    honest, content = everything(written.path), pack.read_bytes()
    refused = 0
    for at in range(0, len(content), 3):
        pack.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        try:
            read, findings, commits = everything(written.path)
        except LlmcfgError as error:
            assert isinstance(error, IntegrityError) or error.hint
            refused += 1
            continue
        assert all(honest[0][name] == text for name, text in read.items())
        assert findings or (read, commits) == (honest[0], honest[2])
        refused += bool(findings)
    assert refused > len(content) / 12
    pack.write_bytes(content)
    assert everything(written.path) == honest


@pytest.mark.fault("G22")
@pytest.mark.parametrize(
    "damage", ["zeros", *(pytest.param(one, marks=pytest.mark.sweep) for one in ("empty", "gone"))]
)
def test_a_damaged_index_of_a_pack_is_made_anew(host, damage):
    host.push(2)
    [index] = (host.own / "state" / PRIVATE / "objects/pack").glob("*.idx")
    content = index.read_bytes()
    index.unlink()
    if damage != "gone":
        index.write_bytes(b"" if damage == "empty" else bytes(len(content)))
    assert host.sync() == 0, host.said
    assert (host.delivered(), host.deployed()) == (2, 2)
