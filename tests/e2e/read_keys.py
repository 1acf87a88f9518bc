"""Prints the keys of a LiteLLM config that the installed proxy does not read. Runs with the proxy's own Python, which has no llmcfg."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import litellm
import yaml
from litellm.proxy._types import ConfigGeneralSettings
from litellm.types.router import LiteLLM_Params, LiteLLMParamsTypedDict, ModelInfo
from litellm.types.utils import ModelInfoBase

PARAMS = {
    *LiteLLM_Params.model_fields,
    *LiteLLMParamsTypedDict.__annotations__,
    *inspect.signature(litellm.completion).parameters,
}
INFO = {*ModelInfo.model_fields, *ModelInfoBase.__annotations__}
PROXY = Path(litellm.__file__).parent / "proxy"
SOURCE = "".join((PROXY / name).read_text() for name in ("proxy_server.py", "common_utils/callback_utils.py"))


def unread(config: dict[str, dict[str, object]]) -> Iterator[str]:
    for row in config["model_list"]:
        yield from (f"litellm_params.{key}" for key in row["litellm_params"] if key not in PARAMS)
        yield from (f"model_info.{key}" for key in row["model_info"] if key not in INFO)
    router = inspect.signature(litellm.Router.__init__).parameters
    yield from (f"router_settings.{key}" for key in config["router_settings"] if key not in router)
    general = ConfigGeneralSettings.model_fields
    yield from (f"general_settings.{key}" for key in config["general_settings"] if key not in general)
    settings = config["litellm_settings"]
    yield from (f"litellm_settings.{key}" for key in settings if not hasattr(litellm, key) and f'"{key}"' not in SOURCE)


for name in sorted(set(unread(yaml.safe_load(Path(sys.argv[1]).read_text())))):
    print(name)
