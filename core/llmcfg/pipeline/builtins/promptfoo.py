"""promptfooconfig.yaml: the current version of every selected prompt, the route that answers, and a test with all declared variables.

promptfoo renders a variable that is misspelt as nothing and calls that valid. So each test gives every declared variable, and a prompt
that uses another is refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins.inputs import without_nulls
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.record import Record

_USED: Final = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}")


def write(inputs: Inputs) -> str:
    settings = inputs.settings
    prompts: list[Value] = []
    tests: list[Value] = []
    for name, prompt in _current_prompts(inputs.config.record("prompts")):
        prompts.append({"id": name, "label": name, "raw": json.dumps(_messages(prompt), ensure_ascii=False)})
        tests += _tests(name, prompt)
    if not prompts:
        raise RecordError("no prompt is selected", hint="add prompts to the consumer's select")
    return inputs.yaml({
        "description": settings.text("description", f"{inputs.consumer} in {inputs.environment}"),
        "prompts": prompts,
        "providers": [_provider(settings)],
        "tests": tests,
    })  # fmt: skip


def _provider(settings: Record) -> Value:
    route = settings.need("route", "it says which model is tried")
    if route == "echo":
        return route
    url = settings.text("base_url") or settings.need("gateway_url")
    variable = settings.text("api_key_variable", "OPENAI_API_KEY")
    return {"id": f"openai:chat:{route}", "config": {"apiBaseUrl": url, "apiKeyEnvar": variable}}


def _current_prompts(prompts: Record) -> Iterator[tuple[str, Record]]:
    for group, section in prompts.named():
        if "versions" in section:
            yield group, _current(section)
            continue
        for name, prompt in section.named():
            yield f"{group}/{name}", _current(prompt)


def _current(prompt: Record) -> Record:
    version = prompt.need("current", "it says which version is used")
    versions = prompt.record("versions")
    if version not in versions:
        raise RecordError(f"{prompt.at('current')} is {version!r}, and there is no such version",
                          hint=f"there are: {', '.join(versions.fields)}")  # fmt: skip
    return versions.record(version)


def _messages(prompt: Record) -> list[Value]:
    declared = prompt.record("variables")
    messages: list[Value] = []
    for message in prompt.records("messages"):
        content = message.need("content")
        for name in _USED.findall(content):
            if name not in declared.fields:
                raise RecordError(f"{message.at('content')} uses {name}, which is not declared",
                                  hint=f"declare it: {declared.at(name)}")  # fmt: skip
        messages.append({"role": message.text("role", "user"), "content": content})
    return messages


def _tests(name: str, prompt: Record) -> Iterator[Value]:
    """The tests that the prompt holds, or one with examples; in both every declared variable has a value."""
    defaults = {variable: _example(variable, record) for variable, record in prompt.record("variables").named()}
    written = prompt.records("tests")
    for at, test in enumerate(written):
        variables = {**defaults, **test.record("vars").fields}
        label = test.text("description", f"{name} {at + 1}")
        asserts = test.fields.get("assert", test.fields.get("assertions"))
        yield without_nulls({"description": label, "vars": variables, "assert": asserts, "prompts": [name]})
    if not written:
        yield {"description": name, "vars": defaults, "prompts": [name]}


def _example(variable: str, record: Record) -> Value:
    for key in ("example", "default"):
        if key in record:
            return record.fields[key]
    choices = record.fields.get("enum")
    return choices[0] if isinstance(choices, list) and choices else f"<{variable}>"
