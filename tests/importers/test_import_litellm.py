"""`import_litellm`: a repository that renders the same configuration again, with every comment, or findings that say why not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.rendering import render
from llmcfg.importers.imported import Imported
from llmcfg.importers.litellm import import_litellm
from llmcfg.model.findings import Severity
from llmcfg.model.reference import swap_name_case

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.yaml"))
ENVIRONMENTS = ("dev", "staging", "prod")


def imported(content: str | bytes, name: str = "gateway") -> Imported:
    return import_litellm(content if isinstance(content, bytes) else content.encode(), name=name)


def documents(content: str) -> dict[str, str]:
    prefix = "base/litellm/"
    files = imported(content).files
    return {path.removeprefix(prefix): files[path].decode() for path in files if path.startswith(prefix)}


def comments_of(text: str) -> list[str]:
    return [comment.strip() for comment in re.findall(r"(?m)(?:^|\s)#.*$", text)]


def round_trip(content: bytes) -> None:
    """The law of the importer, for a file that it takes."""
    result = import_litellm(content, name="gateway")
    assert result.files, result.findings
    rendering = render(result.files)
    assert {error.rule_id for error in rendering.errors} <= {"secret-empty"}
    original = yaml.safe_load(content)
    for environment in ENVIRONMENTS:
        assert rendering.config(environment) == original
    everything = b"\n".join(result.files.values()).decode()
    assert [comment for comment in comments_of(content.decode()) if comment not in everything] == []


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_the_repository_renders_what_was_imported_and_keeps_every_comment(file: Path) -> None:
    content = file.read_bytes()
    assert b"note-" in content
    round_trip(content)


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(file: Path) -> None:
    content = file.read_bytes()
    windows = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
    assert import_litellm(windows, name="gateway").files == import_litellm(content, name="gateway").files


def test_real_configurations_come_back_or_say_why_not() -> None:
    corpus = Path(os.environ.get("LLMCFG_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
    files = sorted(corpus.glob("litellm*/*.yaml"))
    if not files:
        pytest.skip(f"no LiteLLM configs under {corpus}; name their folder in LLMCFG_CORPUS")
    carried = 0
    for file in files:
        result = import_litellm(file.read_bytes(), name=file.stem)
        if result.files:
            round_trip(file.read_bytes())
            carried += 1
        else:
            assert result.findings
            assert all(finding.message for finding in result.findings)
    assert carried * 5 >= len(files) * 4


def test_a_mapping_section_is_a_document_and_a_list_stands_under_entries() -> None:
    assert documents("model_list:\n  - model_name: a\nrouter_settings:\n  num_retries: 2\nport: 4000\nrest:\n") == {
        "model_list.yaml": "entries:\n  - model_name: a\n",
        "router_settings.yaml": "num_retries: 2\n",
        "port.yaml": "value: 4000\n",
        "rest.yaml": "value:\n",
    }


def test_layout_and_quotes_stay_as_they_were() -> None:
    section = "a:   {b: 'one',  c: [1,2 , 3]}\n\nd: |\n  text\n\n  more\ne:\n    - x\n    -   z: 1\n"
    indented = "".join(f"   {line}" if line.strip() else line for line in section.splitlines(keepends=True))
    assert documents("settings:\n" + indented)["settings.yaml"] == section


def test_comments_go_with_the_section_that_they_are_about() -> None:
    text = """\
# header

# about the first
first:  # beside the first
  # inside
  a: 1  # inline
  # at its end
# about the second
second:
- 1
# still the second

# about the third
third: {}
# at the end
"""
    assert documents(text) == {
        "first.yaml": "# header\n\n# about the first\n# beside the first\n# inside\na: 1  # inline\n# at its end\n",
        "second.yaml": "# about the second\nentries:\n- 1\n# still the second\n",
        "third.yaml": "# about the third\n{}\n# at the end\n",
    }


def test_environment_references_become_secrets_and_variables() -> None:
    result = imported(
        """\
a:
  key: os.environ/OPENAI_API_KEY
  token: "os.environ/hf_token"
  dsn: os.environ/SENTRY_DSN
  mixed: os.environ/AdminPassword
  database: os.environ/DATABASE_URL
  url: os.environ/OLLAMA_URL
  count: os.environ/MAX_TOKENS
  region: os.environ/region
  part: see os.environ/OPENAI_API_KEY
