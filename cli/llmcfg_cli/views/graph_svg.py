"""A fallback graph as SVG: users, routes and models in three columns. No script, no font and nothing from elsewhere is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from llmcfg_cli.views.graph import GRAVE, model_text
from llmcfg_cli.views.text import clip, display_width, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.llm.graph import Edge, Graph, Mark

_COLUMNS: Final = (20, 320, 700)
_WIDTHS: Final = (220, 200, 440)
_TOP, _LINE, _GAP, _PADDING = 50, 18, 22, 8
_LETTERS: Final = 7
"""Pixels of a character, at most."""
_STYLE: Final = (
    ".paper{fill:#fff}text{font:12px sans-serif;fill:#222}.title{font-size:15px}"
    ".box{fill:#fff;stroke:#888}.route{fill:#eef4ff}.grave{stroke:#c00}"
    ".worth{stroke:#b80}.edge{fill:none;stroke:#888}.bad{stroke:#c00}.fallback{stroke-dasharray:5 4}.mark{fill:#a30}.dim{fill:#666}"
)


class _Box(NamedTuple):
    """A node with its lines; `y` is its top."""

    column: int
    y: int
    lines: tuple[tuple[str, str], ...]
    style: str = ""

    @property
    def height(self) -> int:
        return 2 * _PADDING + _LINE * len(self.lines)

    @property
    def middle(self) -> int:
        return self.y + self.height // 2

    @property
    def left(self) -> int:
        return _COLUMNS[self.column]

    @property
    def right(self) -> int:
        return self.left + _WIDTHS[self.column]


def svg(graph: Graph, title: str) -> str:
    user_boxes = _stacked(0, {user: ((user, ""),) for user in graph.users})
    route_boxes = _stacked(1, {route.name: ((route.name, ""),) for route in graph.routes}, {"": " route"})
    lines = {str(at): _model_lines(graph, at) for at in range(len(graph.models))}
    styles = {str(at): _style(model.marks) for at, model in enumerate(graph.models)}
    lines |= {f"?{name}": ((name, ""), ("is not there", "mark")) for name in graph.missing}
    styles |= {f"?{name}": " grave" for name in graph.missing}
    model_boxes = _stacked(2, lines, styles)
    paths = []
    for route in graph.routes:
        here = route_boxes[route.name]
        paths += [_path(user_boxes[user], here, "edge") for user in route.users]
        for edge in route.edges:
            ends = [model_boxes[str(at)] for at, model in enumerate(graph.models) if model.is_called(edge.to)]
            ends = ends or [route_boxes[edge.to] if edge.to in route_boxes else model_boxes[f"?{edge.to}"]]
            paths += [_path(here, end, _edge_style(edge), _edge_words(edge)) for end in ends]
    boxes = [*user_boxes.values(), *route_boxes.values(), *model_boxes.values()]
    height = max((box.y + box.height for box in boxes), default=_TOP) + _GAP
    width = _COLUMNS[2] + _WIDTHS[2] + _COLUMNS[0]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    shown = [line for box in boxes for line in _drawn(box)]
    return "\n".join(
        [head, f"<style>{_STYLE}</style>", '<rect class="paper" width="100%" height="100%"></rect>',
         f'<text class="title" x="20" y="28">{_safe(title)}</text>', *paths, *shown, "</svg>"]
    )  # fmt: skip


def _model_lines(graph: Graph, at: int) -> tuple[tuple[str, str], ...]:
    model = graph.models[at]
    return ((model.name, ""), (model_text(model), "dim"), *((mark.text, "mark") for mark in model.marks))


def _stacked(
    column: int, nodes: dict[str, tuple[tuple[str, str], ...]], styles: dict[str, str] | None = None
) -> dict[str, _Box]:
    """Boxes one below the other; the style of `""` is that of all."""
    found: dict[str, _Box] = {}
    y = _TOP
    for name, lines in nodes.items():
        style = (styles or {}).get(name, (styles or {}).get("", ""))
        found[name] = _Box(column, y, lines, style)
        y += found[name].height + _GAP
    return found


def _drawn(box: _Box) -> Iterator[str]:
    width = _WIDTHS[box.column]
    yield f'<rect class="box{box.style}" x="{box.left}" y="{box.y}" width="{width}" height="{box.height}" rx="4"/>'
    for number, (text, style) in enumerate(box.lines):
        shown = clip(visible(text), (width - 2 * _PADDING) // _LETTERS)
        kind = f" class={quoteattr(style)}" if style else ""
        title = f"<title>{_safe(text)}</title>" if display_width(text) > display_width(shown) else ""
        y = box.y + _PADDING + 13 + number * _LINE
        yield f'<text{kind} x="{box.left + _PADDING}" y="{y}">{escape(shown)}{title}</text>'


def _path(start: _Box, end: _Box, style: str, words: Sequence[str] = ()) -> str:
    """A line with what it says when it is pointed at. One back to its own column goes round at the right."""
    if end.column <= start.column:
        x = start.right
        curve = f"M{x} {start.middle} C{x + 60} {start.middle} {x + 60} {end.middle} {end.right} {end.middle}"
    else:
        bend = (end.left - start.right) // 2
        curve = f"M{start.right} {start.middle} C{start.right + bend} {start.middle} {end.left - bend} {end.middle} {end.left} {end.middle}"
    title = f"<title>{_safe(', '.join(words))}</title>" if words else ""
    return f'<path class="{style}" d="{curve}">{title}</path>'


def _edge_style(edge: Edge) -> str:
    return f"edge{'' if edge.kind == 'target' else ' fallback'}{' bad' if edge.marks else ''}"


def _edge_words(edge: Edge) -> list[str]:
    return [edge.kind, *(mark.text for mark in edge.marks)]


def _style(marks: Iterable[Mark]) -> str:
    kinds = {mark.kind for mark in marks}
    return " grave" if kinds & GRAVE else " worth" if kinds else ""


def _safe(text: str) -> str:
    return escape(visible(text))
