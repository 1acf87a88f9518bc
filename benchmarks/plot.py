"""Cost against size as an SVG, with logarithmic axes and a line for each scenario. Loads nothing, and lies on paper of its own."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH, HEIGHT, LEFT, TOP, PLOT = 860, 420, 70, 40, (500, 320)
COLOURS: Final = (
    *("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b"),
    *("#e377c2", "#7f7f7f", "#bcbd22", "#000", "#98df8a", "#c5b0d5"),
)
_STYLE: Final = "text{font:12px sans-serif;fill:#222}.paper{fill:#fff}.grid{stroke:#ddd}path{fill:none;stroke-width:2}"


def plot(lines: Mapping[str, Mapping[int, float]], title: str) -> str:
    """Seconds by size, for each scenario. Sizes and seconds are above zero."""
    sizes = sorted({size for line in lines.values() for size in line})
    seconds = [value for line in lines.values() for value in line.values()]
    across, up = _Axis(min(sizes), max(sizes), PLOT[0]), _Axis(min(seconds), max(seconds), PLOT[1])
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<style>{_STYLE}</style><rect class="paper" width="100%" height="100%"/>',
        f'<text x="{LEFT}" y="24">{escape(title)}</text>',
        *(_grid(across, up, sizes)),
    ]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [
            f"{LEFT + across.at(size):.1f} {TOP + PLOT[1] - up.at(value):.1f}" for size, value in sorted(line.items())
        ]
        drawn.append(f'<path stroke="{colour}" d="M{" L".join(points)}"/>')
        y = TOP + 14 + number * 20
        drawn.append(f'<path stroke="{colour}" d="M{LEFT + PLOT[0] + 24} {y - 4} h20"/>')
        drawn.append(f'<text x="{LEFT + PLOT[0] + 50}" y="{y}">{escape(name)}</text>')
    return "\n".join([*drawn, "</svg>"]) + "\n"


class _Axis:
    """From whole power of ten to whole power of ten, so that lines of other reports can be laid beside."""

    def __init__(self, least: float, most: float, length: int) -> None:
        self.first = math.floor(math.log10(least))
        self.last = max(math.ceil(math.log10(most)), self.first + 1)
        self._length = length

    def at(self, value: float) -> float:
        return (math.log10(value) - self.first) / (self.last - self.first) * self._length


def _grid(across: _Axis, up: _Axis, sizes: list[int]) -> Iterator[str]:
    bottom, right = TOP + PLOT[1], LEFT + PLOT[0]
    for power in range(up.first, up.last + 1):
        y = bottom - up.at(10.0**power)
        yield f'<path class="grid" style="stroke-width:1" d="M{LEFT} {y:.1f} H{right}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>'
    for size in sizes:
        x = LEFT + across.at(size)
        yield f'<path class="grid" style="stroke-width:1" d="M{x:.1f} {TOP} V{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{size:,}</text>'
