"""Commits on deployed refs: durable, by compare-and-swap, and whoever is killed on the way leaves a repository that the next can write."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
from functools import partial

import pytest

from llmcfg.errors import ConflictError, LlmcfgError, PendingError, StorageError, UsageError
from llmcfg.git.repository import open_repository

REF = "refs/heads/deployed/prod"
FILES = {"head.json": b"{}", "_shared/api/config/a.json": b'{"a":1}'}


@pytest.fixture
def repository(workspace):
    return workspace.open()


def deploy(repository, expected, number=0, message="deploy"):
    return repository.commit_files(REF, {**FILES, "n": b"%d" % number}, expected=expected, message=message)


def deploy_many(repository, expected, number=0):
    """So many objects that they are written as one pack."""
    files = {f"t{tenant}/api/config/a.json": b'{"a":1,"b":%d}' % (tenant + 1000 * number) for tenant in range(100)}
    return repository.commit_files(REF, files, expected=expected, message="deploy")


def deploy_as_newcomer(path, expected, number, deploy=deploy):
    deploy(open_repository(path), expected, number)


def leftovers(repository):
    """Lock files in the refs, and values of writers that did not end."""
    refs = [path.name for path in (repository.git_dir / "refs").rglob("*.lock")]
    return refs + [path.name for path in repository.state_folder.rglob("*.new")]


def test_commit_holds_the_files_and_the_message(workspace, repository):
    first = deploy(repository, None)
    second = deploy(repository, first, 1, "deploy\n\nSource-Commit: abc\nApplied-By: ada")
    assert workspace.git("rev-parse", REF) == second
    assert workspace.git("show", f"{second}:_shared/api/config/a.json") == '{"a":1}'
    assert repository.facts(second).parents == (first,)
    assert repository.facts(second).trailers == (("Source-Commit", "abc"), ("Applied-By", "ada"))
    assert workspace.git("status", "--porcelain") == ""
    assert "dangling" not in workspace.git("fsck", "--strict", "--full")
    assert leftovers(repository) == []


def test_same_files_are_the_same_tree_in_any_order(workspace, repository):
    first = deploy(repository, None)
    second = repository.commit_files(REF, dict(reversed({**FILES, "n": b"0"}.items())), expected=first, message="again")
    assert workspace.git("rev-parse", f"{first}^{{tree}}") == workspace.git("rev-parse", f"{second}^{{tree}}")


def test_names_around_a_directory_are_sorted_as_git_sorts_them(workspace, repository):
    commit = repository.commit_files(
        REF, {"a/x": b"1", "a.b": b"2", "a-b": b"3", "a0": b"4", "a/y/z": b"5"}, expected=None, message="m"
    )
    workspace.git("fsck", "--strict")
    assert sorted(repository.read_tree(commit)) == ["a-b", "a.b", "a/x", "a/y/z", "a0"]


def test_moved_ref_is_a_conflict_and_writes_no_object(workspace, repository):
    first = deploy(repository, None)
    second = deploy(repository, first, 1)
    for expected in (first, None, "f" * 40):
        with pytest.raises(ConflictError):
            deploy(repository, expected, 2)
    assert repository.read_ref(REF) == second
    assert "dangling" not in workspace.git("fsck")


def test_ref_that_was_deleted_is_a_conflict(workspace, repository):
    first = deploy(repository, None)
    workspace.git("update-ref", "-d", REF)
    with pytest.raises(ConflictError, match="absent"):
        deploy(repository, first, 1)
    assert repository.read_ref(REF) is None


def test_packed_ref_is_compared_and_moved(workspace, repository):
    first = deploy(repository, None)
    workspace.git("pack-refs", "--all", "--prune")
    with pytest.raises(ConflictError):
        deploy(repository, None, 1)
    assert workspace.git("rev-parse", REF) == first
    assert deploy(repository, first, 1) == workspace.git("rev-parse", REF)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("other", ["refs/heads/deployed", "refs/heads/deployed/prod/eu"])
def test_ref_and_folder_of_refs_cannot_share_a_name(workspace, repository, other, packed):
    workspace.git("update-ref", other, "HEAD")
    if packed:
        workspace.git("pack-refs", "--all", "--prune")
    with pytest.raises(ConflictError) as caught:
        deploy(repository, None)
    assert other in caught.value.message
    assert workspace.git("for-each-ref", "--format=%(refname)", "refs/heads/deployed") == other
    assert leftovers(repository) == []


def test_empty_folders_of_deleted_refs_are_no_obstacle(workspace, repository):
    (workspace.path / ".git" / REF / "eu/west").mkdir(parents=True)
    assert deploy(repository, None) == workspace.git("rev-parse", REF)


@pytest.mark.parametrize("ref", ["deployed/prod", "HEAD", "refs/tags/v1", "refs/heads/link", "refs/heads/../../x"])
def test_only_plain_branches_are_written(workspace, repository, ref):
    workspace.git("symbolic-ref", "refs/heads/link", "refs/heads/main")
    with pytest.raises(UsageError):
        repository.commit_files(ref, FILES, expected=None, message="m")


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "", ".git/config", "a/./b", "aux", "a b", "é"])
def test_paths_that_cannot_travel_are_refused(repository, path):
    with pytest.raises(UsageError):
        repository.commit_files(REF, {path: b""}, expected=None, message="m")


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b/c", "a/b")])
def test_file_and_folder_of_one_name_are_refused(repository, paths):
    with pytest.raises(UsageError):
        repository.commit_files(REF, dict.fromkeys(paths, b""), expected=None, message="m")


@pytest.mark.parametrize("message", ["a\0b", "x" * ((1 << 20) + 1)])
def test_message_that_git_could_not_keep_is_refused(repository, message):
    with pytest.raises(UsageError):
        deploy(repository, None, message=message)


@pytest.mark.fault("R17")
def test_four_processes_lose_no_commit(workspace, repository, in_children):
    def work(name):
        mine = open_repository(workspace.path)
        for number in range(25):
            while True:
                expected = mine.read_ref(REF)
                try:
                    deploy(mine, expected, message=f"{name}-{number}")
                    break
                except ConflictError:
                    continue

    assert in_children([lambda name=name: work(name) for name in "abcd"]) == [0, 0, 0, 0]
    said = [facts.subject for facts in repository.history(repository.read_ref(REF))]
    assert sorted(said) == sorted(f"{name}-{number}" for name in "abcd" for number in range(25))
    workspace.git("fsck", "--strict")


@pytest.mark.fault("R17")
def test_writers_with_git_itself_lose_no_commit(workspace, repository, in_children):
    first = deploy(repository, None)

    def by_git():
        tree = workspace.git("rev-parse", f"{first}^{{tree}}")
        done = 0
        while done < 10:
            old = workspace.git("rev-parse", REF)
            new = workspace.git("commit-tree", "-p", old, "-m", f"git-{done}", tree)
            command = ["git", "update-ref", REF, new, old]
            done += subprocess.run(command, cwd=workspace.path, capture_output=True).returncode == 0

    def by_llmcfg():
        mine, done = open_repository(workspace.path), 0
        while done < 10:
            try:
                deploy(mine, mine.read_ref(REF), message=f"llmcfg-{done}")
                done += 1
            except ConflictError:
                continue

    assert in_children([by_git, by_llmcfg]) == [0, 0]
    assert len(list(repository.history(repository.read_ref(REF)))) == 21


DISK_EVENTS = {"open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.truncate", "fcntl.flock"}


def die_at(step, work, *arguments):
    """Run `work(*arguments)`, ending the process as SIGKILL would before the disk operation number `step` of it."""
    count = 0

    def watch(event, details):
        nonlocal count
        if event in DISK_EVENTS:
            count += 1
            if count > step:
                os._exit(137)

    sys.addaudithook(watch)
    work(*arguments)


def die_when(holds, work, *arguments):
    """Run `work(*arguments)`, ending the process as SIGKILL would before its first disk operation while `holds()`."""
    is_looking = False

    def watch(event, details):
        nonlocal is_looking
        if event in DISK_EVENTS and not is_looking:
            is_looking = True
            if holds():
                os._exit(137)
            is_looking = False

    sys.addaudithook(watch)
    work(*arguments)


@pytest.mark.fault("C01", "G35")
@pytest.mark.parametrize("deploy", [deploy, deploy_many])
def test_writer_killed_at_any_step_leaves_a_repository_that_the_next_can_write(workspace, repository, in_child, deploy):
    current, deaths = deploy(repository, None), 0
    for step in range(100):
        code = in_child(partial(die_at, step, deploy_as_newcomer, workspace.path, current, step + 1, deploy))
        after = repository.read_ref(REF)
        assert code in (0, 137)
        assert after == current or repository.facts(after).parents == (current,)
        deaths += code == 137
        current = deploy(repository, after, step + 100)
        assert leftovers(repository) == []
        if code == 0:
            break
    assert code == 0, "the writer must come to its end"
    assert deaths > 8
    workspace.git("fsck", "--strict")


@pytest.mark.fault("C01", "G35")
def test_writer_killed_when_the_ref_has_moved_has_written(workspace, repository, in_child):
    current, ref = deploy(repository, None), workspace.path / ".git" / REF

    def has_moved():
        return ref.exists() and ref.read_text().strip() != current

    assert in_child(partial(die_when, has_moved, deploy_as_newcomer, workspace.path, current, 1)) == 137
    after = repository.read_ref(REF)
    assert repository.facts(after).parents == (current,)
    deploy(repository, after, 2)
    assert leftovers(repository) == []
    workspace.git("fsck", "--strict")


@pytest.mark.fault("C04")
def test_recovery_killed_at_any_step_recovers_too(workspace, repository, in_child):
    current = deploy(repository, None)
    lock = workspace.path / ".git" / f"{REF}.lock"
    for step in range(100):
        assert in_child(partial(die_when, lock.exists, deploy_as_newcomer, workspace.path, current, step + 1)) == 137
        assert lock.exists()
        code = in_child(partial(die_at, step, deploy_as_newcomer, workspace.path, current, step + 2))
        current = deploy(repository, repository.read_ref(REF), -step)
        assert leftovers(repository) == []
        if code == 0:
            break
    assert code == 0


@pytest.mark.fault("G35")
def test_lock_of_another_program_is_reported_and_never_broken(workspace, repository):
    first = deploy(repository, None)
    lock = workspace.path / ".git" / f"{REF}.lock"
    lock.write_text("")
    repository.lock_seconds = 0.05
    with pytest.raises(PendingError) as caught:
        deploy(repository, first, 1)
    assert str(lock) in caught.value.message
    assert lock.exists()
    assert repository.read_ref(REF) == first
    lock.unlink()
    assert deploy(repository, first, 1) == repository.read_ref(REF)


@pytest.mark.fault("G35")
def test_lock_of_another_program_that_goes_away_is_waited_for(workspace, repository):
    first = deploy(repository, None)
    lock = workspace.path / ".git" / f"{REF}.lock"
    lock.write_text("")
    remover = subprocess.Popen(["sh", "-c", f"sleep 0.2; rm {lock}"])
    assert deploy(repository, first, 1) == repository.read_ref(REF)
    remover.wait()


@pytest.mark.fault("G35")
def test_live_holder_is_named(workspace, repository, tmp_path):
    first = deploy(repository, None)
    [lease] = repository.state_folder.rglob("*.lease")
    with lease.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        repository.lock_seconds = 0.05
        with pytest.raises(PendingError, match=f"process {os.getpid()}"):
            deploy(repository, first, 1)
        held.truncate(0)
        with pytest.raises(PendingError, match="another process"):
            deploy(repository, first, 1)
    assert deploy(repository, first, 1) == repository.read_ref(REF)


@pytest.mark.fault("G35")
def test_file_that_only_looks_like_a_dead_lock_is_not_broken(workspace, repository, in_child):
    """A dead writer's value lies there, but the lock was made by another program since."""
    current = deploy(repository, None)
    lock = workspace.path / ".git" / f"{REF}.lock"
    in_child(partial(die_when, lock.exists, deploy_as_newcomer, workspace.path, current, 1))
    content = lock.read_bytes()
    lock.unlink()
    lock.write_bytes(content)
    repository.lock_seconds = 0.05
    with pytest.raises(PendingError):
        deploy(repository, current, 2)
    assert lock.read_bytes() == content


