"""docs/spec/llm-rules.md and a page for each rule, made from the rules and their explanations.

`python -m tests.docs.llm_rules_page` writes them.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from llmcfg.llm.explained import explain
from llmcfg.model.llmrules import LLM_RULES
from llmcfg.model.severity import Rule

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = DOCS / "spec" / "llm-rules.md"
FOLDER = DOCS / "rules"

HEAD = """\
# Rules about LLM platforms

`llmcfg validate` holds these rules against every environment and tenant of a repository that has [records](llm-records.md) of providers,
models or routes; `llmcfg lint` against [files of other programs](lint.md) as they lie there. `llmcfg rules LLM022` shows the page
of a rule. Numbers are stable.

Findings of these rules depend on the day and on the [catalogue](catalogue.md), so they gate reviews and never a deployment: `validate`
shows them, `plan`, `apply` and `sync` do not ask. LLM037 and LLM038 depend on neither, and hold there too, whatever a comment allows.
`--as-of DATE` says which day it is. A rule may be more severe in protected environments, and for foreign files with `--protected`; one
that reaches several environments has the worst of them.

## Letting a finding pass

```yaml
# llmcfg: allow LLM012, LLM013 until 2027-01-31 because the customer moves in January
```

A comment in the file that the finding names. On a line of its own it counts for what follows: the next line, and all that is indented below
it. Behind a value it counts for its line. In the comment that opens a file, with an empty line after it, for the whole file. The day still
counts. A comment without a reason or a day is a finding (`allow-form`), and so is one whose day has passed (`allow-expired`) or that allows
nothing (`allow-unused`). Other rules than these cannot be allowed.

## The examples

Each rule has an example with the finding and one without. Files of records are laid over this repository, whose secrets stand for encrypted
ones; `config.yaml` is a LiteLLM file by itself.

```yaml
# llmcfg.yaml
apiVersion: llmcfg.dev/v1
kind: Repository
name: example
environments: {dev: {}, prod: {protected: true}}
tenants: {acme: {}}
# base/providers/openai.yaml
type: openai
api_key: "{{secret:openai_api_key}}"
limits: {rpm: 1000, tpm: 1000000}
timeouts: {request_seconds: 60}
# base/providers/anthropic.yaml
type: anthropic
api_key: "{{secret:anthropic_api_key}}"
timeouts: {request_seconds: 60}
# base/models/chat.yaml
chat: {provider: openai, upstream_model: gpt-6-luna}
careful: {provider: anthropic, upstream_model: claude-haiku-5-5}
# base/routes/support.yaml
targets: [{model: chat}]
fallbacks: {on_error: [{model: careful}]}
# base/budgets.yaml
tenant: {amount: 1000}
# environments/dev/secrets/keys.yaml
openai_api_key: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
anthropic_api_key: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
aws: {id: "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]"}
# environments/prod/secrets/keys.yaml
openai_api_key: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
anthropic_api_key: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
aws: {id: "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]"}
```

## The rules
"""


def made() -> dict[Path, str]:
    """Every page by its place."""
    rows = "".join(
        f"| [`{rule.id}`](../rules/{rule.id}.md) | {_severity(rule)} | {rule.title} |\n" for rule in LLM_RULES
    )
    whole = f"{HEAD}\n| rule | severity | |\n|---|---|---|\n{rows}"
    return {PAGE: whole} | {FOLDER / f"{rule.id}.md": _page(rule) for rule in LLM_RULES}


def _page(rule: Rule) -> str:
    explained = explain(rule.id)
    said, _, mend = explained.text.rpartition("Mend: ")
    paragraphs = [f"**{_severity(rule)}.** {rule.why}", said.strip(), f"Mend: {mend}"]
    text = "\n\n".join(fill(paragraph, 138, break_on_hyphens=False, break_long_words=False) for paragraph in paragraphs)
    return (
        f"# {rule.id}: {rule.title}\n\n{text}\n\n## With the finding\n\n```yaml\n{explained.bad}```\n\n"
        f"## Without it\n\n```yaml\n{explained.good}```\n\n"
        "[All rules](../spec/llm-rules.md), and the repository that examples are laid over.\n"
    )


def _severity(rule: Rule) -> str:
    return f"{rule.severity}, {rule.protected} where protected" if rule.protected else str(rule.severity)


if __name__ == "__main__":
    for place, text in made().items():
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")
