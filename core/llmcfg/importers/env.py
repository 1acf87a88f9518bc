"""A `.env` file as a small repository that renders it again: secrets by reference, all else as the settings of one service.

Values of variables whose names are those of credentials are not carried over: `llmcfg secret import` takes them in, encrypted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.documents.writer import write_yaml
from llmcfg.importers.environment import is_credential
from llmcfg.importers.imported import Imported, label, manifest_text, secret_file
from llmcfg.model.findings import Problem, finding_from
from llmcfg.model.reference import find_malformed_reference, find_references, swap_name_case
from llmcfg.secrets.envfile import parse_env

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.model.value import Value
    from llmcfg.secrets.envfile import Variable


def import_env(content: bytes, *, name: str, file: str) -> Imported:
    """The repository for an env file. No finding holds a value."""
    parsed = parse_env(content.decode("utf-8", "replace"))
    problems = [Problem("import-section", fault.message, fault.line, hint="mend the line") for fault in parsed.problems]
    for variable in parsed.variables:
        if find_references(variable.value) or find_malformed_reference(variable.value) is not None:
            message = f"the value of {variable.name} reads as a reference here"
            problems.append(
                Problem("import-reference", message, variable.line, hint="take it out, and write it afterwards")
            )
    if not parsed.variables and not problems:
        problems.append(Problem("import-section", "it has no variable", 1, hint="name a file of NAME=value lines"))
    if problems:
        return Imported({}, tuple(finding_from(problem, file, "") for problem in problems), (), ())
    service = label(name, "app")
    secrets = tuple(sorted({swap_name_case(each.name) for each in parsed.variables if is_credential(each.name)}))
    return Imported(dict(_files(service, parsed.variables, secrets)), (), secrets, ())


def _files(service: str, variables: Sequence[Variable], secrets: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    plain: dict[str, Value] = {each.name: each.value for each in variables if not is_credential(each.name)}
    document: dict[str, Value] = {"environment": plain}
    yield "llmcfg.yaml", manifest_text(service, "app").encode()
    yield f"base/services/{service}.yaml", write_yaml(document).encode()
    yield f"consumers/{service}.yaml", _consumer(service, bool(secrets)).encode()
    yield f"templates/{service}.env.j2", _template(service, variables).encode()
    if secrets:
        yield f"base/secrets/{service}.yaml", secret_file(secrets).encode()


def _consumer(service: str, has_secrets: bool) -> str:
    output: dict[str, Value] = {"path": f"{service}.env", "template": f"templates/{service}.env.j2"}
    if has_secrets:
        output["opened"] = True
    return write_yaml({
        "apiVersion": "llmcfg.dev/v1", "kind": "Consumer", "select": [f"services.{service}"], "outputs": [output],
    })  # fmt: skip


def _template(service: str, variables: Sequence[Variable]) -> str:
    lines = [f'{{%- set environment = config.services["{service}"].environment -%}}\n']
    for each in variables:
        value = f'secret("{swap_name_case(each.name)}")' if is_credential(each.name) else f'environment["{each.name}"]'
        lines.append(f"{each.name}={{{{ {value} | env_quote }}}}\n")
    return "".join(lines)
