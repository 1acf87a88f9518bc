"""config.yaml of the OpenTelemetry collector for GenAI telemetry.

Attributes by their old names become those of the semantic conventions: `gen_ai.provider.name`, `gen_ai.usage.input_tokens`. What is
redacted under its new name is redacted under the old one too. Secrets become ${env:NAME}, unless the output is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins.inputs import map_secrets, without_nulls

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.record import Record

_RENAMED: Final = {
    "gen_ai.provider.name": "gen_ai.system",
    "gen_ai.usage.input_tokens": "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.output_tokens": "gen_ai.usage.completion_tokens",
    "gen_ai.input.messages": "gen_ai.prompt",
    "gen_ai.output.messages": "gen_ai.completion",
}
_PRIVATE: Final = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions")


def write(inputs: Inputs) -> str:
    settings = inputs.settings
    spool = settings.record("exporter").text("spool_directory")
    exporters: dict[str, Value] = {"otlphttp": _exporter(settings.record("exporter"), bool(spool))}
    if settings.is_on("debug"):
        exporters["debug"] = {"verbosity": "basic"}
    extensions: dict[str, Value] = {"health_check": {"endpoint": "127.0.0.1:13133"}}
    if spool:
        extensions["file_storage"] = {"directory": spool, "create_directory": True}
    document: dict[str, Value] = {
        "receivers": {"otlp": {"protocols": _protocols(settings.record("receivers").record("otlp"))}},
        "processors": _processors(inputs),
        "exporters": exporters,
        "extensions": extensions,
        "service": {
            "extensions": [*extensions],
            "pipelines": {signal: _pipeline(signal, [*exporters]) for signal in ("traces", "metrics", "logs")},
        },
    }
    if not inputs.opened:
        document = {key: map_secrets(value, "${{env:{}}}".format, key) for key, value in document.items()}
    return inputs.yaml(document)


def _protocols(otlp: Record) -> Value:
    return {
        "grpc": {"endpoint": f"0.0.0.0:{otlp.number('grpc_port', 4317)}"},
        "http": {"endpoint": f"0.0.0.0:{otlp.number('http_port', 4318)}"},
    }


def _processors(inputs: Inputs) -> dict[str, Value]:
    settings = inputs.settings
    memory, batch = settings.record("memory"), settings.record("batch")
    redacted = settings.texts("redact_attributes") or _PRIVATE
    hidden = dict.fromkeys(name for new in redacted for name in (new, _RENAMED.get(new)) if name)
    renamed: list[Value] = []
    for new, old in _RENAMED.items():
        if new not in redacted:
            renamed.append({"key": new, "from_attribute": old, "action": "insert"})
            renamed.append({"key": old, "action": "delete"})
    resource = {"deployment.environment.name": inputs.environment, "llmcfg.tenant": inputs.tenant}
    resource |= {
        key: settings.record("resource_attributes").need(key) for key in settings.record("resource_attributes").fields
    }
    labels: list[Value] = [{"key": key, "value": value, "action": "upsert"} for key, value in resource.items() if value]
    redactions: list[Value] = [{"key": name, "action": "delete"} for name in hidden]
    return {
        "memory_limiter": {
            "check_interval": "1s",
            "limit_mib": memory.number("limit_mib", 512),
            "spike_limit_mib": memory.number("spike_mib", 128),
        },
        "probabilistic_sampler": {"sampling_percentage": settings.number("sampling_percent", 100)},
        "attributes/names": {"actions": renamed},
        "attributes/redact": {"actions": redactions},
        "resource": {"attributes": labels},
        "batch": without_nulls({"send_batch_size": batch.number("size", 512), "timeout": batch.fields.get("timeout")}),
    }


def _exporter(exporter: Record, is_spooled: bool) -> Value:
    token = exporter.text("token")
    spooling: dict[str, Value] = {
        "sending_queue": {"enabled": True, "storage": "file_storage"},
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
    }
    return without_nulls({
        "endpoint": exporter.need("endpoint", "it says where the collector sends to"),
        "compression": exporter.text("compression", "gzip"),
        "headers": {**exporter.record("headers").fields, **({"Authorization": f"Bearer {token}"} if token else {})} or None,
        **(spooling if is_spooled else {}),
    })  # fmt: skip


def _pipeline(signal: str, exporters: list[Value]) -> Value:
    """Sampling is for traces alone."""
    sampler: list[Value] = ["probabilistic_sampler"] if signal == "traces" else []
    processors: list[Value] = ["memory_limiter", *sampler, "attributes/names", "attributes/redact", "resource", "batch"]
    return {"receivers": ["otlp"], "processors": processors, "exporters": exporters}
