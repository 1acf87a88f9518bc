"""A LiteLLM proxy's config.yaml as a small configuration repository that renders it back (docs/import-litellm.md).

Each section is a document under base/litellm/, a consumer `llm-gateway` renders config.yaml from them, and each `os.environ/NAME`
becomes a reference: to a secret where NAME looks like a credential, else to a variable of the manifest. What looks like a secret itself is
left behind, and a reference to a secret stands in its place. LiteLLM loads its file with
PyYAML, so what the file means is what `yaml.safe_load` says; what the repository renders means exactly the same, or there is a
finding of severity error and no file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.importers.environment import is_credential, is_environment_name, is_taken_variable
from llmcfg.importers.imported import Imported, manifest_text, secret_file
from llmcfg.importers.literals import find_literals, without
from llmcfg.importers.sections import Section, split_sections
from llmcfg.importers.source import parse_source
from llmcfg.importers.values import Reader
from llmcfg.importers.writing import flow_text
from llmcfg.model.findings import Finding, Problem, finding_from, has_blocking
from llmcfg.model.names import why_not_a_name
from llmcfg.model.reference import find_malformed_reference, find_references, secret_reference, swap_name_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import yaml

    from llmcfg.importers.literals import Literal, Span

ENVIRONMENT_PREFIX = "os.environ/"
PROGRAM: Final = "litellm"
_VARIABLE = re.compile(ENVIRONMENT_PREFIX + r"([A-Za-z_][A-Za-z0-9_]*)")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOCUMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_REVOKE: Final = "revoke it, since it was in plain text"

SECTIONS: Final = frozenset(
    [
        "agent_list",
        "agents",
        "assistant_settings",
        "callback_settings",
        "credential_list",
        "environment_variables",
        "files_settings",
        "finetune_settings",
        "general_settings",
        "guardrails",
        "include",
        "litellm_settings",
        "mcp_servers",
        "mcp_tools",
        "model_list",
        "policies",
        "prompts",
        "router_settings",
        "search_tools",
        "vector_store_registry",
    ]
)
"""What LiteLLM looks for. A file may have any others beside them; one with none of these is another program's."""


def import_litellm(content: bytes, *, name: str, file: str = "config.yaml") -> Imported:
    """The repository for a LiteLLM config; `name` is what its manifest calls it, `file` where findings say they are."""
    source = parse_source(content)
    if isinstance(source, Problem):
        return Imported({}, (_finding(source, file, content),), (), ())
    used = [swap_name_case(variable) for variable in _VARIABLE.findall(source.text)]
    literals = find_literals(source, PROGRAM, used)
    elsewhere = [_in_a_comment(source.text, span) for span in literals.elsewhere]
    if elsewhere:
        source = parse_source(without(source.text, literals.elsewhere).encode())
        if isinstance(source, Problem):
            return Imported({}, (_finding(source, file, content),), (), ())
        literals = find_literals(source, PROGRAM, used)
    references = _References(literals.scalars)
    reader = Reader(references.rename)
    reader.read(source.root)
    problems = [*elsewhere, *reader.problems, *references.problems]
    findings = _findings(problems, file, content)
    if has_blocking(findings):
        return Imported({}, findings, (), ())
    sections = list(split_sections(source, reader.values))
    findings = _findings([*problems, *(problem for section in sections for problem in section.problems)], file, content)
    files = {} if has_blocking(findings) else _files(name, sections, references)
    names = tuple(section.name for section in sections)
    return Imported(files, findings, tuple(sorted(references.secrets)), tuple(sorted(references.variables)), names)


class _References:
    """Puts our references for LiteLLM's and for secrets in the clear, and remembers their names."""

    def __init__(self, literals: Mapping[int, Literal]) -> None:
        self._literals = literals
        self.secrets: set[str] = set()
        self.variables: set[str] = set()
        self.problems: list[Problem] = []

    def rename(self, text: str, node: yaml.Node) -> str:
        variable = text.removeprefix(ENVIRONMENT_PREFIX)
        if variable != text and is_environment_name(variable) and not is_taken_variable(variable):
            return self._reference(variable)
        literal = self._literals.get(id(node))
        if literal is not None:
            return self._left_behind(literal, node)
        if find_references(text) or find_malformed_reference(text) is not None:
            mark = node.start_mark
            message = (
                "{{secret:…}}, {{var:…}}, {{config:…}} and {{param:…}} are references here, but only text to LiteLLM"
            )
            self.problems.append(
                Problem(
                    "import-reference",
                    message,
                    mark.line + 1,
                    mark.column + 1,
                    "take it out, and write the reference afterwards",
                )
            )
        return text

    def _left_behind(self, literal: Literal, node: yaml.Node) -> str:
        reference = secret_reference(literal.name)
        self.secrets.add(literal.name)
        message = f"this looks like {literal.what}; it is left behind, and {reference} stands in its place"
        mark = node.start_mark
        self.problems.append(Problem("import-secret", message, mark.line + 1, mark.column + 1, _REVOKE))
        return reference

    def _reference(self, variable: str) -> str:
        if is_credential(variable):
            secret = swap_name_case(variable)
            self.secrets.add(secret)
            return secret_reference(secret)
        self.variables.add(variable)
        return "{{var:" + variable + "}}"


