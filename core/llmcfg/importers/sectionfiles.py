"""The files of the repository that a program's sections become: documents, a consumer, its template, and the names of the secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmcfg.importers.imported import manifest_text, secret_file
from llmcfg.importers.writing import flow_text
from llmcfg.model.names import why_not_a_name
from llmcfg.model.reference import swap_name_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmcfg.importers.program import Program
    from llmcfg.importers.sections import Section

_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOCUMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")


def repository_files(
    program: Program, name: str, sections: Sequence[Section], secrets: Sequence[str], variables: Sequence[str]
) -> dict[str, bytes]:
    """All files by path. `secrets` and `variables` are the names that the sections refer to, sorted."""
    label = program.label
    documents = _document_names(section.name for section in sections)
    files = {
        "llmcfg.yaml": _manifest(program, name, variables),
        f"consumers/{program.consumer}.yaml": _consumer(program, bool(secrets)),
        f"templates/{label}.yaml.j2": _config_template(program, sections, documents),
    }
    for section in sections:
        files[f"base/{label}/{documents[section.name]}.yaml"] = section.text
    if secrets:
        files[f"base/secrets/{label}.yaml"] = secret_file(secrets)
        files[f"templates/{label}.env.j2"] = _environment_template(secrets)
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


def _manifest(program: Program, name: str, variables: Sequence[str]) -> str:
    if not variables:
        return manifest_text(name, program.label)
    lines = [
        f"# What the {program.title} reads from its own environment; set a value here, or per environment, to have it in the file instead.",
        "variables:",
    ]
    return manifest_text(
        name,
        program.label,
        [*lines, *(f"  {flow_text(name)}: {flow_text(program.prefix + name + program.suffix)}" for name in variables)],
    )


def _consumer(program: Program, has_secrets: bool) -> str:
    lines = [
        "apiVersion: llmcfg.dev/v1",
        "kind: Consumer",
        f"description: {program.title}",
        f"select: [{program.label}]",
        "outputs:",
        f"  - {{path: {program.output}, template: templates/{program.label}.yaml.j2}}",
    ]
    if has_secrets:
        lines += [f"  - {{path: {program.label}.env, template: templates/{program.label}.env.j2, format: env}}"]
    return "\n".join((*lines, ""))


def _config_template(program: Program, sections: Sequence[Section], documents: Mapping[str, str]) -> str:
    lines = [
        f"{{#- {program.output} ({program.title}). The program reads each secret from its environment, "
        f"where {program.label}.env puts it. -#}}",
        "{{ {",
    ]
    for section in sections:
        steps = (program.label, documents[section.name], *filter(None, (section.key,)))
        lines += [f"  {_template_string(section.name)}: config{''.join(map(_step, steps))},"]
    spelling = ", ".join(f'"{part}"' for part in (program.prefix, program.suffix) if part)
    lines += [f"}} | env_references({spelling}) | to_yaml }}}}", ""]
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


def _environment_template(secrets: Sequence[str]) -> str:
    return "".join(f'{swap_name_case(name)}={{{{ secret("{name}") }}}}\n' for name in secrets)