def test_lock_that_another_program_takes_right_after_ours_is_left_alone(workspace, repository, monkeypatch):
    first, rename = deploy(repository, None), os.rename
    lock = workspace.path / ".git" / f"{REF}.lock"

    def rename_and_let_git_in(source, target, **options):
        rename(source, target, **options)
        if str(source) == str(lock):
            lock.write_text("git's")

    monkeypatch.setattr(os, "rename", rename_and_let_git_in)
    second = deploy(repository, first, 1)
    monkeypatch.undo()
    assert repository.read_ref(REF) == second
    assert lock.read_text() == "git's"


def failing(call, path_part):
    """`call`, but with an input/output error for paths that hold `path_part`; `after` does the work first."""

    def fail(path, *arguments, **options):
        if path_part in str(path):
            raise OSError(5, "Input/output error")
        return call(path, *arguments, **options)

    return fail


@pytest.mark.fault("C02")
@pytest.mark.parametrize("operation", ["link", "rename", "open"])
def test_failing_disk_leaves_the_ref_and_no_lock(repository, monkeypatch, operation):
    first = deploy(repository, None)
    monkeypatch.setattr(os, operation, failing(getattr(os, operation), "deployed"))
    with pytest.raises(StorageError) as caught:
        deploy(repository, first, 1)
    monkeypatch.undo()
    assert "Input/output error" in caught.value.message
    assert repository.read_ref(REF) == first
    assert leftovers(repository) == []
    assert deploy(repository, first, 1) == repository.read_ref(REF)


