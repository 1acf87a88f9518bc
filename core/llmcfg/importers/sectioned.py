"""A program's YAML file as a small configuration repository that renders it back.

Each section (top-level key) is a document under base/<label>/, a consumer renders the file from them, and references to the program's
environment that name a credential become references to secrets. What looks like a secret itself is left behind, and a reference to a secret
stands in its place. What the repository renders means exactly what the program reads, or there is a finding of severity error and no file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.importers.environment import is_credential, is_environment_name, is_taken_variable
from llmcfg.importers.imported import Imported
from llmcfg.importers.literals import find_literals, without
from llmcfg.importers.sectionfiles import repository_files
from llmcfg.importers.sections import split_sections
from llmcfg.importers.source import parse_source
from llmcfg.importers.values import Reader
from llmcfg.model.findings import Finding, Problem, finding_from, has_blocking
from llmcfg.model.reference import find_malformed_reference, find_references, secret_reference, swap_name_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import yaml

    from llmcfg.importers.literals import Literal, Span
    from llmcfg.importers.program import Program

_REVOKE: Final = "revoke it, since it was in plain text"


def import_sections(program: Program, content: bytes, *, name: str, file: str) -> Imported:
    """The repository for a program's file; `name` is what its manifest calls it, `file` where findings say they are."""
    source = parse_source(content, has_yaml_12=program.has_yaml_12)
    if isinstance(source, Problem):
        return Imported({}, _findings([source], file, content), (), ())
    variable = re.compile(re.escape(program.prefix) + r"([A-Za-z_][A-Za-z0-9_]*)")
    used = [swap_name_case(name) for name in variable.findall(source.text)]
    literals = find_literals(source, program.label, used)
    elsewhere = [_in_a_comment(source.text, span) for span in literals.elsewhere]
    if elsewhere:
        source = parse_source(without(source.text, literals.elsewhere).encode(), has_yaml_12=program.has_yaml_12)
        if isinstance(source, Problem):
            return Imported({}, _findings([source], file, content), (), ())
        literals = find_literals(source, program.label, used)
    references = _References(program, literals.scalars)
    reader = Reader(references.rename)
    reader.read(source.root)
    problems = [*elsewhere, *reader.problems, *references.problems]
    findings = _findings(problems, file, content)
    if has_blocking(findings):
        return Imported({}, findings, (), ())
    sections = list(split_sections(source, reader.values))
    findings = _findings([*problems, *(problem for section in sections for problem in section.problems)], file, content)
    secrets, variables = sorted(references.secrets), sorted(references.variables)
    files = {} if has_blocking(findings) else repository_files(program, name, sections, secrets, variables)
    names = tuple(section.name for section in sections)
    return Imported(files, findings, tuple(secrets), tuple(variables), names)


class _References:
    """Puts our references for the program's and for secrets in the clear, and remembers their names."""

    def __init__(self, program: Program, literals: Mapping[int, Literal]) -> None:
        self._program = program
        self._literals = literals
        self.secrets: set[str] = set()
        self.variables: set[str] = set()
        self.problems: list[Problem] = []

    def rename(self, text: str, node: yaml.Node) -> str:
        variable = self._variable(text)
        if variable:
            return self._reference(variable) or text
        literal = self._literals.get(id(node))
        if literal is not None:
            return self._left_behind(literal, node)
        if find_references(text) or find_malformed_reference(text) is not None:
            mark = node.start_mark
            message = (
                "{{secret:…}}, {{var:…}}, {{config:…}} and {{param:…}} are references here, "
                f"but only text to {self._program.title}"
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

    def _variable(self, text: str) -> str:
        """The variable of the program's environment that the whole text stands for; empty for any other text."""
        prefix, suffix = self._program.prefix, self._program.suffix
        variable = text.removeprefix(prefix).removesuffix(suffix)
        is_one = is_environment_name(variable) and not is_taken_variable(variable)
        return variable if is_one and text == f"{prefix}{variable}{suffix}" else ""

    def _reference(self, variable: str) -> str:
        """What stands here for a variable; empty where it stays as the program has it."""
        if is_credential(variable):
            secret = swap_name_case(variable)
            self.secrets.add(secret)
            return secret_reference(secret)
        if not self._program.carries_variables:
            return ""
        self.variables.add(variable)
        return "{{var:" + variable + "}}"


def _in_a_comment(text: str, span: Span) -> Problem:
    line = text.count("\n", 0, span.start) + 1
    column = span.start - text.rfind("\n", 0, span.start)
    message = f"this looks like {span.what}, in a comment; the comment is kept without it"
    return Problem("import-secret", message, line, column, _REVOKE)


def _findings(problems: Iterable[Problem], file: str, content: bytes) -> tuple[Finding, ...]:
    lines = ["", *re.split(r"\r\n|\r|\n", content.decode("utf-8", "replace"))]
    found = (
        finding_from(problem, file, lines[problem.line] if problem.line < len(lines) else "") for problem in problems
    )
    return tuple(sorted(found, key=Finding.sort_key))
