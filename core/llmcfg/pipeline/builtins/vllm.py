"""The file for `vllm serve --config`: one model of an OpenAI-compatible provider, under the names by which routes know it.

Keys are long arguments of `vllm serve`. Its key is none of them, since it would show in the list of processes: it is VLLM_API_KEY in
an env file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins.inputs import without_nulls
from llmcfg.pipeline.builtins.platform import read_platform
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.platform import Model

_OWN: Final = frozenset({"model", "served-model-name", "max-model-len", "host", "port"})


def write_config(inputs: Inputs) -> str:
    settings, model = inputs.settings, _served(inputs)
    arguments = settings.record("arguments")
    if "api-key" in arguments or "api_key" in arguments:
        raise RecordError(f"{arguments.at('api-key')} would show in the list of processes",
                          hint="set api_key on the provider, and add an output builtin:vllm-env")  # fmt: skip
    for key in sorted(_OWN & arguments.fields.keys()):
        raise RecordError(
            f"{arguments.at(key)} is written from the model's record", hint="remove it, or change the record"
        )
    return inputs.yaml(without_nulls({
        "model": model.record.text("weights", model.upstream),
        "served-model-name": list(dict.fromkeys([model.upstream, model.name])),
        "max-model-len": model.record.record("limits").fields.get("context"),
        "host": settings.fields.get("host"),
        "port": settings.fields.get("port"),
        **arguments.fields,
    }))  # fmt: skip


def write_environment(inputs: Inputs) -> str:
    record = _served(inputs).provider.record
    key: Value = record.need("api_key", "without it everybody who reaches the server may use it")
    return inputs.env({"VLLM_API_KEY": key})


def _served(inputs: Inputs) -> Model:
    """The model that the settings name; else the only one of an OpenAI-compatible provider."""
    models = {
        name: model
        for name, model in read_platform(inputs.config).models.items()
        if model.provider.type == "openai_compatible"
    }
    name = inputs.settings.text("model") or (next(iter(models)) if len(models) == 1 else inputs.settings.need("model"))
    if name not in models:
        raise RecordError(f"{inputs.settings.at('model')} names {name!r}, which is no model of an openai_compatible provider",
                          hint=f"there are: {', '.join(models) or 'none'}")  # fmt: skip
    return models[name]
