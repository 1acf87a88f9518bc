"""One value out of a file, as `sops --extract` prints it: texts bare, everything else in the form of the output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.errors import NotFoundError, UsageError
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.model import FileType, Leaf, Mapping, Null, Sequence, node_at

if TYPE_CHECKING:
    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.model import Documents

_STEP: Final = re.compile(r"""\[(?:"(?P<double>.*?)"|'(?P<single>.*?)'|(?P<index>[0-9]+))\](?=\[|$)""", re.DOTALL)


def parse_extract(text: str) -> Path:
    """The path that `["key"][0]` means. Raises UsageError for another form."""
    path: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise UsageError(f"{text!r} is no place in a file", hint="""write '["key"]["inner"][0]'""")
        index = step["index"]
        path.append(int(index) if index is not None else step["double"] or step["single"] or "")
        at = step.end()
    return tuple(path)


def write_extracted(documents: Documents, path: Path, file_type: FileType) -> bytes:
    """The value at a path of the first document. Raises NotFoundError, and UsageError for a form that cannot hold it."""
    node = node_at(documents[0], path)
    if node is None:
        raise NotFoundError(
            f"the file has no {format_key_path(path)}", hint="the names in it can be read without a key: open the file"
        )
    if isinstance(node, Mapping):
        return stores.write([node], file_type)
    if isinstance(node, Leaf) and node.kind == "str":
        return node.reveal()
    return _write_value(node, file_type).encode("utf-8", "surrogateescape")


def _write_value(node: Leaf | Null | Sequence, file_type: FileType) -> str:
    match file_type:
        case FileType.YAML:
            return _yaml(node)
        case FileType.JSON:
            from llmcfg.secrets.sops.jsonstore import write_json_value

            return write_json_value(node, 0)
        case _:
            raise UsageError(f"a {file_type} file cannot hold this value alone", hint="add --output-type yaml, or json")


def _yaml(node: Leaf | Null | Sequence) -> str:
    from llmcfg.secrets.sops.yamlscalars import write_leaf
    from llmcfg.secrets.sops.yamlwriter import write_elements

    if isinstance(node, Sequence):
        return write_elements(node, 0) if next(node.nodes(), None) is not None else "[]\n"
    return "null\n" if isinstance(node, Null) else f"{write_leaf(node, 0, hinted=False)}\n"
