"""A Jinja2 text as Handlebars, by its syntax tree: names, attributes, `if` and `for` over names. All else is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes

from llmcfg.errors import UsageError
from llmcfg.pipeline.templates.prompting import PromptSandbox
from llmcfg.pipeline.templates.sandbox import TextError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def jinja_to_handlebars(text: str) -> str:
    """Raises UsageError for what Handlebars has no word for."""
    try:
        tree = PromptSandbox(text).parse(text)
    except (TemplateSyntaxError, TextError) as error:
        raise UsageError(f"the text is no template: {error}", hint="mend what llmcfg validate says first") from error
    return _all(tree.body, ())


def _all(found: Iterable[nodes.Node], loops: Sequence[str]) -> str:
    """`loops` are the names of the items of the loops around, outermost first."""
    return "".join(_node(node, loops) for node in found)


def _node(node: nodes.Node, loops: Sequence[str]) -> str:
    match node:
        case nodes.Output():
            return _all(node.nodes, loops)
        case nodes.TemplateData():
            return node.data.replace("{{", "\\{{")
        case nodes.Name() | nodes.Getattr():
            return f"{{{{{_path(node, loops)}}}}}"
        case nodes.If() if not node.elif_:
            block, test = ("unless", node.test.node) if isinstance(node.test, nodes.Not) else ("if", node.test)
            otherwise = f"{{{{else}}}}{_all(node.else_, loops)}" if node.else_ else ""
            return f"{{{{#{block} {_path(test, loops)}}}}}{_all(node.body, loops)}{otherwise}{{{{/{block}}}}}"
        case nodes.For() if isinstance(node.target, nodes.Name) and node.test is None and not node.recursive:
            inner = _all(node.body, (*loops, node.target.name))
            otherwise = f"{{{{else}}}}{_all(node.else_, loops)}" if node.else_ else ""
            return f"{{{{#each {_path(node.iter, loops)}}}}}{inner}{otherwise}{{{{/each}}}}"
        case _:
            raise _refused(node)


def _path(node: nodes.Node, loops: Sequence[str]) -> str:
    steps: list[str] = []
    while isinstance(node, nodes.Getattr):
        steps.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name):
        raise _refused(node)
    steps.reverse()
    if node.name in loops:
        up = list(reversed(loops)).index(node.name)
        return "../" * up + ".".join(["this", *steps] if not up else steps or ["this"])
    return "../" * len(loops) + ".".join([node.name, *steps])


def _refused(node: nodes.Node) -> UsageError:
    what = type(node).__name__.lower()
    return UsageError(
        f"line {node.lineno} has a Jinja2 expression ({what}) that Handlebars has no word for",
        hint="names, attributes, if and for can be carried over; write the rest with engine: handlebars",
    )
