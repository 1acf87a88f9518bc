"""`ports.Repository` over a real Git repository: the facade that the rest of the program sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from llmcfg.disk import atomic_write
from llmcfg.errors import ConflictError, IntegrityError, UsageError
from llmcfg.failpoints import failpoint
from llmcfg.git.changes import changed_files, changed_paths
from llmcfg.git.durable import ObjectWriter, branch_ref, own_ref, stored_folders, tag_ref
from llmcfg.git.filenames import FILES, FOLDERS
from llmcfg.git.history import History
from llmcfg.git.leftovers import find_locks
from llmcfg.git.objects import Objects
from llmcfg.git.opening import open_git, tracked_paths
from llmcfg.git.pieces import LISTS
from llmcfg.git.refs import Refs
from llmcfg.git.refswap import RefSwap
from llmcfg.git.revisions import Revisions
from llmcfg.git.seentree import Below
from llmcfg.git.snapshot import CommitSnapshot, read_blob
from llmcfg.git.statindex import StatIndex
from llmcfg.git.storedfiles import StoredFiles
from llmcfg.git.walk import TreeReader
from llmcfg.git.worktree import walk_work_tree
from llmcfg.limits import DEPLOYED_DEPTH, DEPLOYED_ENTRIES
from llmcfg.model.progress import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from llmcfg.git.knowntree import KnownTree
    from llmcfg.git.leftovers import Lock
    from llmcfg.git.opening import Opened
    from llmcfg.git.seen import Seen
    from llmcfg.git.worksnapshot import WorkTreeSnapshot
    from llmcfg.model.files import Files
    from llmcfg.model.progress import Progress
    from llmcfg.model.snapshot import BlobEntry, ChangedFile, CommitFacts, LineBlame, Revision

Publish = Callable[[str, str | None, str], None]  # ref, what it was, what it is to be


_KEPT_FILES = 2  # states: a command reads the one that it finds several times, and the one that it writes


def open_repository(folder: Path, extra_folders: Iterable[str] = (), prefix: str = "") -> GitRepository:
    """Open the configuration repository at `folder`, which holds llmcfg.yaml or lies below it, or is a bare repository.

    Only the known configuration folders and `extra_folders` (further first segments of the manifest's hierarchy) are ever read.
    `prefix` is the folder of llmcfg.yaml in a bare repository.
    Raises NotFoundError, UsageError, NotAuthorisedError or IntegrityError, each with the next step.
    """
    return GitRepository(open_git(folder, prefix), FOLDERS | FILES | frozenset(extra_folders))


class GitRepository:
    """One repository. Not shared between threads; each process or thread opens its own.

    `publish` is asked before a branch that `commit_files` writes moves here: what is true elsewhere has to be true there first.
    """

    def __init__(self, opened: Opened, wanted: frozenset[str]) -> None:
        self._git = opened.git
        self._opened = opened
        self._wanted = wanted
        self.root = opened.root
        self.prefix = opened.prefix
        self.git_dir = opened.git_dir
        self._objects = Objects(opened.git)
        self._trees = TreeReader(self._objects)
        self._stored = StoredFiles(self._trees, self.git_dir)
        self._refs = Refs(opened.git, self._objects)
        self._history = History(self._objects, opened.git_dir)
        self._revisions = Revisions(opened.git, self._refs, self._history)
        self._writer = ObjectWriter(opened.git, opened.git_dir)
        self._swap = RefSwap(opened.git_dir, self.state_folder, self._refs, self._history)
        self._files: dict[str, Files] = {}
        self.publish: Publish | None = None

    def __str__(self) -> str:
        return str(self.root or self.git_dir)

    @property
    def is_bare(self) -> bool:
        return self.root is None

    @property
    def state_folder(self) -> Path:
        """Where llmcfg keeps what belongs to this clone and not to its history, such as its locks."""
        return self.git_dir / "llmcfg"

    @property
    def lock_seconds(self) -> float:
        """How long a writer waits for another to finish before it gives up with PendingError."""
        return self._swap.wait_seconds

    @lock_seconds.setter
    def lock_seconds(self, seconds: float) -> None:
        self._swap.wait_seconds = seconds

    # reading

    @property
    def below(self) -> Below:
        """Which files of a commit are the configuration."""
        return Below(self.prefix, self._wanted)

    def resolve(self, revision: str) -> Revision:
        return self._revisions.resolve(revision)

    def head(self) -> Revision | None:
        return self._revisions.head()

    def snapshot(self, revision: Revision, known: KnownTree | None = None) -> CommitSnapshot:
        """Where a tree is `known`, what differs from it is read."""
        tree = self._history.commit(revision.commit).tree
        label = self._revisions.label(revision)
        return CommitSnapshot(self._trees, revision, tree, self.below, label, known)

    def work_tree(self, seen: Seen | None = None, now_ns: int = 0) -> WorkTreeSnapshot:
        """As it lies now. `seen` is what was seen of it earlier; without `now_ns`, nothing is noted for a later look."""
        from llmcfg.git.ground import deciding_of, index_of

        if self.root is None:
            raise UsageError(f"{self} is a bare repository and has no work tree", hint="name a revision with --at")
        deciding = deciding_of(self._opened) if now_ns else None
        index = StatIndex(seen, None if deciding is None else map(str, deciding), now_ns)

        def tracked() -> Sequence[str]:
            index.note_asked(str(index_of(self._opened)))
            return tracked_paths(self._git)

        return walk_work_tree(
            self.root, self._wanted, self._ignore_test(tracked), lambda path: self._in_tree(path) in tracked(), index
        )

    def opening_ground(self) -> Sequence[Path] | None:
        """Those of `ground` that decide whether the repository can be opened; None where not all are known."""
        from llmcfg.git.ground import deciding_of

        return deciding_of(self._opened)

    def ground(self) -> Sequence[Path] | None:
        """The files and folders beside the work tree that decide what is in `work_tree`; None where not all are known."""
        from llmcfg.git.ground import ground_of

        return ground_of(self._opened)

    def refs_ground(self) -> Sequence[Path]:
        """The files and folders that decide where refs point, there or not."""
        from llmcfg.git.ground import refs_ground_of

        return [*refs_ground_of(self._opened)]

    @property
    def is_shallow(self) -> bool:
        """Whether the clone was cut off, so that history ends early."""
        return (self.git_dir / "shallow").is_file()

    @property
    def is_partial(self) -> bool:
        """Whether the clone was made with a filter, so that objects of other revisions are not here."""
        return any(entry.name.endswith(".promisor") for entry in self._git.config)

    def is_ignored(self, path: str) -> bool:
        """Whether Git ignores a path from the root, which need not exist; a folder's ends in `/`."""
        return self._ignore_test(lambda: tracked_paths(self._git))(path)

    def locks(self) -> Iterator[Lock]:
        return find_locks(self.git_dir, self.state_folder)

    def read_ref(self, name: str) -> str | None:
        return self._refs.commit(name)

    def list_refs(self, prefix: str) -> Mapping[str, str]:
        """Full ref name to commit, for all sound refs that begin with `prefix`."""
        return {prefix + name: commit for name, commit in self._refs.commits(prefix).items()}

    def list_targets(self, prefix: str) -> Mapping[str, str]:
        """Full ref name to the object that it points at, a tag object too, for all refs that begin with `prefix`."""
        return {name: oid for name in self._refs.names(prefix) if (oid := self._refs.target(name)) is not None}

    def tags(self) -> Mapping[str, str]:
        return self._refs.commits("refs/tags/")

    def facts(self, commit: str) -> CommitFacts:
        return self._history.facts(commit)

    def history(self, start: str, *, first_parent: bool = True) -> Iterator[CommitFacts]:
        return self._history.walk(start, first_parent=first_parent)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `old` is `new` or one of its ancestors. Raises NotFoundError where a shallow clone ends."""
        return self._history.is_ancestor(old, new)

    def descends(self, new: str, old: str) -> bool:
        """As `is_ancestor(old, new)`, in the time of the way between them. Raises NotFoundError when one of them is not here."""
        return new == old or self._history.descends(self._git, new, old)

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits; None where they have none, as far as the history is here."""
        return self._history.merge_base(self._git, one, other)

    def commits_between(self, old: str | None, new: str) -> Sequence[CommitFacts]:
        """The commits that lead to `new` and not to `old`, newest first, each read strictly."""
        return self.commits_beyond((old,) if old else (), new)

    def commits_beyond(self, known: Collection[str], new: str) -> Sequence[CommitFacts]:
        """The commits that lead to `new` and to none of the known ones, newest first, each read strictly."""
        return self._history.beyond(self._git, known, new)

    def target(self, ref: str) -> str | None:
        """The object that a full ref name points at, a tag object too; None if there is no such ref."""
        return self._refs.target(ref)

    def has_object(self, oid: str) -> bool:
        return self._objects.is_stored(oid)

    def reopen_packs(self) -> None:
        """To be called when packs were replaced by others. What was read is remembered."""
        self._objects.reopen()

    def raw(self, oid: str) -> tuple[str, bytes]:
        """Kind and content of a commit or tag object. Raises IntegrityError for what cannot be read, or is neither."""
        return self._refs.raw(oid)

    def tagged(self, name: str, oid: str) -> str:
        """The commit that the object `oid` leads to as the tag of this name. Raises IntegrityError for what is no such tag."""
        return self._refs.peel(tag_ref(name), oid)

    @property
    def main_branch(self) -> str | None:
        """The branch that HEAD stands for, whether or not it has a commit; None where nobody has said so yet."""
        branch = self._refs.symbolic_target("HEAD") or ""
        name = branch.removeprefix("refs/heads/")
        return name if name != branch and not name.startswith("-") else None

    def name_main_branch(self, name: str) -> None:
        """Make HEAD of a bare repository stand for a branch."""
        atomic_write(self.git_dir / "HEAD", f"ref: {branch_ref(f'refs/heads/{name}')}\n".encode())

    def changed_paths(self, old: str, new: str) -> Sequence[str]:
        """Paths of the configuration that differ between two commits, sorted; equal subtrees are not read."""
        trees = (self._history.commit(commit).tree for commit in (old, new))
        return changed_paths(self._trees, *trees, wanted=self._wanted, prefix=self.prefix)

    def changed_files(self, old: str | None, new: str) -> Sequence[ChangedFile]:
        """The same with the blobs on both sides. Without `old`, every file of `new`."""
        trees = (self._history.commit(commit).tree if commit else None for commit in (old, new))
        return changed_files(self._trees, *trees, wanted=self._wanted, prefix=self.prefix)

    def read_blob(self, oid: str) -> bytes:
        """Raises IntegrityError if it is missing, damaged or too large."""
        return read_blob(self._trees, oid)

    def blame(self, revision: Revision | None, path: str, lines: Sequence[int]) -> Mapping[int, LineBlame]:
        from llmcfg.git.blame import blame_lines

        start = revision or self.head()
        tip = start.commit if start else None
        in_tree = f"{self.prefix}/{path}" if self.prefix else path
        current = None
        if revision is None and self.root is not None:
            current = (self.root / path).read_bytes() if (self.root / path).is_file() else b""
        return blame_lines(self._git, self._history, tip, in_tree, lines, current)

    def read_tree(self, commit: str) -> Mapping[str, bytes]:
        tree = self._whole_tree(commit)
        return {path: read_blob(self._trees, entry.oid, again=True) for path, entry in tree.items()}

    def read_files(self, commit: str) -> Files:
        if commit not in self._files:
            opened = self._stored.open(self._history.commit(commit).tree)
            self._files = {**dict([*self._files.items()][1 - _KEPT_FILES :]), commit: opened}
        return self._files[commit]

    def read_file(self, commit: str, path: str) -> bytes | None:
        """One file of a commit's whole tree; None if there is no such file."""
        folder, _, name = path.rpartition("/")
        tree = self._trees.find_folder(self._history.commit(commit).tree, folder)
        entries = self._trees.parse(tree, frozenset([name])).entries if tree else ()
        files = (entry.oid for entry in entries if not entry.is_tree or entry.name in LISTS)
        return next(map(self._stored.read_blob, files), None)

    def tree_digests(self, commit: str) -> Mapping[str, str]:
        return {path: entry.oid for path, entry in self._whole_tree(commit).items()}

    # writing

    @property
    def identity(self) -> str:
        """`name <mail>` that commits are written as, from the Git configuration."""
        return self._writer.identity()

    @property
    def has_identity(self) -> bool:
        """Whether the Git configuration names who commits; without it a stand-in is written."""
        return self._writer.configured_identity() is not None

    def commit_files(
        self,
        ref: str,
        files: Mapping[str, bytes],
        *,
        expected: str | None,
        message: str,
        progress: Progress = UNWATCHED,
    ) -> str:
        if self._refs.symbolic_target(branch_ref(ref)):
            raise UsageError(f"{ref} stands for another branch", hint="write to that branch")
        return self._commit_files(ref, files, expected, message, self.publish, progress)

    def keep_files(self, ref: str, files: Mapping[str, bytes], *, expected: str | None, message: str) -> str:
        """The same on a ref below `refs/llmcfg/`, which is this clone's own and is never published."""
        return self._commit_files(own_ref(ref), files, expected, message, None)

    def move_ref(self, ref: str, expected: str | None, new: str) -> None:
        """Point a branch, a tag or a ref of llmcfg's own at an object that is here, by compare-and-swap.

        Raises as `commit_files`, UsageError for other names.
        """
        if ref.startswith("refs/heads/"):
            branch_ref(ref)
        elif ref.startswith("refs/tags/"):
            tag_ref(ref.removeprefix("refs/tags/"))
        else:
            own_ref(ref)
        self._swap.swap(ref, expected, new)

    def create_tag(self, name: str, commit: str, message: str, *, sign: Callable[[bytes], bytes] | None = None) -> None:
        """`sign` gives the signature of a tag object that ends without one."""
        ref = tag_ref(name)
        self._history.commit(commit)
        known = self._refs.commit(ref)
        if known is None:
            tag = self._writer.write_tag(name, commit, message, sign)
            try:
                self._swap.swap(ref, None, tag)
            except ConflictError:
                known = self._refs.commit(ref)
                if known is None:
                    raise
        if known not in (None, commit):
            raise ConflictError(
                f"the tag {name!r} exists for another commit, {known[:10]}",
                hint="released tags never move; choose another",
            )

    def _commit_files(
        self,
        ref: str,
        files: Mapping[str, bytes],
        expected: str | None,
        message: str,
        publish: Publish | None,
        progress: Progress = UNWATCHED,
    ) -> str:
        self._swap.compare(ref, expected)
        before = self._history.commit(expected).tree if expected else None
        present = self._present(before, files)
        tree = self._writer.write_tree(files, present, self._stored, in_pieces=True, progress=progress)
        failpoint("commit.after_tree")
        commit = self._writer.write_commit(tree, (expected,) if expected else (), message)
        failpoint("commit.after_commit")
        if publish is not None:
            publish(ref, expected, commit)
        failpoint("commit.before_ref")
        self._swap.swap(ref, expected, commit)
        failpoint("commit.after_ref")
        return commit

    def _present(self, tree: str | None, files: Mapping[str, bytes]) -> Collection[str]:
        """The objects of a tree that need not be written again. A damaged clone may lack some."""
        staying = [folder for _, folder in stored_folders(files, self._stored)]
        named = self._trees.object_ids(tree, {folder.id for folder in staying}) if tree else set[str]()
        named |= {oid for folder in staying if folder.own for oid in self._stored.pieces(folder.id)}
        return {oid for oid in named if self._objects.is_stored(oid)}

    def _ignore_test(self, tracked: Callable[[], Sequence[str]]) -> Callable[[str], bool]:
        """Whether Git ignores a path from the root: its patterns say so and no file there is tracked."""
        known: set[str] = set()

        def is_ignored(path: str) -> bool:
            if not self._git.path_is_ignored(self._in_tree(path)):
                return False
            if not known:
                known.update(_with_folders(tracked()))
            return self._in_tree(path) not in known

        return is_ignored

    def _in_tree(self, path: str) -> str:
        """A path from the root, as it is from the top of the work tree. The index has another repository under it."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def _whole_tree(self, commit: str) -> Mapping[str, BlobEntry]:
        walked = self._trees.walk(self._history.commit(commit).tree, depth=DEPLOYED_DEPTH, count=DEPLOYED_ENTRIES)
        if walked.findings:
            first = walked.findings[0]
            raise IntegrityError(
                f"the tree of {commit[:10]} was not written by llmcfg: {first.origin}: {first.message}",
                hint="see git log of that ref for who wrote it, and apply again",
            )
        return walked.entries


def _with_folders(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield path
        for end, char in enumerate(path):
            if char == "/":
                yield path[: end + 1]