"""
    )
    assert result.secrets == ("HF_TOKEN", "database_url", "openai_api_key", "sentry_dsn")
    assert result.variables == ("AdminPassword", "MAX_TOKENS", "OLLAMA_URL")
    document = yaml.safe_load(result.files["base/litellm/a.yaml"])
    assert document["key"] == "{{secret:openai_api_key}}"
    assert document["url"] == "{{var:OLLAMA_URL}}"
    assert document["region"] == "os.environ/region"
    assert document["part"] == "see os.environ/OPENAI_API_KEY"
    manifest = yaml.safe_load(result.files["llmcfg.yaml"])
    assert manifest["variables"]["OLLAMA_URL"] == "os.environ/OLLAMA_URL"
    assert yaml.safe_load(result.files["base/secrets/litellm.yaml"]) == dict.fromkeys(result.secrets, "")


def test_the_environment_file_delivers_each_secret_under_its_old_name() -> None:
    result = imported("a: {k: os.environ/OPENAI_API_KEY, t: os.environ/hf_token}\n")
    rendered = render(result.files).files["prod"]["files/litellm.env"].decode()
    assert rendered.splitlines() == ["hf_token={{secret:HF_TOKEN}}", "OPENAI_API_KEY={{secret:openai_api_key}}"]


def test_without_secrets_there_is_no_secret_file_and_no_environment_file() -> None:
    result = imported("a: {b: 1}\n")
    assert sorted(result.files) == [
        "base/litellm/a.yaml",
        "consumers/llm-gateway.yaml",
        "llmcfg.yaml",
        "templates/litellm.yaml.j2",
    ]
    assert render(result.files).errors == []


def test_a_variable_set_for_one_environment_changes_only_that_environment() -> None:
    files = dict(imported("a: {url: os.environ/OLLAMA_URL}\n").files)
    manifest = files["llmcfg.yaml"].decode()
    files["llmcfg.yaml"] = manifest.replace("dev: {}", "dev: {variables: {OLLAMA_URL: http://localhost}}").encode()
    rendering = render(files)
    assert rendering.config("dev") == {"a": {"url": "http://localhost"}}
    assert rendering.config("prod") == {"a": {"url": "os.environ/OLLAMA_URL"}}


@pytest.mark.parametrize(
    ("written", "strict"),
    [
        ("no", "false"),
        ("On", "true"),
        ("010", "8"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("12:30", "750"),
        ("2.5e-07", "0.00000025"),
        ("1e3", '"1e3"'),
        ("1e-05", '"1e-05"'),
        ("0o17", '"0o17"'),
        ("y", '"y"'),
        ("!!str 12", '"12"'),
        ("!!int '7'", "7"),
    ],
)
def test_what_yaml_versions_take_differently_is_written_with_the_meaning_it_had(written: str, strict: str) -> None:
    content = f"a:\n  b: {written}  # kept\n"
    assert documents(content) == {"a.yaml": f"b: {strict}  # kept\n"}
    assert yaml.safe_load(f"b: {strict}") == yaml.safe_load(content)["a"]


def test_merge_keys_become_the_keys_that_they_bring_in() -> None:
    text = """\
shared: &shared
  rpm: 10
  key: os.environ/A_KEY
models:
  - name: one
    params:
      <<: *shared  # from above
      rpm: 20
  - <<: [{name: two}, *shared]
