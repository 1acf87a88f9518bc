"""The rules about LLM platforms: what each means and why. Their checks and examples are in `llmcfg.llm.rules`; docs/rules has a
page each. Numbers are never given to another rule.
"""

from __future__ import annotations

from typing import Final

from llmcfg.model.severity import Rule, Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

LLM_RULES: Final = (
    Rule(
        "LLM001",
        _E,
        "key in clear where a reference belongs",
        "Whoever reads the file, its history or a bundle has the key.",
    ),
    Rule(
        "LLM002",
        _E,
        "no key for an endpoint, so that another one is sent",
        "Clients fall back to the default key of the vendor whose protocol they speak, and send it to whoever answers there.",
    ),
    Rule(
        "LLM003",
        _E,
        "secret of another environment or tenant",
        "A leak or a revocation there is one here, and bills land on the wrong account.",
    ),
    Rule(
        "LLM004",
        _W,
        "one secret for several accounts",
        "Who has one of them has all, and none can be rotated alone.",
        _E,
    ),
    Rule(
        "LLM005",
        _W,
        "secret that is due for a new value",
        "Somebody knows it who should not, and it still opens the account.",
    ),
    Rule("LLM006", _E, "provider cannot authenticate", "Every request would be refused, or never find its endpoint."),
    Rule("LLM007", _W, "endpoint without encryption", "Keys and prompts can be read on the way.", _E),
    Rule("LLM008", _W, "endpoint is not the vendor's", "The key and every prompt go to whoever owns that host."),
    Rule(
        "LLM009",
        _W,
        "requests leave the allowed region",
        "The tenant's data would be processed where it must not be.",
        _E,
    ),
    Rule(
        "LLM010",
        _E,
        "nobody answers to this model or provider",
        "The gateway drops what it cannot route, often without a word.",
    ),
    Rule(
        "LLM011",
        _W,
        "model without known limits and prices",
        "Neither mistyped names nor costs nor too long requests can be seen.",
    ),
    Rule("LLM012", _E, "model is retired", "Requests fail, or are answered by another model than was tested."),
    Rule("LLM013", _W, "model retires soon", "On its last day requests begin to fail.", _E),
    Rule(
        "LLM014", _W, "preview or moving model name", "The vendor changes or ends what answers to it at short notice."
    ),
    Rule(
        "LLM015",
        _W,
        "name of one vendor's model for another's",
        "Applications and bills are misled about what answers.",
    ),
    Rule("LLM016", _E, "more output tokens than the model gives", "The vendor refuses the request."),
    Rule(
        "LLM017",
        _E,
        "token budgets that do not fit",
        "Input, output and thinking share the model's window; the vendor refuses what exceeds it.",
    ),
    Rule("LLM018", _E, "parameter out of range", "The vendor refuses the request."),
    Rule(
        "LLM019",
        _E,
        "parameter that the model does not take",
        "The vendor refuses the request, or the gateway drops the parameter silently.",
    ),
    Rule("LLM020", _W, "temperature and top_p together", "Vendors advise against changing both, and some refuse it."),
    Rule(
        "LLM021",
        _E,
        "ability that a route needs is missing",
        "Requests with tools, images or schemas fail as soon as this model answers.",
    ),
    Rule(
        "LLM022",
        _E,
        "name that nothing has",
        "A fallback, route or guardrail that is not there fails when it is needed.",
    ),
    Rule("LLM023", _W, "fallbacks in a cycle", "When all of them fail, requests go round until they time out."),
    Rule("LLM024", _W, "fallback takes or gives less", "Requests that the first model takes fail at the second."),
    Rule("LLM025", _N, "fallback shares the failure", "The same vendor, region and key fail together.", _W),
    Rule("LLM026", _N, "route without a fallback", "When its model fails, so does everything that uses it.", _W),
    Rule("LLM027", _W, "fallback is far dearer, or of unknown price", "An outage becomes a bill."),
    Rule("LLM028", _E, "limit or budget that is not enforced", "It reads like protection and is none."),
    Rule(
        "LLM029",
        _W,
        "no budget, or more than there is",
        "Nothing stops a runaway program, or the parts may spend more than the whole.",
        _E,
    ),
    Rule(
        "LLM030",
        _W,
        "rate limit is missing, zero or more than there is",
        "Services starve each other, or the vendor refuses what was promised.",
    ),
    Rule("LLM031", _W, "limit or budget changed more than tenfold", "It is more often a slip of a digit than meant."),
    Rule("LLM032", _E, "setting that the program does not read", "It has no effect, and no program says so."),
    Rule("LLM033", _E, "YAML that does not say what it seems to", "Programs read another value, or one of two."),
    Rule("LLM034", _E, "empty file or section", "The program drops its defaults, or does not start."),
    Rule(
        "LLM035",
        _W,
        "gateway that is open or says too much",
        "Anybody who reaches it spends the money, or reads the prompts in its logs.",
        _E,
    ),
    Rule(
        "LLM036",
        _W,
        "timeouts and retries that do not fit",
        "Requests hang, or are given up while a retry would still have answered.",
    ),
    Rule(
        "LLM037",
        _E,
        "prompt that cannot be sent as it is, or that was edited after its release",
        "A variable comes out empty or the text is not what was tested, and the model answers something else.",
    ),
    Rule(
        "LLM038",
        _W,
        "prompt that may be led astray",
        "What users write counts as the operator's word, variables do nothing, or the text outgrows a model.",
    ),
    Rule(
        "LLM039",
        _W,
        "route without the guardrails that it should have",
        "What the policy promises is not checked there.",
        _E,
    ),
    Rule(
        "LLM040",
        _W,
        "MCP server that is not pinned down",
        "Its next version, or anybody on the way, runs with the agent's rights.",
    ),
    Rule("LLM099", _E, "file of an LLM program that cannot be read", "Nothing in it was checked."),
)
