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
            skipped = max(0, output_line - 1 - before)
            if breaks > skipped or (breaks == skipped and not piece.endswith("\n")):
                return self._line_of(piece, skipped, self.template.get_corresponding_lineno(line), source.split("\n"))
            before += breaks
        return 0

    def _line_of(self, piece: str, skipped: int, first: int, source: list[str]) -> int:
        """Jinja2 knows the line of an expression. Of plain text it knows only what stands before it, so look for its own words."""
        if not any(piece is constant for constant in self.template.root_render_func.__code__.co_consts):
            return first
        words = piece.split("\n")[skipped].strip()
        guess = min(first + skipped, len(source))
        if not words:
            return guess
        places = (number for number in range(guess, len(source) + 1) if words in source[number - 1])
        return next(places, guess)