@pytest.mark.fault("C02")
def test_error_after_the_ref_has_moved_is_no_error(repository, monkeypatch):
    first = deploy(repository, None)
    rename = os.rename

    def rename_then_fail(source, target, **options):
        rename(source, target, **options)
        if "deployed" in str(target):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", rename_then_fail)
    second = deploy(repository, first, 1)
    monkeypatch.undo()
    assert repository.read_ref(REF) == second
    assert leftovers(repository) == []


@pytest.mark.fault("C08")
@pytest.mark.parametrize("deploy", [deploy, deploy_many])
def test_full_disk_is_a_storage_error_and_the_ref_stays(workspace, repository, in_child, deploy):
    first = deploy(repository, None)

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            deploy(open_repository(workspace.path), first, 1)
        except StorageError:
            os._exit(42)

    assert in_child(work) == 42
    assert repository.read_ref(REF) == first
    assert [*(repository.git_dir / "objects").rglob("tmp_*")] == []
    assert deploy(repository, first, 2) == repository.read_ref(REF)


@pytest.mark.fault("C06")
@pytest.mark.peer
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_every_object_ref_and_folder_is_flushed(workspace, tmp_path):
    script = (
        "import sys, pathlib; from llmcfg.git.repository import open_repository as o; r = o(pathlib.Path(sys.argv[1]));"
        f"r.commit_files('{REF}', {{'a/b': b'1', 'c': b'2'}}, expected=None, message='m')"
    )
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,rename,link", "-o", str(trace)]
    done = subprocess.run([*command, sys.executable, "-c", script, workspace.path], capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    lines = trace.read_text().splitlines()
    flushed = [line.split("<", 1)[1].rsplit(">", 1)[0] for line in lines if "sync(" in line]
    objects = [path for path in flushed if "/objects/" in path]
    assert (
        len([path for path in objects if "tmp" in path or len(path.rsplit("/", 1)[1]) == 38]) >= 5
    )  # 2 blobs, 2 trees, a commit
    heads = workspace.path / ".git/refs/heads"
    assert str(heads / "deployed") in flushed
    assert str(heads) in flushed
    last_object = max(number for number, line in enumerate(lines) if "sync(" in line and "/objects" in line)
    assert last_object < min(number for number, line in enumerate(lines) if "prod.lock" in line and "rename" in line)


def test_error_of_any_kind_has_an_exit_code_and_a_hint(repository):
    first = deploy(repository, None)
    with pytest.raises(LlmcfgError) as caught:
        deploy(repository, None)
    assert caught.value.exit_code == 6
    assert caught.value.hint
    assert first[:10] in caught.value.message
