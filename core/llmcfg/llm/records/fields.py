"""The fields of records: what schemas check, editors explain, the documentation lists and readers look for, in one place.

Tests hold readers, schemas and pages to these tables.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from llmcfg.llm.vendors import VENDORS

Kind: TypeAlias = Literal["text", "secret", "number", "count", "flag", "texts", "free", "record", "named", "list"]


class Field(NamedTuple):
    """`kind` says what it holds: `texts` a list of texts or one, `free` anything, `record` the `fields`, `named` such records by name,
    `list` a list of such records, or of names that stand for them.

    `spellings` are other names that free-form documents use for it. What is not `is_judged` is for renderers and for people.
    """

    name: str
    kind: Kind
    meaning: str
    fields: tuple[Field, ...] = ()
    choices: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    is_judged: bool = True


class Record(NamedTuple):
    """`documents` are the names that its documents have. Where `marks` are given, a document without any of these holds several by name."""

    name: str
    title: str
    meaning: str
    documents: tuple[str, ...]
    fields: tuple[Field, ...]
    marks: tuple[str, ...] = ()


def _unjudged(
    name: str, kind: Kind, meaning: str, fields: tuple[Field, ...] = (), choices: tuple[str, ...] = ()
) -> Field:
    return Field(name, kind, meaning, fields, choices, is_judged=False)


_ID: Final = Field("id", "text", "What it is called, instead of its document's name.")
_FOR_PEOPLE: Final = (
    _unjudged("description", "text", "What it is for."),
    _unjudged("owner", "text", "The team that answers for it."),
    _unjudged("tags", "texts", "Free words to filter by."),
)
_RPM: Final = Field("rpm", "count", "Requests a minute.", spellings=("requests_per_minute",))
_TPM: Final = Field("tpm", "count", "Tokens a minute.", spellings=("tokens_per_minute",))
_PARALLEL: Final = Field(
    "max_parallel", "count", "Requests at once.", spellings=("max_parallel_requests", "concurrency")
)
_TIMEOUTS: Final = Field(
    "timeouts", "record", "How long to wait, in seconds.",
    (
        _unjudged("connect_seconds", "number", "Until connected."),
        Field("request_seconds", "number", "Until a whole answer is there.", spellings=("request",)),
        Field("stream_idle_seconds", "number", "Between two parts of a stream.", spellings=("stream_idle",)),
    ),
)  # fmt: skip
_RETRIES: Final = (
    Field("max", "count", "Tries after the first."),
    _unjudged("backoff_seconds", "number", "The pause before the first retry; it doubles."),
)
_ON_EXCEED: Final = _unjudged(
    "on_exceed", "text", "What happens when it is used up.", choices=("alert", "fallback", "reject")
)
_BUDGET: Final = (
    Field("amount", "number", "What may be spent in a period."),
    Field("period", "text", "How long a period is: `1d`, `7d`, `30d`."),
    _unjudged("soft_percent", "number", "Warn from here."),
    _ON_EXCEED,
)

PROVIDER: Final = Record(
    "provider", "Provider", "One account at one vendor, or one server.", ("providers/*",),
    (
        _ID,
        Field("type", "text", "The vendor, or the protocol that it speaks. Without it, the record's name or its host says it.",
              choices=tuple(VENDORS), spellings=("provider_type",)),
        Field("enabled", "flag", "`false`: nothing of it is judged, and its models are off."),
        Field("base_url", "text", "Where it answers.", spellings=("api_base", "url")),
        Field("endpoint", "text", "Where it answers, for vendors that call it so."),
        Field("allow_custom_host", "flag", "Whether a host that is not the vendor's is meant."),
        Field("api_key", "secret", "The key, as a reference. Without a type, `null` says that it is still to come."),
        Field("auth_token", "secret", "A bearer token instead of a key, as a reference."),
        Field("aws_access_key_id", "secret", "The id of an AWS access key."),
        Field("aws_secret_access_key", "secret", "The secret of an AWS access key."),
        Field("role_arn", "text", "The AWS role to take."),
        Field("external_id", "text", "What the AWS role asks for."),
        Field("web_identity", "free", "A token that AWS takes for an identity."),
        Field("profile", "text", "The AWS profile of the machine."),
        Field("bearer_token", "secret", "A bearer token of Bedrock."),
        Field("tenant_id", "text", "The Entra tenant."),
        Field("client_id", "text", "The Entra application."),
        Field("client_secret", "secret", "The secret of the Entra application."),
        Field("managed_identity", "free", "The identity of an Azure machine."),
        Field("token_provider", "text", "What the program calls for a token."),
        Field("credentials", "secret", "A service account of Google, as a reference."),
        Field("region", "text", "The region of AWS or of a cloud."),
        Field("location", "text", "The location at Vertex, or `global`."),
        Field("project", "text", "The project that is billed."),
        Field("organization", "text", "The organization at OpenAI."),
        Field("api_version", "text", "The version of Azure's API, as Azure writes it."),
        Field("deployment", "text", "The deployment at Azure, where there is one."),
        Field("base_model", "text", "The catalogue's name of what the deployment is."),
        Field("headers", "free", "Headers of every request."),
        Field("residency", "texts", "Where requests are processed: `[eu]`. What a scope allows is its variable `residency`."),
        Field("limits", "record", "What the vendor grants the account.", (_RPM, _TPM, _PARALLEL)),
        _TIMEOUTS,
        Field("retries", "record", "How often to try again.", _RETRIES),
        _unjudged("data_policy", "record", "What the contract says about data.", (
            _unjudged("zero_retention", "flag", "The vendor keeps nothing."), _unjudged("training", "flag", "The vendor may train on it."),
        )),
        _unjudged("cost_center", "text", "Where it is booked."),
        *_FOR_PEOPLE,
    ),
)  # fmt: skip

MODEL: Final = Record(
    "model", "Model", "A name that applications use, and what answers to it.", ("models/*", "models"),
    (
        _ID,
        Field("provider", "text", "The name of a provider record."),
        Field("upstream_model", "text", "What the provider calls it; for Azure the deployment.", spellings=("deployment", "model")),
        Field("base_model", "text", "The catalogue's name, where `upstream_model` does not tell."),
        Field("aliases", "texts", "Other names that applications may use."),
        Field("mode", "text", "What it does: `chat`, `embedding`, …"),
        Field("status", "text", "How far it is.", choices=("experimental", "preview", "ga", "deprecated", "retired")),
        Field("limits", "record", "Tokens, instead of the catalogue's.", (
            Field("context", "count", "Tokens that it takes."), Field("max_output", "count", "Tokens that it gives."),
        )),
        Field("params", "free", "Defaults of requests: `temperature`, `top_p`, `max_tokens`, `reasoning_effort`, `thinking`, …"),
        Field("params_policy", "text", "What happens to what the model does not take.", choices=("drop", "error")),
        Field("capabilities", "texts", "What it has beside what the catalogue says: `tools`, `vision`, `json_schema`, …"),
        Field("capabilities_required", "texts", "What applications rely on, so that its fallbacks must have it."),
        Field("pricing", "record", "USD per million tokens, instead of the catalogue's.", (
            Field("input_per_million", "number", "Tokens in."), Field("output_per_million", "number", "Tokens out."),
            _unjudged("cache_read_per_million", "number", "Tokens in that were cached."),
        )),
        Field("retires", "text", "Its last day, instead of the catalogue's: `2027-01-31`."),
        Field("replacement", "text", "The model to move to."),
        Field("rate", "record", "What it may take.", (_RPM, _TPM, _PARALLEL), spellings=("rate_limit",)),
        _TIMEOUTS,
        Field("retries", "record", "How often to try again.", _RETRIES),
        _unjudged("budget", "record", "What it may cost.", _BUDGET),
        _unjudged("dimensions", "count", "The length of an embedding."),
        *_FOR_PEOPLE,
    ),
    ("provider", "upstream_model"),
)  # fmt: skip

_FALLBACK: Final = (
    Field("model", "text", "The model that answers."),
    _unjudged("name", "text", "What it is called in this list."),
)
ROUTE: Final = Record(
    "route", "Route", "How requests for one purpose find a model.", ("routes/*", "routes"),
    (
        _ID,
        _unjudged("strategy", "text", "How a target is chosen.", choices=("priority", "weighted", "least_latency", "least_cost")),
        Field("targets", "list", "The models that answer.", (
            Field("model", "text", "A model."), Field("weight", "number", "Its share of the traffic; 0 gets none."),
            _unjudged("name", "text", "What it is called in this list."),
        )),
        Field("fallbacks", "record", "Who answers instead, in order.", (
            Field("on_error", "list", "After errors and timeouts.", _FALLBACK),
            Field("on_context", "list", "When the input is too long.", _FALLBACK),
            Field("on_policy", "list", "When a vendor's policy refuses.", _FALLBACK),
            Field("on_budget", "list", "When the budget is used up.", _FALLBACK),
        )),
        Field("guardrails", "texts", "Names of guardrails; `[]` where none is meant."),
        Field("requires", "texts", "Abilities that every model behind it must have."),
        Field("min_context", "count", "How small the context of a fallback may be."),
        Field("max_price_factor", "number", "How many times the price of the first model a fallback may cost."),
        Field("retry", "record", "Before a fallback.", (*_RETRIES, _unjudged("statuses", "texts", "HTTP status codes worth a retry."))),
        _TIMEOUTS,
        _unjudged("cooldown_seconds", "number", "How long a failing target rests."),
        *_FOR_PEOPLE,
    ),
    ("targets", "fallbacks"),
)  # fmt: skip

_SCOPES: Final = ("provider", "service", "model", "team", "key", "tenant")
BUDGETS: Final = Record(
    "budgets", "Budgets", "What may be spent. A child tenant's budget is part of its parent's.", ("budgets", "budgets/*"),
    (
        _unjudged("currency", "text", "What amounts are in."),
        Field("tenant", "record", "The tenant as a whole.", _BUDGET),
        *(Field(f"{scope}s", "named", f"By name of the {scope}.", _BUDGET) for scope in _SCOPES),
        Field("scope", "text", "For a document that is one budget: `tenant`, or `service:support-bot`."),
        Field("name", "text", "For a document that is one budget: whose it is."),
        *_BUDGET,
        *_FOR_PEOPLE,
    ),
)  # fmt: skip

GUARDRAILS: Final = Record(
    "guardrails", "Guardrails", "What looks at requests and answers.", ("guardrails", "guardrails/*"),
    (
        Field("rules", "list", "The guardrails.", (
            Field("name", "text", "What routes call it.", spellings=("id",)), Field("kind", "text", "What looks at the text."),
            _unjudged("stage", "text", "When it looks.", choices=("before_call", "during_call", "after_call")),
            _unjudged("action", "text", "What it does."), _unjudged("entities", "texts", "For `pii`: what counts."),
            _unjudged("words", "texts", "For `blocked_words`."), _unjudged("text", "text", "For `disclosure`: what is added."),
        )),
        Field("always_on", "free", "Names of the rules that hold for every route; for a document that is one guardrail, `true`."),
        Field("kind", "text", "For a document that is one guardrail: what looks at the text."),
        _ID,
        *_FOR_PEOPLE,
    ),
)  # fmt: skip

MCP_SERVER: Final = Record(
    "mcp-server", "MCP server", "A server whose tools agents may use.", ("mcp/*",),
    (
        _unjudged("transport", "text", "How it is reached: `stdio`, `http`, …"),
        Field("command", "text", "The program that is run."),
        Field("args", "texts", "Its arguments, with a pinned version."),
        Field("env", "free", "Its environment; secrets as references."),
        Field("url", "text", "Where it answers."),
        Field("headers", "free", "Headers of every request; secrets as references."),
        Field("allowed_tools", "texts", "The tools that agents may call."),
        _unjudged("timeout_seconds", "number", "Until a call is given up."),
        *_FOR_PEOPLE,
    ),
)  # fmt: skip

RECORDS: Final = (PROVIDER, MODEL, ROUTE, BUDGETS, GUARDRAILS, MCP_SERVER)
