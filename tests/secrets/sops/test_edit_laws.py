"""Laws of editing a secret file: what is asked for is changed, with `mac` and `lastmodified`, and not one other byte."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from llmcfg.errors import LlmcfgError, UsageError
from llmcfg.model.value import Path
from llmcfg.secrets.age import generate_identity
from llmcfg.secrets.sops.edit import edit_values
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.model import FileType, Leaf, Mapping, Node, Null, Sequence, file_type_of, node_at
from llmcfg.secrets.sops.rules import parse_rule
from support.sops_files import plain_file

READER = generate_identity()
BEFORE, AFTER = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 2, 1, 8, 30, tzinfo=UTC)
NEW = "a new value"
TOKEN = re.compile(rb"ENC\[AES256_GCM,data:[^,\s]+,iv:[^,\s]+,tag:[^,\s]+,type:[a-z]+\]")
METADATA_LINES = (b"lastmodified", b"mac", b"sops_lastmodified", b"sops_mac")


@dataclass(frozen=True)
class SecretFile:
    content: bytes
    file_type: FileType

    @property
    def values(self) -> dict[Path, Leaf | Null]:
        """The scalars of its first document, where no key of a mapping stands twice."""
        (document, *_) = self.opened.documents
        return dict(scalars(document))

    @property
    def opened(self):
        return decrypt_file(self.content, self.file_type, [READER])

    def edited(self, changes: dict[Path, object] | None = None, removals: tuple[Path, ...] = ()) -> SecretFile:
        """Skips the example where the place cannot be changed in its text, such as an alias."""
        try:
            made = edit_values(self.content, self.file_type, [READER], changes or {}, AFTER, removals=removals)
        except UsageError:
            assume(False)
        return SecretFile(made, self.file_type)


def scalars(node: Node, at: Path = ()) -> Iterator[tuple[Path, Leaf | Null]]:
    if isinstance(node, Leaf | Null):
        yield at, node
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.nodes()):
            yield from scalars(item, (*at, index))
    else:
        keys = Counter(item.key for item in node.entries())
        for item in node.entries():
            if keys[item.key] == 1:
                yield from scalars(item.value, (*at, item.key))


@st.composite
def secret_files(draw, kinds=("yaml", "yaml", "yaml", "json", "env")) -> SecretFile:
    """As sops would write it, and then as somebody left it who likes other white space."""
    random = Random(draw(st.integers(0, 1 << 32)))
    plain = plain_file(random, kinds)
    file_type = file_type_of(plain.name)
    try:
        content = encrypt_file(
            plain.content, file_type, [READER.recipient.text], BEFORE,
            rule=parse_rule(plain.rule), mac_only_encrypted=plain.mac_only_encrypted,
        )  # fmt: skip
        plaintext = decrypt_file(content, file_type, [READER]).plain
    except LlmcfgError:
        assume(False)
    odd = oddly_formatted(content, file_type, random)
    return SecretFile(odd if opens_to(odd, file_type, plaintext) else content, file_type)


def opens_to(content: bytes, file_type: FileType, plaintext: bytes) -> bool:
    """This depends on the ciphertext, which is another one each time, so it is nothing to be assumed."""
    try:
        return decrypt_file(content, file_type, [READER]).plain == plaintext
    except LlmcfgError:
        return False


def oddly_formatted(content: bytes, file_type: FileType, random: Random) -> bytes:
    if file_type is FileType.JSON:
        lines = [line.lstrip(b"\t") if random.random() < 0.2 else line for line in content.split(b"\n")]
        return b"\n".join(line.replace(b'": ', random.choice((b'":', b'" : ', b'": '))) for line in lines)
    if file_type is not FileType.YAML:
        return content
    made: list[bytes] = []
    for line in content.split(b"\n"):
        made += random.choice(([], [], [], [b""], [b"   "]))
        is_token = line.endswith(b"]")
        made.append(line + random.choice((b"", b"  ")) if is_token else line)
    return b"\n".join(made).replace(b"\n", b"\r\n" if random.random() < 0.2 else b"\n")


def changed_lines(before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    one, other = before.split(b"\n"), after.split(b"\n")
    assert len(one) == len(other)
    return [(old, new) for old, new in zip(one, other, strict=True) if old != new]


def is_metadata(line: bytes) -> bool:
    return line.strip().lstrip(b'"').startswith(METADATA_LINES)


@given(secret_files(), st.randoms(use_true_random=False))
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_a_value_that_is_replaced_changes_its_line_and_two_of_the_metadata(file: SecretFile, random: Random) -> None:
    written = file.content.decode("utf-8", "surrogateescape")
    choices = [
        path
        for path, value in file.values.items()
        if isinstance(value, Leaf) and value.reveal() and b"\n" not in value.reveal()
    ]
    assume(choices)
    path = random.choice(choices)
    edited = file.edited({path: NEW})
    if len(written.split("\n")) == len(edited.content.split(b"\n")):
        lines = changed_lines(file.content, edited.content)
        assert len([old for old, _ in lines if not is_metadata(old)]) <= 1
        assert {new.split(b":")[0].split(b"=")[0].strip(b' \t"') for old, new in lines if is_metadata(old)} <= {
            *METADATA_LINES
        }
    found = node_at(edited.opened.documents[0], path)
    assert isinstance(found, Leaf) and found.reveal() == NEW.encode()
    others = {at: value for at, value in file.values.items() if at != path}
    assert {at: value for at, value in edited.values.items() if at != path} == others


@given(secret_files(), st.randoms(use_true_random=False))
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_what_was_not_asked_for_keeps_its_ciphertext(file: SecretFile, random: Random) -> None:
    choices = [path for path, value in file.values.items() if isinstance(value, Leaf)]
    assume(choices)
    path = random.choice(choices)
    edited = file.edited({path: NEW})
    gone = tokens(file.content) - tokens(edited.content)
    assert sum(gone.values()) <= 1 + len(file.opened.documents)  # its own, and a MAC in every document


def tokens(content: bytes) -> Counter[bytes]:
    """The MAC is one too."""
    return Counter(TOKEN.findall(content))


@given(secret_files(), st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8), st.text(max_size=30))
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_what_is_added_is_there_and_taking_it_away_gives_the_old_text(file: SecretFile, key: str, value: str) -> None:
    assume((key,) not in file.values and file.opened.documents[0].find(key) is None and key != "sops")
    added = file.edited({(key,): value})
    assert isinstance(node_at(added.opened.documents[0], (key,)), Leaf)
    back = added.edited(removals=((key,),))
    assert back.opened.plain == file.opened.plain
    assert [line for line in back.content.split(b"\n") if not is_metadata(line)] == [
        line for line in file.content.split(b"\n") if not is_metadata(line)
    ]


@given(secret_files(), st.randoms(use_true_random=False))
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_what_is_removed_is_gone_and_nothing_else(file: SecretFile, random: Random) -> None:
    choices = [path for path in file.values if isinstance(path[-1], str)]
    assume(len(choices) > 1)
    path = random.choice(choices)
    edited = file.edited(removals=(path,))
    assert edited.values == {at: value for at, value in file.values.items() if at != path}
    assert tokens(edited.content) - tokens(file.content) == tokens(mac_line(edited.content))


def mac_line(content: bytes) -> bytes:
    return b"\n".join(line for line in content.split(b"\n") if is_metadata(line) and b"mac" in line.split(b"ENC")[0])


@given(secret_files())
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_the_same_value_again_changes_no_byte(file: SecretFile) -> None:
    strings = {path: value for path, value in file.values.items() if isinstance(value, Leaf) and value.kind == "str"}
    changes: dict[Path, object] = {
        path: value.reveal().decode("utf-8", "surrogateescape") for path, value in strings.items()
    }
    assert file.edited(changes).content == file.content


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: &x two\nc: *x\n",
        "a: {b: two, c: [x, y]}\n",
        "# first\na: 1 # one\n\n\nb:\n    - x\n    # y\n    - z\n",
    ],
)
def test_the_laws_are_not_only_about_files_that_cannot_be_changed(text: str) -> None:
    made = encrypt_file(text.encode(), FileType.YAML, [READER.recipient.text], BEFORE)
    file = SecretFile(made, FileType.YAML)
    lines = changed_lines(
        made, edit_values(made, FileType.YAML, [READER], {("a",): 5} if "{" not in text else {("a", "b"): 5}, AFTER)
    )
    assert len(lines) == 3
    assert isinstance(file.opened.documents[0], Mapping)
