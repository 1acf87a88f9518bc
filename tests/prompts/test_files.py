"""Versions as files: YAML at the top, messages below, and the place of each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcfg.model.target import Scope
from llmcfg.prompts.file import edit_head, find_prompt_places, is_prompt_file, load_prompt_file, write_prompt_file
from support.looked_at import effective, only, said
from support.written import opened

FILE = """\
---
status: draft
variables: {name: {type: string}}
---
--- system
Be kind.

--- user

Hi {{ name }}
and more

"""
INDEX = 'id: greet\ncurrent: "1.0.0"\n'


def loaded(text):
    document, problems = load_prompt_file(text.encode())
    assert document is not None, problems
    return document.value


def test_messages_stand_below_the_yaml_without_the_empty_lines_around_them():
    assert loaded(FILE) == {
        "status": "draft",
        "variables": {"name": {"type": "string"}},
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi {{ name }}\nand more"}],
    }


def test_a_body_without_heads_is_one_message_of_the_user():
    assert loaded("---\nstatus: draft\n---\nHi\n")["messages"] == [{"role": "user", "content": "Hi"}]


def test_a_line_that_looks_like_a_head_is_written_with_a_backslash():
    assert loaded("---\nstatus: draft\n---\n\\--- system\n")["messages"] == [{"role": "user", "content": "--- system"}]


def test_places_are_those_of_the_file():
    places = find_prompt_places(FILE.encode())
    assert places["status",][:2] == (2, 1)
    assert places["variables", "name"][:2] == (3, 13)
    assert places["messages", 1][:2] == (8, 1)
    assert places["messages", 1, "content"] == (10, 1, 10, 1, 11, 9)


def test_problems_of_the_yaml_have_the_line_of_the_file():
    document, problems = load_prompt_file(b"---\nstatus: no\n---\nHi\n")
    assert document is None
    assert [(problem.rule, problem.line) for problem in problems] == [("yaml-ambiguous", 2)]


def test_what_is_no_such_file_is_said_once_with_its_place():
    place = "prompts/greet/versions/1.0.0.md"
    for text, line in (
        ("Hi\n", 1),
        ("---\nstatus: draft\n", 1),
        ("---\nstatus: draft\n---\n", 3),
        ("---\na: 1\n---\nx\n--- user\ny\n", 4),
    ):
        assert said({"prompts/greet.yaml": INDEX, place: text})[0] == f"prompt-file {place}:{line}:1"


def test_messages_in_the_yaml_too_are_refused():
    finding = only({"prompts/greet/versions/1.0.0.md": "---\nmessages: []\n---\nHi\n"})
    assert (finding.rule_id, finding.origin.line) == ("prompt-file", 2)


def test_a_file_is_the_same_document_as_yaml_at_its_place():
    files = {"prompts/greet.yaml": INDEX, "prompts/greet/versions/1.0.0.md": FILE}
    inline = {
        "prompts/greet.yaml": INDEX
        + 'versions: {"1.0.0": '
        + str(loaded(FILE)).replace("'", '"').replace("\n", "\\n")
        + "}\n"
    }
    assert effective(files) == effective(inline)


def test_an_overlay_lies_over_a_file_and_a_layer_may_have_a_file_of_its_own():
    files = {
        "prompts/greet.yaml": INDEX,
        "prompts/greet/versions/1.0.0.md": FILE,
        "environments/dev/prompts/greet/versions/1.0.0.yaml": "variables: {name: {default: Ada}}\n",
        "environments/dev/prompts/greet/versions/2.0.0.md": FILE,
    }
    found = effective(files)["prompts"]["greet"]["versions"]
    assert found["1.0.0"]["variables"]["name"] == {"type": "string", "default": "Ada"}
    assert "2.0.0" in found
    assert "2.0.0" not in effective(files, "prod")["prompts"]["greet"]["versions"]


def test_the_same_bytes_are_read_by_the_kind_of_their_file():
    files = {"prompts/greet/versions/1.0.0.md": FILE, "base/other.yaml": FILE}
    configuration = opened(files)
    assert set(configuration.effective(Scope("dev", None)).documents) == {"prompts/greet/versions/1.0.0"}


def test_files_of_versions_lie_in_a_folder_of_that_name():
    assert is_prompt_file("prompts/a/b/versions/1.0.0.md")
    assert is_prompt_file("tenants/t/prompts/a/versions/1.0.0.md")
    for path in ("prompts/notes.md", "prompts/a/1.0.0.md", "prompts/versions/1.0.0.md", "docs/a/versions/1.0.0.md"):
        assert not is_prompt_file(path), path


def test_an_edit_of_the_yaml_leaves_all_other_bytes():
    content = FILE.replace("\n", "\r\n").encode()
    assert edit_head(content, lambda head: head.replace(b"draft", b"released")) == content.replace(
        b"draft", b"released"
    )


LINES = st.sampled_from(["Hi", "--- user", "\\--- system", "---", "", "  x", "{{ a }}", "--- system  ", "\\\\--- user"])
CONTENT = (
    st.lists(LINES, min_size=1, max_size=5)
    .map("\n".join)
    .filter(lambda text: text.strip() and text == text.strip("\n"))
)
MESSAGES = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), CONTENT), min_size=1, max_size=3)


@given(MESSAGES)
def test_what_is_written_is_read_again(messages):
    found = loaded(write_prompt_file({"status": "draft"}, messages))
    assert [(message["role"], message["content"]) for message in found["messages"]] == messages
