"""One verb a file. A command reads its arguments, calls one function of the core by keyword, and hands the value to a view.

How to add one:
1. A row in `llmcfg_cli/table.py`: `Command("get", "get:get", "print the effective value of a key")`.
2. A function in `commands/get.py`; its docstring is its help (paragraphs; a paragraph that starts with a line `\\b` keeps its lines):

    from __future__ import annotations

    from pathlib import Path
    from typing import Annotated, Literal

    from llmcfg_cli.console import has_colour, note, out
    from llmcfg_cli.options import OUTPUT, At, Directory, Environments, Key, Quiet


    def get(
        key: Key,
        directory: Directory = Path(),
        environments: Environments = None,
        at: At = None,
        output: Annotated[Literal["table", "json"], OUTPUT] = "table",
        quiet: Quiet = False,
    ) -> int:
        \"\"\"Print the effective value of a key.\"\"\"
        from llmcfg.wiring import ...          # heavy imports stay inside the function

        answer = ...
        out(view_answer(answer, output, colour=has_colour()))
        note("2 environments", quiet=quiet)
        return 0

Rules: the annotations are read at run time, so their names are imported for real. The returned number is the exit code (None is 0).
`LlmcfgError` ends the command with its exit code, `error: …` and `hint: …`. Print through `console` only. Show data through
`views.text.visible` or as JSON.
"""
