"""What the process does around a command: exit codes, error texts, lost output and a hostile environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from llmcfg import __version__, errors

ERRORS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LlmcfgError)),
    key=lambda kind: kind.__name__,
)


def test_version_is_one_line(llmcfg) -> None:
    done = llmcfg("--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"llmcfg {__version__}\n", "", 0)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_says_message_and_hint_and_exits_with_its_code(llmcfg_running, kind) -> None:
    body = f"from llmcfg.errors import *\ndef probe():\n    raise {kind.__name__}('prod is gone', hint='look')\n"
    done = llmcfg_running(body)
    assert (done.stdout, done.stderr) == ("", "error: prod is gone\nhint: look\n")
    assert done.returncode == kind.exit_code


@pytest.mark.parametrize(("returned", "code"), [("None", 0), ("0", 0), ("3", 3), ("9", 9)])
def test_a_command_returns_its_exit_code(llmcfg_running, returned: str, code: int) -> None:
    assert llmcfg_running(f"def probe():\n    return {returned}\n").returncode == code


def test_any_other_exception_is_one_line_that_names_the_debug_variable(llmcfg_running) -> None:
    body = "def probe():\n    raise KeyError('models')\n"
    done = llmcfg_running(body)
    assert done.returncode == 1
    assert done.stderr == (
        "error: internal error: KeyError: 'models' "
        "(this is a bug in llmcfg; run again with LLMCFG_DEBUG=1 for the traceback)\n"
    )
    assert "Traceback" in llmcfg_running(body, environment={"LLMCFG_DEBUG": "1"}).stderr


def test_trouble_with_a_file_is_no_bug_of_ours(llmcfg_running) -> None:
    done = llmcfg_running("def probe():\n    open('missing.yaml')\n")
    assert (done.stderr, done.returncode) == ("error: missing.yaml: No such file or directory\n", 1)


def test_an_interrupt_exits_130_and_says_nothing(llmcfg_running) -> None:
    done = llmcfg_running("def probe():\n    raise KeyboardInterrupt\n")
    assert (done.stderr, done.returncode) == ("", 130)


def test_an_interrupt_that_an_extension_module_makes_an_error_of_is_an_interrupt(llmcfg_running) -> None:
    body = (
        "import os, signal\n"
        "def probe():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt as error:\n"
        "        raise ValueError(f'a callback failed: {error}')\n"
    )
    done = llmcfg_running(body)
    assert (done.stderr, done.returncode) == ("", 130)


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["rules"], ["rules", "--help"], ["rules", "-o", "json"]]
)
def test_a_reader_that_went_away_ends_it_quietly_with_141(arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "llmcfg_cli", *arguments]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(write_end)
    assert (done.stderr, done.returncode) == (b"", 141)


def test_an_error_after_an_answer_that_nobody_reads_is_quiet_too(tmp_path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-c", _ANSWER_THEN_ERROR]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(write_end)
    assert (done.stderr, done.returncode) == (b"", 141)


_ANSWER_THEN_ERROR = """
import llmcfg_cli.entry as entry
from llmcfg.errors import FindingsError
from llmcfg_cli.console import out
def run(*_):
    out("answer")
    raise FindingsError("broken")
entry._run = run
entry.main()
"""


def test_a_full_disk_is_said_and_exits_1() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "llmcfg_cli", "rules", "-o", "json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_survived(closed: str) -> None:
    shell = f'"{sys.executable}" -m llmcfg_cli rules yaml-tab {closed}'
    assert subprocess.run(["sh", "-c", shell], capture_output=True, check=False, timeout=60).returncode == 0


PRINT_ENVIRONMENT = """
import os
def probe():
    print(*sorted(name for name in os.environ if name.startswith(("GIT_", "TYPER_"))))
"""


def test_variables_that_would_redirect_git_are_dropped_and_the_author_is_kept(llmcfg_running) -> None:
    hostile = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_PAGER"]
    hostile += ["GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_EXTERNAL_DIFF", "GIT_TRACE", "TYPER_USE_RICH"]
    environment = dict.fromkeys([*hostile, "GIT_AUTHOR_NAME", "GIT_COMMITTER_DATE", "GIT_SSH_COMMAND"], "1")
    done = llmcfg_running(PRINT_ENVIRONMENT, environment=environment)
    assert done.stdout.split() == ["GIT_AUTHOR_NAME", "GIT_COMMITTER_DATE", "GIT_SSH_COMMAND"]


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_text_outside_the_encoding_is_escaped_and_not_refused(llmcfg_running, locale: dict[str, str]) -> None:
    done = llmcfg_running("from llmcfg_cli.console import out\ndef probe():\n    out('\\u2603')\n", environment=locale)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout in ("☃\n", "\\u2603\n")


def test_control_characters_of_the_command_line_are_escaped(llmcfg) -> None:
    done = llmcfg("ru\x1b[31mles\n[red]")
    assert done.stderr.splitlines()[0] == r"error: no such command: llmcfg ru\x1b[31mles\n[red]"


@pytest.mark.parametrize("columns", ["1", "0", "10000", "x"])
def test_any_width_of_the_terminal_will_do(llmcfg, columns: str) -> None:
    for arguments in (["--help"], ["rules"], ["rules", "--help"]):
        done = llmcfg(*arguments, environment={"COLUMNS": columns})
        assert (done.stderr, done.returncode) == ("", 0)


_AN_END_IS_REGISTERED = """
import atexit, sys, threading
import llmcfg_cli.entry as entry
def run(*_):
    atexit.register(lambda: print("registered"))
    if sys.argv[1] == "thread":
        threading.Thread(target=lambda: (threading.Event().wait(0.2), print("waited for"))).start()
    print("answer")
    return 4
entry._run = run
entry.main()
"""


@pytest.mark.parametrize(("way", "said"), [("alone", ["registered"]), ("thread", ["waited for", "registered"])])
def test_a_process_ends_with_what_was_registered_for_its_end_and_after_its_threads(way: str, said: list[str]) -> None:
    command = [sys.executable, "-c", _AN_END_IS_REGISTERED, way]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.split("\n"), done.stderr, done.returncode) == (["answer", *said, ""], "", 4)


_SAID_BEFORE_CTRL_C = """
import llmcfg_cli.entry as entry
def run(*_):
    print("said", end="")
    raise KeyboardInterrupt
entry._run = run
entry.main()
"""


def test_what_was_said_before_ctrl_c_is_printed() -> None:
    command = [sys.executable, "-c", _SAID_BEFORE_CTRL_C]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("said", "", 130)
