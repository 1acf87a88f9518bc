"""Platforms as teams run them, of any size: providers, models, routes, prompts, services, budgets, secrets, and tenants that differ.

The documents are typed records, so that every rule about LLM platforms looks at them. Texts have comments, patterns, references and several
lines. The same arguments give the same bytes, but for secret files: what is encrypted twice never looks the same.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType
from repositories import ENVIRONMENTS, commit_files

KEYS_OF_TEAM: Final = 136
_MODELS: Final = 6
_OVERRIDDEN: Final = 20  # one team in so many
_RECIPIENTS: Final = (  # of sample-repo
    "age16xvdvmqd3jc0749y2zfs89evkjs4swllc8wt506r5tsp75qa6qas74tfxw",
    "age1hun7vp4p8mw0cnt5tp5m4y73qvy4rqyl9hftwc7mc5tccugf9cpsupqrjv",
)
_WRITTEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PATTERNS: Final = """\
# What providers and models have in common.
provider:
  enabled: true
  timeouts: {connect_seconds: 5, request_seconds: 120}
  retries: {max: 2, backoff_seconds: 0.5}
chat-model:
  $with: {rpm: 600, tpm: 400000}
  mode: chat
  status: ga
  capabilities: [streaming, tools]
  rate: {rpm: "{{param:rpm}}", tpm: "{{param:tpm}}", max_parallel: 64}
"""

_BUDGETS: Final = "currency: USD\nperiod: 30d\ntenant: {amount: 20000, soft_percent: 80, on_exceed: alert}\n"


def write_platform(root: Path, keys: int, tenants: int = 0, seed: int = 1) -> None:
    """Write and commit it."""
    chance = random.Random(seed)
    teams = range(max(2, keys // KEYS_OF_TEAM))
    files = {Path("base/patterns.yaml"): _PATTERNS, Path("base/budgets.yaml"): _BUDGETS}
    for team in teams:
        files |= _team(chance, team, (team + 1) % len(teams))
    for environment in ENVIRONMENTS:
        for team in teams[::_OVERRIDDEN]:
            files[Path("environments", environment, "routes", f"route-{team}.yaml")] = (
                f"cooldown_seconds: {chance.randint(5, 90)}\n"
            )
    for tenant in range(tenants):
        files |= _tenant(chance, tenant, chance.choice(teams))
    files |= {Path("base/secrets/vendors.yaml"): _secrets(teams), Path(".sops.yaml"): _RULES}
    whose = 'tenants: "*"\n' if tenants else ""
    files |= {Path("llmcfg.yaml"): _manifest(tenants), Path("consumers/gateway.yaml"): f"{_CONSUMER}{whose}"}
    commit_files(root, files)


def _team(chance: random.Random, team: int, other: int) -> dict[Path, str]:
    """What it asks falls back to a model of the other team, which has another vendor."""
    return {
        Path(f"base/llm_providers/vendor-{team}.yaml"): _provider(chance, team),
        Path(f"base/models/team-{team}.yaml"): "\n".join(_model(chance, team, number) for number in range(_MODELS)),
        Path(f"base/routes/route-{team}.yaml"): _route(team, other),
        Path(f"base/services/app-{team}.yaml"): _service(chance, team),
        Path(f"prompts/team-{team}/answer.yaml"): _prompt(chance, team),
    }


def _provider(chance: random.Random, team: int) -> str:
    return f"""\
# Vendor {team}: whom to ask is in the contract.
$extends: patterns.provider
type: openai-compatible
base_url: https://v{team}.example.com/v1
api_key: "{{{{secret:vendor_{team}_api_key}}}}"
limits: {{rpm: {chance.randint(1, 20) * 1000}, tpm: {chance.randint(1, 20) * 1_000_000}}}
"""


def _model(chance: random.Random, team: int, number: int) -> str:
    return f"""\
chat-{team}-{number}: # {chance.choice(["small", "large", "cheap", "careful"])}
  $extends: patterns.chat-model
  $with: {{rpm: {chance.randint(100, 900)}}}
  description: Model {number} of team {team}.
  provider: vendor-{team}
  upstream_model: vendor-{team}/model-{number}
  limits: {{context: {200_000 - number * 1_000}, max_output: 4096}}
  pricing: {{input_per_million: {chance.uniform(0.1, 5):.2f}, output_per_million: {chance.uniform(5, 15):.2f}}}
  tags: [team-{team}]
"""


def _route(team: int, other: int) -> str:
    return f"""\
description: What team {team} asks.
strategy: priority
targets:
  - {{name: primary, model: chat-{team}-0, weight: 100}}
fallbacks:
  on_error:
    - {{name: second, model: chat-{other}-0}}
retry: {{max: 2, statuses: [429, 500, 503]}}
cooldown_seconds: 30
"""


def _service(chance: random.Random, team: int) -> str:
    return f"""\
# What application {team} reads.
route: route-{team}
base_url: "{{{{config:llm_providers.vendor-{team}.base_url}}}}"
company: "{{{{var:company}}}}"
timeout_seconds: {chance.randint(5, 90)}
greeting: |
  You speak with application {team}.
  It says so when it does not know.
"""


def _prompt(chance: random.Random, team: int) -> str:
    return f"""\
# A draft, until somebody releases it.
id: team-{team}-answer
owner: team-{team}
description: Answers a question of team {team}.
current: "1.0.0"
versions:
  "1.0.0":
    status: draft
    changelog: First draft.
    messages:
      - role: system
        content: |
          You answer for {{{{var:company}}}}, in {chance.randint(2, 9)} sentences.
          Use the documents and nothing else.
      - role: user
        content: |
          Documents: {{{{ documents }}}}
          Question: {{{{ question }}}}
    variables:
      documents: {{type: string, required: true, max_chars: 12000}}
      question: {{type: string, required: true, max_chars: 4000, untrusted: true}}
    max_prompt_tokens: 6000
    models_tested: [chat-{team}-0]
"""


def _tenant(chance: random.Random, tenant: int, team: int) -> dict[Path, str]:
    route = f"cooldown_seconds: {chance.randint(100, 900)}\nretry:\n  statuses: !append [408]\n"
    return {
        Path(f"tenants/t{tenant}/routes/route-{team}.yaml"): route,
        Path(f"tenants/t{tenant}/services/app-{team}.yaml"): f"timeout_seconds: {100 + tenant}\n",
    }


def _secrets(teams: range) -> str:
    plain = "".join(f"vendor_{team}_api_key: not-a-key-of-vendor-{team}\n" for team in teams)
    return encrypt_file(plain.encode(), FileType.YAML, _RECIPIENTS, _WRITTEN).decode()


def _manifest(tenants: int) -> str:
    environments = "".join(f"  {name}: {{}}\n" for name in ENVIRONMENTS)
    named = "".join(f"  t{number}: {{}}\n" for number in range(tenants))
    said = f"tenants:\n{named}" if tenants else ""
    head = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: platform\nvariables: {company: Example}\n"
    return f"{head}environments:\n{environments}{said}"


_RULES: Final = f"creation_rules:\n  - age: {','.join(_RECIPIENTS)}\n"
_CONSUMER: Final = f"""\
apiVersion: llmcfg.dev/v1
kind: Consumer
select: [llm_providers, models, budgets, routes, services, prompts]
recipients: [{_RECIPIENTS[1]}]
"""