def _in_a_comment(text: str, span: Span) -> Problem:
    line = text.count("\n", 0, span.start) + 1
    column = span.start - text.rfind("\n", 0, span.start)
    message = f"this looks like {span.what}, in a comment; the comment is kept without it"
    return Problem("import-secret", message, line, column, _REVOKE)


def _files(name: str, sections: list[Section], references: _References) -> dict[str, bytes]:
    documents = _document_names(section.name for section in sections)
    secrets = sorted(references.secrets)
    files = {
        "llmcfg.yaml": _manifest(name, sorted(references.variables)),
        "consumers/llm-gateway.yaml": _consumer(bool(secrets)),
        "templates/litellm.yaml.j2": _config_template(sections, documents),
    }
    for section in sections:
        files[f"base/litellm/{documents[section.name]}.yaml"] = section.text
    if secrets:
        files["base/secrets/litellm.yaml"] = secret_file(secrets)
        files["templates/litellm.env.j2"] = _environment_template(secrets)
    return {path: files[path].encode() for path in sorted(files)}


def _document_names(sections: Iterable[str]) -> dict[str, str]:
    """A document for each section: the section's own name where a file can have it and no other has, on any file system."""
    documents: dict[str, str] = {}
    taken: set[str] = set()
    for section in sections:
        is_plain = _DOCUMENT.fullmatch(section) and why_not_a_name(section.lower().replace("_", "-").strip("-")) is None
        stem = section if is_plain else "section-" + (re.sub(r"[^A-Za-z0-9_]+", "-", section).strip("-")[:60] or "x")
        document, count = stem, 1
        while document.casefold() in taken:
            count += 1
            document = f"{stem}-{count}"
        taken.add(document.casefold())
        documents[section] = document
    return documents


def _manifest(name: str, variables: list[str]) -> str:
    if not variables:
        return manifest_text(name, "litellm")
    lines = [
        "# What LiteLLM reads from its own environment; set a value here, or per environment, to have it in the file instead.",
        "variables:",
    ]
    return manifest_text(
        name,
        "litellm",
        [*lines, *(f"  {flow_text(variable)}: {ENVIRONMENT_PREFIX}{variable}" for variable in variables)],
    )


def _consumer(has_secrets: bool) -> str:
    lines = [
        "apiVersion: llmcfg.dev/v1",
        "kind: Consumer",
        "description: LiteLLM proxy",
        "select: [litellm]",
        "outputs:",
        "  - {path: config.yaml, template: templates/litellm.yaml.j2}",
    ]
    if has_secrets:
        lines += ["  - {path: litellm.env, template: templates/litellm.env.j2, format: env}"]
    return "\n".join((*lines, ""))


def _config_template(sections: list[Section], documents: Mapping[str, str]) -> str:
    lines = [
        "{#- config.yaml of the LiteLLM proxy. It reads each secret from its environment, where litellm.env puts it. -#}",
        "{{ {",
    ]
    for section in sections:
        steps = ("litellm", documents[section.name], *filter(None, (section.key,)))
        lines += [f"  {_template_string(section.name)}: config{''.join(map(_step, steps))},"]
    lines += [f'}} | env_references("{ENVIRONMENT_PREFIX}") | to_yaml }}}}', ""]
    return "\n".join(lines)


def _step(key: str) -> str:
    return f".{key}" if _ATTRIBUTE.fullmatch(key) and not hasattr(dict, key) else f"[{_template_string(key)}]"


def _template_string(text: str) -> str:
    """A string literal of Jinja, which knows Python's escapes."""
    return (
        '"'
        + "".join(char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in text)
        + '"'
    )


def _environment_template(secrets: list[str]) -> str:
    return "".join(f'{swap_name_case(name)}={{{{ secret("{name}") }}}}\n' for name in secrets)


def _findings(problems: Iterable[Problem], file: str, content: bytes) -> tuple[Finding, ...]:
    return tuple(sorted((_finding(problem, file, content) for problem in problems), key=Finding.sort_key))


def _finding(problem: Problem, file: str, content: bytes) -> Finding:
    lines = re.split(r"\r\n|\r|\n", content.decode("utf-8", "replace"))
    return finding_from(problem, file, lines[problem.line - 1] if 0 < problem.line <= len(lines) else "")
