"""docs/spec/llm-records.md and the JSON Schemas of records, made from the tables of fields.

`python -m tests.docs.records_page` writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from llmcfg.llm.records.fields import RECORDS, Field, Record
from llmcfg.llm.records.schemas import schema_files
from llmcfg.llm.vendors import VENDORS

PROJECT = Path(__file__).resolve().parent.parent.parent
PAGE = PROJECT / "docs" / "spec" / "llm-records.md"

HEAD = """\
# Records of an LLM platform

Documents of these names describe a platform to the [rules](llm-rules.md), to [renderers](../consumers/README.md), to templates and to
whoever reads a bundle. All fields may stand in any layer, and none is required by the rules: what is absent is not judged. `null` says
that a field is not set.

The tables below are what readers look for. From them come the JSON Schemas `schemas/*.schema.json` that llmcfg brings: they check the
kinds of values in documents to which the manifest binds no schema of its own, and `llmcfg schema export` gives them to editors, which
complete and explain the fields. They are open: other fields may stand beside. A repository that wants more binds its own
[schemas](schemas.md).

Documents under `llm_providers/` are providers too, in a free form that no shipped schema checks: their models may stand inside, under
`models`, by name or in a list, with parameters beside other settings and `fallback` or `fallbacks`; and a single document `providers` or
`llm_providers` holds several by name. Where a table names another spelling, free-form documents may use it.

Fields without ✓ are no matter of the rules: renderers, templates and people read them.
"""
TAIL = """\
## Beside them

`limits` says what traffic may take, and bounds [costs](cost.md): `tenant: {rpm, tpm}`; `services`, by name `{rpm, tpm}`;
`request: {max_input_tokens, max_output_tokens}`.

Prompts have a [page of their own](prompts.md). A document `services/*` with `master_key` or `allowed_origins` is a gateway: of it, rules
read `timeouts`, `retries`, `log_level`, `log_prompts`. `route`, `routes`, `…_route` and `mcp_servers` name what a service uses.
"""


def made() -> str:
    return "\n".join([HEAD, *(_section(record) for record in RECORDS), TAIL])


def _section(record: Record) -> str:
    names = " or ".join(f"`{name}`" for name in record.documents)
    marks = " or ".join(f"`{mark}`" for mark in record.marks)
    several = f" A document holds one (if it has {marks}), or several by name." if marks else ""
    rows = "\n".join(_rows(record.fields, ""))
    vendors = (
        f"\nEach type has a [page](../providers/README.md): {', '.join(VENDORS)}.\n"
        if record.name == "provider"
        else ""
    )
    return f"## {record.title}\n\n{names}: {record.meaning}{several}\n{vendors}\n| field | | holds | meaning |\n|---|---|---|---|\n{rows}\n"


def _rows(fields: Iterable[Field], before: str) -> Iterator[str]:
    for field in fields:
        own = before + field.name
        spelled = f" Also {', '.join(f'`{name}`' for name in field.spellings)}." if field.spellings else ""
        yield f"| `{own}` | {'✓' if field.is_judged else ''} | {_holds(field)} | {field.meaning}{spelled} |"
        step = {"record": ".", "named": ".<name>.", "list": "[]."}.get(field.kind, "")
        yield from _rows(field.fields, own + step)


def _holds(field: Field) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    return {
        "text": "text", "secret": "`{{secret:…}}`", "number": "number", "count": "whole number", "flag": "`true`, `false`",
        "texts": "list of texts, or one", "free": "", "record": "mapping", "named": "mapping by name", "list": "list",
    }[field.kind]  # fmt: skip


if __name__ == "__main__":
    PAGE.write_text(made(), encoding="utf-8")
    for name, text in schema_files().items():
        (PROJECT / "schemas" / name).write_text(text, encoding="utf-8")
