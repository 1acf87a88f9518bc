"""The meaning of a YAML 1.1 file as strict configuration values, and what of it has none.

Scalars, merge keys and duplicate keys mean what PyYAML's `safe_load` makes of them: `no` is false, `010` is 8, `1e3` is a string, the
last of two equal keys wins. Dates, NaN, integers beyond 2^53, keys that are no strings and foreign tags are problems.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml

from llmcfg import limits
from llmcfg.documents.scalars import EXACT_INTEGER, one_number
from llmcfg.importers.source import AMBIGUOUS_TAG, MERGE_TAG
from llmcfg.model.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.model.value import Scalar, Value

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_TAG + kind for kind in ("str", "int", "float", "bool", "null"))
_RESERVED = frozenset({"$extends", "$with", "$secret", "$text"})
_MOST_NODES = 200_000


class Reader:
    """Reads nodes once; `problems` collects what has no strict form, `values` remembers what each node means.

    `rename` is applied to every string value, to put references where the program has its own way of writing them.
    """

    def __init__(self, rename: Callable[[str, yaml.Node], str]) -> None:
        self.problems: list[Problem] = []
        self.values: dict[int, Value] = {}
        self._rename = rename
        self._scalars = yaml.SafeLoader("")
        self._nodes = 0
        self._stopped = False

    def read(self, node: yaml.Node, depth: int = 1) -> Value:
        """The node's value. After a problem it is only good for going on to find the next problem."""
        self._nodes += 1
        if self._stopped or not self._is_within_limits(node, depth):
            return None
        value: Value
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            value = self._read_mapping(node, depth)
        elif isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            value = [self.read(item, depth + 1) for item in node.value]
        elif isinstance(node, yaml.ScalarNode):
            value = self._read_scalar(node)
        else:
            value = None
            self._report(
                "yaml-tag", f"{_short(node.tag)} is no kind of configuration value", node, "write a plain value"
            )
        self.values[id(node)] = value
        return value

    def _is_within_limits(self, node: yaml.Node, depth: int) -> bool:
        if depth > limits.DOCUMENT_DEPTH:
            self._report(
                "yaml-depth", f"values are nested deeper than {limits.DOCUMENT_DEPTH} levels", node, "flatten it"
            )
        elif self._nodes > _MOST_NODES:
            self._report(
                "yaml-alias",
                f"the file means more than {_MOST_NODES} values, mostly by aliases",
                node,
                "write out what is meant",
            )
        else:
            return True
        self._stopped = True
        return False

    def _read_mapping(self, node: yaml.MappingNode, depth: int) -> Value:
        own: dict[str, Value] = {}
        brought: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == MERGE_TAG:
                brought.update(self._read_merge(value, depth))
            elif key.tag != _TAG + "str":
                self._report_key(key)
            else:
                if key.value in _RESERVED:
                    message = f"the key {key.value} has a meaning of its own in configuration"
                    self._report("key-reserved", message, key, "rename it, if the program lets you")
                if key.value in own:
                    self._report_duplicate(key, lines[key.value])
                lines[key.value] = key.start_mark.line + 1
                self.values[id(key)] = key.value
                own[key.value] = self.read(value, depth + 1)
        return {**brought, **own}

    def _read_merge(self, node: yaml.Node, depth: int) -> dict[str, Value]:
        self.read(node, depth + 1)
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(source, yaml.MappingNode) for source in sources):
            self._report("yaml-merge-key", "<< takes a mapping or a list of mappings", node, "write the keys out")
        return merged_mapping(node, self.values)

    def _read_scalar(self, node: yaml.ScalarNode) -> Scalar:
        if node.tag not in _PLAIN_TAGS:
            self._report_tag(node)
            return None
        try:
            value = self._scalars.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, OverflowError):
            self._report("yaml-syntax", f"{node.value!r} cannot be read as {_short(node.tag)}", node, "quote it")
            return None
        if isinstance(value, str):
            return self._rename(value, node)
        assert value is None or isinstance(value, bool | int | float)
        if isinstance(value, float) and not math.isfinite(value):
            self._report("yaml-number", f"{node.value} has no form in JSON", node, "quote it")
            return None
        if value is not None and abs(value) > EXACT_INTEGER:
            self._report(
                "yaml-number", f"{node.value} is beyond 2^53, where programs round it", node, "write it in quotes"
            )
        return one_number(value) if isinstance(value, float) else value

    def _report_tag(self, node: yaml.ScalarNode) -> None:
        if node.tag == _TAG + "timestamp":
            message = f"readers of YAML take {node.value} for a date, and configuration holds none"
            self._report("yaml-ambiguous", message, node, f'write "{node.value}" if the text is meant')
        elif node.tag == AMBIGUOUS_TAG:
            message = f"readers of YAML take {node.value} for different numbers"
            self._report(
                "yaml-ambiguous", message, node, f'write the number in plain digits, or "{node.value}" for a text'
            )
        else:
            self._report("yaml-tag", f"{_short(node.tag)} is no kind of configuration value", node, "write a string")

    def _report_key(self, key: yaml.Node) -> None:
        if isinstance(key, yaml.ScalarNode):
            message = f"the key {key.value!r} is read as {_short(key.tag)}"
            self._report("yaml-key-type", message, key, "write the key in quotes")
        else:
            self._report("yaml-key-type", "a list or mapping stands where a key should", key, "keys are strings")

    def _report_duplicate(self, key: yaml.Node, first: int) -> None:
        message = (
            f"{key.value!r} is written twice, first in line {first}; the later one counts, the earlier is now a comment"
        )
        self._report("import-duplicate", message, key, "look whether the earlier value was meant")

    def _report(self, rule: str, message: str, node: yaml.Node, hint: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(rule, message, mark.line + 1, mark.column + 1, hint))


def merged_mapping(node: yaml.Node, values: Mapping[int, Value]) -> dict[str, Value]:
    """What the value of a merge key brings in, from the meanings by node; of several mappings the first one wins."""
    sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
    brought: dict[str, Value] = {}
    for source in sources:
        value = values.get(id(source))
        if isinstance(value, dict):
            brought |= {key: item for key, item in value.items() if key not in brought}
    return brought


def _short(tag: str | None) -> str:
    return str(tag).removeprefix(_TAG)