"""
    assert documents(text)["models.yaml"] == (
        'entries:\n  - name: one\n    params:\n      key: "{{secret:a_key}}"  # from above\n      rpm: 20\n'
        '  - name: two\n    rpm: 10\n    key: "{{secret:a_key}}"\n'
    )


def test_the_earlier_of_two_equal_keys_becomes_a_comment_with_a_warning() -> None:
    result = imported("a:\n  b: 1  # old\n  c:\n    d: 2\n  b: 3\n  c: 4\na2: 1\n")
    assert result.files["base/litellm/a.yaml"].decode() == "# b: 1  # old\n# c:\n#   d: 2\nb: 3\nc: 4\n"
    assert [(finding.rule_id, str(finding.origin)) for finding in result.findings] == [
        ("import-duplicate", "config.yaml:5:3"),
        ("import-duplicate", "config.yaml:6:3"),
    ]
    assert {finding.severity for finding in result.findings} == {Severity.WARNING}


def test_a_section_written_twice_keeps_the_later_one_and_the_earlier_as_a_comment() -> None:
    text = "a:\n  b: 1\nc: {}\na:\n  b: 2\n"
    assert documents(text) == {"a.yaml": "# a:\n#   b: 1\nb: 2\n", "c.yaml": "{}\n"}


def test_a_section_whose_text_cannot_stay_is_written_anew_with_its_comments() -> None:
    result = imported("# top\na: &a\n  b: 1  # one\nc: *a\n? d  # odd\n: e: 2\n")
    assert result.files["base/litellm/c.yaml"] == b"b: 1\n"
    assert result.files["base/litellm/d.yaml"] == b"# odd\ne: 2\n"
    assert [(finding.rule_id, finding.origin.line) for finding in result.findings] == [
        ("import-rewritten", 4),
        ("import-rewritten", 5),
    ]


def test_json_is_imported_too() -> None:
    round_trip(b'{"model_list": [{"model_name": "a", "rpm": 1.5}], "general_settings": {"k": "os.environ/A_KEY"}}')


def test_sections_get_documents_that_any_file_system_can_hold() -> None:
    result = imported('"a/b": {x: 1}\ncon: {x: 2}\nKey: {x: 3}\nkey: {x: 4}\n"…": {x: 5}\nitems: {x: 6}\n')
    assert sorted(path for path in result.files if path.startswith("base/litellm/")) == [
        "base/litellm/Key.yaml",
        "base/litellm/items.yaml",
        "base/litellm/key-2.yaml",
        "base/litellm/section-a-b.yaml",
        "base/litellm/section-con.yaml",
        "base/litellm/section-x.yaml",
    ]
    assert render(result.files).config("dev")["key"] == {"x": 4}


@pytest.mark.parametrize(
    ("content", "rule", "place"),
    [
        ("", "yaml-empty", "config.yaml"),
        ("# only a comment\n", "yaml-empty", "config.yaml"),
        ("- a\n", "yaml-root", "config.yaml:1:1"),
        ("a: 1\n---\nb: 1\n", "yaml-documents", "config.yaml:2:1"),
        ("a:\n\t- b\n", "yaml-syntax", "config.yaml:2:1"),
        ("a: *missing\n", "yaml-syntax", "config.yaml:1:4"),
        ("a: &x 1\nb: &x 2\n", "yaml-syntax", "config.yaml:2:4"),
        ("a: &x [*x]\n", "yaml-depth", "config.yaml:1:4"),
        ("a: &x {<<: *x}\n", "yaml-depth", "config.yaml:1:4"),
        ("[" * 20_000, "yaml-depth", "config.yaml"),
        ("a: {b: 2023-05-15}\n", "yaml-ambiguous", "config.yaml:1:8"),
        ("a:\n  b: .inf\n", "yaml-number", "config.yaml:2:6"),
        ("a:\n  b: 12345678901234567890\n", "yaml-number", "config.yaml:2:6"),
        ("a: {429: 1}\n", "yaml-key-type", "config.yaml:1:5"),
        ("a: {[b]: 1}\n", "yaml-key-type", "config.yaml:1:5"),
        ("a: {<<: 5}\n", "yaml-merge-key", "config.yaml:1:9"),
        ("a: !!python/object:os.system {}\n", "yaml-tag", "config.yaml:1:4"),
        ("a: !!binary aGk=\n", "yaml-tag", "config.yaml:1:4"),
        ('a: {b: "{{secret:x}}"}\n', "import-reference", "config.yaml:1:8"),
        ('a: {b: "{{ var: x"}\n', "import-reference", "config.yaml:1:8"),
        ("a: {$extends: b}\n", "key-reserved", "config.yaml:1:5"),
        ("b: 1\na:\n  '': 1\n", "import-section", "config.yaml:2:1"),
        ('a: "\\0"\n', "import-section", "config.yaml:1:1"),
        ("a: x\0\n", "yaml-character", "config.yaml"),
        (b"a: 1\nb: \xff\n", "blob-encoding", "config.yaml:2"),
        ("#" * (1 << 20) + "\na: 1\n", "yaml-size", "config.yaml"),
    ],
)
def test_what_cannot_be_carried_is_one_finding_at_its_place_and_no_file(content: str, rule: str, place: str) -> None:
    result = imported(content)
    assert [(finding.rule_id, str(finding.origin)) for finding in result.findings] == [(rule, place)]
    assert result.files == {}


def test_aliases_that_mean_more_than_anybody_wrote_are_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    result = imported("\n".join(lines))
    assert [finding.rule_id for finding in result.findings] == ["yaml-alias"]
    assert result.files == {}


def test_findings_name_the_file_and_show_the_line() -> None:
    (finding,) = import_litellm(b"a:\n  b: 2023-05-15\n", name="x", file="proxy/config.yaml").findings
    assert str(finding.origin) == "proxy/config.yaml:2:6"
    assert finding.source_line == "  b: 2023-05-15"
    assert finding.hint == 'write "2023-05-15" if the text is meant'


@pytest.mark.parametrize(
    ("given_name", "label"), [("AI gateway (EU).yaml", "ai-gateway-eu-yaml"), ("…", "litellm"), ("con", "litellm")]
)
def test_the_repository_is_named_after_the_file_as_far_as_a_name_allows(given_name: str, label: str) -> None:
    assert yaml.safe_load(imported("a: 1\n", given_name).files["llmcfg.yaml"])["name"] == label


def test_prod_is_protected() -> None:
    environments = yaml.safe_load(imported("a: 1\n").files["llmcfg.yaml"])["environments"]
    assert environments == {"dev": {}, "staging": {}, "prod": {"protected": True}}


@given(st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="_"), max_size=12))
def test_swapping_the_case_of_a_name_twice_gives_it_back(name: str) -> None:
    assert swap_name_case(swap_name_case(name)) == name


# without underscores: a plain _0 is a number to one reader and text to another, so the strict loader refuses it
TEXTS = st.one_of(
    st.sampled_from(
        ["no", "010", "1e3", "~", "", " ", "os.environ/A_KEY", "os.environ/URL", "- x", "a: b", "# c", "12:30"]
    ),
    st.text(
        st.characters(
            min_codepoint=32,
            max_codepoint=0x2FF,
            exclude_categories=["C", "Z"],
            include_characters=" \n",
            exclude_characters="_",
        )
    ),
).filter(lambda text: "{{" not in text)  # references are refused, which has a test of its own
KEYS = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="-. /"), min_size=1, max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 53), 1 << 53)
    | st.floats(-1e9, 1e9).filter(lambda x: abs(x) > 1e-9)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), st.sampled_from([None, True, False]), st.integers(2, 5))
def test_whatever_pyyaml_writes_comes_back(config: dict[str, object], flow: bool | None, indent: int) -> None:
    content = yaml.safe_dump(config, default_flow_style=flow, indent=indent, allow_unicode=True, width=40)
    result = imported(content)
    assert result.files, result.findings
    assert render(result.files).config("prod") == config


KEY = "sk-proj-bB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z"
OTHER = KEY.replace("bB3", "cC4")


def left_behind(result: Imported) -> list[tuple[int, str]]:
    return [(found.origin.line, found.message) for found in result.findings if found.rule_id == "import-secret"]


def test_a_secret_in_the_clear_is_left_behind_and_named_after_its_item_once_for_each_value() -> None:
    result = imported(
        "model_list:\n"
        f"  - {{model_name: gpt-4o, litellm_params: {{model: openai/gpt-4o, api_key: {KEY}}}}}\n"
        f"  - {{model_name: gpt-4o, litellm_params: {{model: openai/gpt-4o, api_key: {OTHER}}}}}\n"
        f"  - {{model_name: mini, litellm_params: {{model: openai/gpt-4o-mini, api_key: '{KEY}'}}}}\n"
        f"general_settings: {{database_url: 'postgres://u:{OTHER}@db/x'}}\n"
        f"environment_variables: {{9_TOKEN: {KEY.replace('bB', 'eE')}}}\n"
    )
    assert result.secrets == ("gpt_4o_api_key", "gpt_4o_api_key_2", "litellm_database_url", "secret_9_token")
    assert [line for line, _ in left_behind(result)] == [2, 3, 4, 5, 6]
    written = b"".join(result.files.values()).decode()
    assert KEY[10:] not in written
    assert OTHER[10:] not in written
    assert written.count("{{secret:gpt_4o_api_key}}") == 2


def test_a_literal_does_not_take_the_name_of_a_variable_that_the_file_reads() -> None:
    result = imported(
        "model_list:\n"
        "  - {model_name: mini, litellm_params: {model: openai/a, api_key: os.environ/MINI_API_KEY}}\n"
        f"  - {{model_name: mini, litellm_params: {{model: openai/b, api_key: {KEY}}}}}\n"
    )
    assert result.secrets == ("mini_api_key", "mini_api_key_2")


def test_a_comment_is_kept_without_the_secret_in_it() -> None:
    text = documents(f"# é before: api_key: {KEY}\nrouter_settings:\n  num_retries: 2  # not {OTHER}, surely\n")
    assert text["router_settings.yaml"] == (
        f"# é before: api_key: {'x' * len(KEY)}\nnum_retries: 2  # not {'x' * len(OTHER)}, surely\n"
    )
    pem = f"-----BEGIN PRIVATE KEY-----\n# {KEY[8:]}\n# -----END PRIVATE KEY-----"
    kept = documents(f"# {pem}\nrouter_settings:\n  num_retries: 2\n")
    assert KEY[8:] not in kept["router_settings.yaml"]
    assert left_behind(imported(f"# {pem}\nrouter_settings:\n  num_retries: 2\n"))[0][0] == 1


def test_what_stands_in_for_a_secret_is_imported_as_it_is() -> None:
    result = imported("general_settings: {master_key: sk-1234}\n")
    assert result.secrets == ()
    assert left_behind(result) == []
