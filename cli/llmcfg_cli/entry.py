"""The process: what `llmcfg` does before and after a command, and the only place that knows exit codes of failures.

Rules: `--version`, the overview and what was asked before, when nothing changed since, are answered before any heavy import. Variables of
the environment that would make Git look elsewhere or run something are dropped, since a repository is chosen by `-C` alone. Nothing ends
in a traceback unless LLMCFG_DEBUG is set.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # known to type checkers; importing `typing` would be half the time of --version
if TYPE_CHECKING:
    from typing import NoReturn

    from llmcfg.errors import FindingsError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
_COLLECT_AFTER = 150_000  # objects; a process that is over in a moment gains by looking for garbage less often
_ANSWERED_AGAIN = ("validate", "plan", "apply")
_TRUSTED_GIT_VARIABLES = (
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_ASKPASS",
    "GIT_TERMINAL_PROMPT",
)


def main() -> NoReturn:
    """Run the command line of this process and exit with its code."""
    gc.set_threshold(_COLLECT_AFTER)
    _distrust_environment()
    _prepare_streams()
    try:
        code = _outcome(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        code = _lost_output(error)
    _leave(code)


class _Interrupt:
    """Answers Ctrl-C as Python does, and remembers it: an extension module may turn it into an exception of its own."""

    came = False

    def __call__(self, *_: object) -> None:
        self.came = True
        raise KeyboardInterrupt


def _outcome(arguments: list[str]) -> int:
    interrupt = _Interrupt()
    try:
        return _run(arguments, interrupt)
    except BrokenPipeError:
        raise
    except Exception as error:
        if interrupt.came:
            raise KeyboardInterrupt from error
        return _report(error)


def _run(arguments: list[str], interrupt: _Interrupt) -> int:
    if arguments in (["--version"], ["-V"]):
        from llmcfg import __version__

        print(f"llmcfg {__version__}")
        return 0
    if arguments in ([], ["-h"], ["--help"]) and "_LLMCFG_COMPLETE" not in os.environ:
        from llmcfg_cli.overview import overview
        from llmcfg_cli.table import PANELS

        print(overview("llmcfg", PANELS), file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else USAGE
    if arguments and arguments[0] in _ANSWERED_AGAIN:
        from llmcfg_cli.unchanged import answer_again

        if answer_again(arguments):
            return 0
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's background job ignores it
        signal.signal(signal.SIGINT, interrupt)
    if os.environ.get("LLMCFG_FAILPOINTS"):
        from llmcfg import failpoints

        failpoints.arm(os.environ["LLMCFG_FAILPOINTS"])
    from llmcfg.standins import load_msgspec, load_pathlib

    load_pathlib()
    from llmcfg_cli.plain import find_call

    call = find_call(arguments)
    if call is not None:
        if call.opens_repository:
            load_msgspec()
        return call.run()
    from llmcfg_cli.app import run

    return run(arguments)


def _leave(code: int) -> NoReturn:
    """End the process, after what was registered for its end, without taking apart what it holds.

    To free a configuration object by object takes as long as many a command. Where threads still run, Python waits for them.
    """
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        sys.exit(code)
    import atexit

    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:  # nobody reads what cannot be written
        os._exit(code)


def _distrust_environment() -> None:
    for name in [*os.environ]:
        if name.startswith("TYPER_") or (name.startswith("GIT_") and not name.startswith(_TRUSTED_GIT_VARIABLES)):
            del os.environ[name]


def _prepare_streams() -> None:
    """Closed streams swallow what is written; characters that the terminal's encoding lacks are escaped."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # pathlib is slow to import
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # pathlib is slow to import
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _lost_output(error: OSError) -> int:
    """Nobody reads stdout any more, or it has no room. Keeps the interpreter from trying, and complaining, once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    print(f"error: the answer could not be written: {error.strerror}", file=sys.stderr)
    return FAILED


def _show_findings(error: FindingsError) -> None:
    from llmcfg.model.findings import merge_findings
    from llmcfg_cli.console import has_colour, note
    from llmcfg_cli.views.findings import view_findings

    note(view_findings(merge_findings(error.findings), "table", colour=has_colour(sys.stderr)))


def _report(error: Exception) -> int:
    from llmcfg.errors import FindingsError, LlmcfgError
    from llmcfg_cli.console import report_error

    if os.environ.get("LLMCFG_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, LlmcfgError):
        if isinstance(error, FindingsError):
            _show_findings(error)
        report_error(error.message, error.hint)
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        report_error(f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else error.strerror)
        return FAILED
    report_error(
        f"internal error: {type(error).__name__}: {error} "
        "(this is a bug in llmcfg; run again with LLMCFG_DEBUG=1 for the traceback)"
    )
    return FAILED
