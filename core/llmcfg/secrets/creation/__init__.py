"""`.sops.yaml` as sops reads it: who can open a file that is created at a path, and which of its values are encrypted.

Rules: the first creation rule whose `path_regex` is found in the path from the folder of `.sops.yaml` wins; a rule without one fits every
path. Anchors, aliases and merge keys work; fields that are not known here, `stores` and `destination_rules` say nothing. Keys of other
services than age are named and never wrapped. Unlike sops, every rule is checked, not only the one that is used.
"""

from __future__ import annotations

from llmcfg.secrets.creation.config import FoundConfig, find_config, path_for_rules
from llmcfg.secrets.creation.reader import parse_creation_rules, read_creation_rules
from llmcfg.secrets.creation.rules import CONFIG, CreationRule, CreationRules, Said

__all__ = [
    "CONFIG",
    "CreationRule",
    "CreationRules",
    "FoundConfig",
    "Said",
    "find_config",
    "parse_creation_rules",
    "path_for_rules",
    "read_creation_rules",
]
