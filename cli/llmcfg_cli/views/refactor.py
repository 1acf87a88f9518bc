"""What a refactoring writes, as text, patch and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.pipeline.diff import unified
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.text import Style, paint, plural, visible, visible_lines

if TYPE_CHECKING:
    from llmcfg.refactor.refactoring import FileEdit, Refactoring

_STYLES = {"+": Style.GREEN, "-": Style.RED, "@": Style.CYAN}


def view_refactoring(made: Refactoring, output: str, *, is_written: bool) -> str:
    """`output` is table or json."""
    if output == "json":
        files = [{"path": path, "change": _change(edit)} for path, edit in made.files.items()]
        proved = {"scopes": made.proved.scopes, "bundles": made.proved.bundles}
        return to_json("Refactoring", {"written": is_written, "files": files, "proved": proved})
    return "\n".join(f"{_change(edit):<7}  {visible(path)}" for path, edit in made.files.items())


def view_patch(made: Refactoring, *, colour: bool = False) -> str:
    """As `git apply` takes it."""
    lines = [line for path, edit in made.files.items() for line in unified(path, *edit).split("\n")]
    return "\n".join(
        paint(visible_lines(line), _STYLES[line[0]], colour) if line[:1] in _STYLES else visible_lines(line)
        for line in lines
    )


def proved_text(made: Refactoring, *, is_written: bool) -> str:
    proved = f"{plural(made.proved.scopes, 'scope')} and {plural(made.proved.bundles, 'bundle')}"
    done = "written" if is_written else "nothing is written"
    return f"proved: no value, file or secret changes in {proved}; {done}"


def _change(edit: FileEdit) -> str:
    return "new" if edit.before is None else "removed" if edit.after is None else "changed"
