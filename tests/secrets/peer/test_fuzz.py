"""Random files, both ways: what one encrypts or changes the other decrypts to the same bytes, and what one refuses so does the other.

The differences that are meant are in docs/spec/secrets.md; each has its place here, and is allowed nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from llmcfg.errors import LlmcfgError, UsageError
from llmcfg.secrets.age import Identity
from llmcfg.secrets.sops.change import without_comments
from llmcfg.secrets.sops.edit import edit_values
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.model import (
    Comment,
    Documents,
    FileType,
    Item,
    Leaf,
    Mapping,
    Node,
    Null,
    Sequence,
    file_type_of,
)
from llmcfg.secrets.sops.rotate import rotate_data_key, set_recipients
from llmcfg.secrets.sops.rules import parse_rule
from llmcfg.secrets.sops.stores import parse_plain
from support.sops_files import PlainFile, plain_file

pytestmark = pytest.mark.peer

FIRST = int(os.environ.get("LLMCFG_FUZZ_FIRST", "0"))  # other numbers make other files
BATCHES, FILES = 44, 25
QUICK = 16  # batches that `.ci/run` has time for; `make peer-test` tries all of them
MOMENT = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)
KINDS = ("yaml", "yaml", "yaml", "yaml", "json", "env", "bin")


def batches(count: int) -> list[Any]:
    return [*range(min(count, QUICK)), *(pytest.param(one, marks=pytest.mark.sweep) for one in range(QUICK, count))]


@dataclass(frozen=True)
class Case:
    """A plaintext file, for whom it is encrypted, and a source of further choices."""

    number: int
    file: PlainFile
    groups: tuple[tuple[str, ...], ...]
    threshold: int
    random: Random

    @property
    def file_type(self) -> FileType:
        return file_type_of(self.file.name)

    @property
    def creation_rule(self) -> dict[str, Any]:
        settings: dict[str, Any] = dict(self.file.rule)
        if self.file.mac_only_encrypted:
            settings["mac_only_encrypted"] = True
        if len(self.groups) == 1:
            return {**settings, "age": ",".join(self.groups[0])}
        return {
            **settings,
            "shamir_threshold": self.threshold,
            "key_groups": [{"age": list(group)} for group in self.groups],
        }

    def encrypted_by_us(self) -> bytes:
        return encrypt_file(
            self.file.content, self.file_type, self.groups, MOMENT, threshold=self.threshold,
            rule=parse_rule(self.file.rule), mac_only_encrypted=self.file.mac_only_encrypted,
        )  # fmt: skip


def cases(
    batch: int, people: list[Identity], kinds: tuple[str, ...] = KINDS, *, miswritten: bool = False
) -> Iterator[Case]:
    for number in range(FIRST + batch * FILES, FIRST + (batch + 1) * FILES):
        random = Random(number)
        names = [person.recipient.text for person in random.sample(people, 4)]
        groups = random.choice(
            ((names[:1],), (names[:1],), (names[:2],), (names[:2], names[2:]), (names[:1], names[1:2], names[2:]))
        )
        threshold = random.randrange(2, len(groups) + 1) if len(groups) > 1 else 0
        file = plain_file(random, kinds, miswritten=miswritten)
        yield Case(number, file, tuple(tuple(group) for group in groups), threshold, random)


@pytest.mark.parametrize("batch", batches(BATCHES))
def test_what_we_encrypt_sops_decrypts_to_the_same_bytes(batch: int, sops, people) -> None:
    for case in cases(batch, people):
        try:
            ours = case.encrypted_by_us()
        except UsageError:
            continue  # the other way round shows that sops refuses it as well
        assert_opened_alike(case, sops, ours, people)


@pytest.mark.parametrize("batch", batches(BATCHES))
def test_what_sops_encrypts_we_decrypt_to_the_same_bytes(batch: int, sops, people) -> None:
    for case in cases(batch, people, (*KINDS, "ini")):
        theirs = sops.encrypt(case.file.name, case.file.content, case.creation_rule)
        if theirs.returncode:
            with pytest.raises(UsageError):
                case.encrypted_by_us()
            continue
        assert_opened_alike(case, sops, theirs.stdout, people)
        if case.file_type is not FileType.INI and not comments_in_lists_by_a_comment_rule(case):
            case.encrypted_by_us()


@pytest.mark.parametrize("batch", batches(BATCHES))
def test_what_we_change_sops_verifies(batch: int, sops, people) -> None:
    """Of a file that sops made: one value, then its recipients, then its data key."""
    for case in cases(batch, people):
        theirs = sops.encrypt(case.file.name, case.file.content, case.creation_rule)
        if theirs.returncode or not is_open(case, theirs.stdout, people):
            continue
        changed = theirs.stdout
        for step in (edited, with_other_recipients, rotated):
            try:
                changed = step(case, changed, people)
            except UsageError as error:
                assert re.search("cannot be changed|alias|has comments", error.message), (case.number, error)
                continue
            assert_opened_alike(case, sops, changed, people)


def is_open(case: Case, content: bytes, people: list[Identity]) -> bool:
    """Not every file that sops writes can be opened again, by it or by us."""
    try:
        return bool(decrypt_file(content, case.file_type, people))
    except LlmcfgError:
        return False


def edited(case: Case, content: bytes, people: list[Identity]) -> bytes:
    documents = decrypt_file(content, case.file_type, people).documents
    places = list(leaf_paths(documents[0], ()))
    if not places or case.file_type is FileType.BINARY:
        return content
    value: Any = (
        "changed"
        if case.file_type is FileType.DOTENV
        else case.random.choice(("changed", 12, 1.5, True, "a: b # c", "two\nlines"))
    )
    return edit_values(content, case.file_type, people, {case.random.choice(places): value}, MOMENT)


def with_other_recipients(case: Case, content: bytes, people: list[Identity]) -> bytes:
    chosen = [person.recipient.text for person in case.random.sample(people, case.random.choice((1, 2, 5)))]
    return set_recipients(content, case.file_type, people, chosen, MOMENT)


def rotated(case: Case, content: bytes, people: list[Identity]) -> bytes:
    return rotate_data_key(content, case.file_type, people, MOMENT)


@pytest.mark.parametrize("batch", batches(BATCHES // 4))
def test_what_sops_changes_we_verify(batch: int, sops, people) -> None:
    """Of a file that we made: its data key, and one value."""
    for case in cases(batch, people, ("yaml", "json")):
        try:
            name = sops.write(case.file.name, case.encrypted_by_us())
        except UsageError:
            continue
        value = sops.run("set", name, '["added by sops"]', '"value"')
        rotated = sops.run("rotate", "--in-place", name)
        if value.returncode or rotated.returncode:
            continue
        content = (sops.folder / name).read_bytes()
        opened = decrypt_file(content, case.file_type, people)
        assert b"added by sops" in opened.plain
        assert_opened_alike(case, sops, content, people)


@pytest.mark.parametrize("batch", batches(BATCHES // 4))
def test_strings_that_sops_writes_wrongly_are_right_here(batch: int, sops, people) -> None:
    """It encrypts them right. What it gets wrong is how they are printed, so what they are is compared, with nothing in the clear."""
    for case in cases(batch, people, ("yaml",), miswritten=True):
        everything = replace(case, file=replace(case.file, rule={"unencrypted_suffix": "_nowhere"}))
        theirs = sops.encrypt(case.file.name, case.file.content, everything.creation_rule)
        if theirs.returncode:
            continue
        expected = parse_plain(case.file.content, case.file_type)
        for content in (theirs.stdout, everything.encrypted_by_us()):
            opened = decrypt_file(content, case.file_type, people)
            assert stripped(opened.documents) == stripped(expected), case.number
            assert texts(parse_plain(opened.plain, case.file_type)) == texts(expected), case.number


def assert_opened_alike(case: Case, sops, content: bytes, people: list[Identity]) -> None:
    """Both decrypt it to the same bytes, or neither does."""
    theirs = sops.decrypt(case.file.name, content)
    if theirs.returncode:
        with pytest.raises(LlmcfgError):
            decrypt_file(content, case.file_type, people)
        return
    opened = decrypt_file(content, case.file_type, people)
    if opened.plain != theirs.stdout:
        assert is_meant(opened.plain, theirs.stdout, opened.documents, case), (case.number, case.file)


def is_meant(ours: bytes, theirs: bytes, documents: Documents, case: Case) -> bool:
    """Whether two plaintexts differ in a way that the documentation names."""
    if case.file_type is FileType.INI:
        return ours.rstrip(b"\n") == theirs.rstrip(b"\n")
    if case.file_type is not FileType.YAML or not (
        b"#ENC[" in theirs or any(has_comments_in_lists(one) for one in documents)
    ):
        return False
    return stripped(parse_plain(ours, FileType.YAML)) == stripped(parse_plain(theirs, FileType.YAML))


def comments_in_lists_by_a_comment_rule(case: Case) -> bool:
    on_comments = any("comment" in kind for kind in case.file.rule)
    return on_comments and any(has_comments_in_lists(one) for one in parse_plain(case.file.content, case.file_type))


def has_comments_in_lists(node: Node) -> bool:
    if isinstance(node, Mapping):
        return any(has_comments_in_lists(item.value) for item in node.entries())
    if isinstance(node, Sequence):
        return any(isinstance(item, Comment) or has_comments_in_lists(item) for item in node.items)
    return False


def stripped(documents: Documents) -> list[Node]:
    return [without_comments(document) for document in documents]


def texts(documents: Documents) -> list[bytes]:
    """All strings, in order."""
    return [leaf.reveal() for document in documents for leaf in leaves(document) if leaf.kind == "str"]


def leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Mapping | Sequence):
        for item in node.items:
            if not isinstance(item, Comment):
                yield from leaves(item.value if isinstance(item, Item) else item)


def leaf_paths(node: Node, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(node, Leaf | Null):
        yield path
    elif isinstance(node, Mapping):
        for item in node.items:
            if isinstance(item, Item):
                yield from leaf_paths(item.value, (*path, item.key))
    else:
        for number, element in enumerate(node.nodes()):
            yield from leaf_paths(element, (*path, number))
