"""The output of a template as it came, piece by piece, so that a line of the output leads back to the line of the template."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Template


class Written(NamedTuple):
    """`lines` holds, for each piece, the line of the compiled template that wrote it."""

    template: Template
    pieces: list[str]
    lines: list[int]

    def template_line(self, output_line: int, source: str) -> int:
        """The line of the template (from 1) that wrote the beginning of a line (from 1) of the output; 0 if it is not known."""
        before = 0
        for piece, line in zip(self.pieces, self.lines, strict=True):
            breaks = piece.count("\n")
            starts_here = before + breaks >= output_line - 1
            if starts_here and not (before + breaks == output_line - 1 and piece.endswith("\n")):
                fragment = piece.split("\n")[output_line - 1 - before] if output_line > before else piece
                return self._line_of(piece, fragment, self.template.get_corresponding_lineno(line), source)
            before += breaks
        return 0

    def _line_of(self, piece: str, fragment: str, at_least: int, source: str) -> int:
        """Jinja2 knows the line of an expression. Of plain text it knows only what stands before it, so look for its own words."""
        is_plain_text = any(piece is constant for constant in self.template.root_render_func.__code__.co_consts)
        if not is_plain_text or not fragment.strip():
            return at_least
        for number, line in enumerate(source.split("\n")[at_least - 1 :], at_least):
            if fragment.strip() in line:
                return number
        return at_least
