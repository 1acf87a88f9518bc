"""stdout, stderr, colour, questions and progress, without a terminal and on one."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest


def on_terminal(code: str, answer: str = "", **environment: str) -> str:
    """What a person sees who runs `code` on a terminal and types `answer`."""
    leader, follower = pty.openpty()
    os.write(leader, answer.encode())
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-c", f"from llmcfg_cli.console import *\nimport time\n{code}"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**clean, "TERM": "xterm", **environment},
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        seen += chunk
    os.close(leader)
    assert process.wait(60) == 0
    return seen.decode().replace("\r\n", "\n")


def without_terminal(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from llmcfg_cli.console import *\n{code}"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )


def test_the_answer_goes_to_stdout_and_the_rest_to_stderr() -> None:
    done = without_terminal(
        "out('answer'); note('remark'); note('quiet', quiet=True); out(''); report_error('bad', 'mend')"
    )
    assert (done.stdout, done.stderr) == ("answer\n", "remark\nerror: bad\nhint: mend\n")


def test_both_streams_show_in_the_order_in_which_they_were_written() -> None:
    command = [sys.executable, "-c", "from llmcfg_cli.console import *\nout('1'); note('2'); out('3')"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, timeout=60)
    assert done.stdout == "1\n2\n3\n"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(environment: dict[str, str], coloured: bool) -> None:
    assert on_terminal("print(has_colour(), has_colour(sys.stderr))", **environment) == f"{coloured} {coloured}\n"
    assert ("\x1b[" in on_terminal("report_error('bad')", **environment)) is coloured


def test_there_is_no_colour_without_a_terminal() -> None:
    assert without_terminal("print(has_colour())").stdout == "False\n"


@pytest.mark.fault("A26", "O07")
def test_data_in_errors_cannot_act_on_the_terminal() -> None:
    assert without_terminal("report_error('\\x1b]0;owned\\x07 [red]')").stderr == "error: \\x1b]0;owned\\x07 [red]\n"


@pytest.mark.parametrize(
    ("answer", "agreed"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("yy\n", False)]
)
def test_a_question_takes_no_for_an_answer(answer: str, agreed: bool) -> None:
    seen = on_terminal("print(ask('apply 3 changes?'))", answer)
    assert "apply 3 changes? [y/N] " in seen
    assert seen.endswith(f"{agreed}\n")


@pytest.mark.parametrize(("answer", "agreed"), [("prod\n", True), ("prd\n", False), ("y\n", False), ("\n", False)])
def test_a_protected_environment_wants_its_name(answer: str, agreed: bool) -> None:
    seen = on_terminal("print(confirm_environment('prod'))", answer)
    assert "prod is protected; type its name to go on: " in seen
    assert seen.endswith(f"{agreed}\n")


@pytest.mark.parametrize("question", ["ask('go?')", "confirm_environment('prod')", "ask('go?', option='--force')"])
def test_without_a_terminal_a_question_names_the_option_that_answers_it(question: str) -> None:
    code = f"from llmcfg.errors import UsageError\ntry:\n    {question}\nexcept UsageError as error:\n    print(error.hint)"
    option = "--force" if "--force" in question else "--yes"
    assert without_terminal(code).stdout == f"pass {option} to go on\n"


def test_progress_counts_on_a_terminal_and_leaves_nothing_behind() -> None:
    seen = on_terminal(
        "from llmcfg.model.progress import Progress\nwork = Progress()\n"
        "with progress('building', work, delay=0):\n"
        "    for _ in work.over('reading documents', range(1200)): time.sleep(0.0005)\nprint('done')"
    )
    assert re.search(r"\r\x1b\[K. reading documents [\d,]+ of 1,200", seen), seen
    assert seen.endswith("\r\x1b[Kdone\n")


def test_progress_without_a_count_says_what_is_done() -> None:
    seen = on_terminal("with progress('building', delay=0):\n    time.sleep(0.3)\nprint('done')")
    assert seen.startswith("\r\x1b[K| building")
    assert seen.endswith("\r\x1b[Kdone\n")


def test_nothing_moves_while_a_question_waits_in_the_middle_of_work() -> None:
    code = """
with progress('building', delay=0):
    time.sleep(0.3)
    with undisturbed():
        said = input('go? ')
        time.sleep(0.3)
        print('said', said)
    time.sleep(0.3)
"""
    seen = on_terminal(code, "yes\n")
    before, _, after = seen.partition("go? ")
    assert before.endswith("\r\x1b[K")
    asked, _, later = after.partition("said yes\n")
    assert asked == ""
    assert "building" in later


@pytest.mark.parametrize("question", ["ask('go?')", "ask_text('go?', option='--yes')"])
def test_a_question_keeps_the_line_for_itself(question: str) -> None:
    code = f"with progress('building', delay=0):\n    time.sleep(0.3)\n    {question}"
    assert re.search(r"building\r\x1b\[Kgo\?", on_terminal(code, "yes\n"))


def test_an_interrupt_erases_what_moved() -> None:
    code = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with progress('building', delay=0):
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
except KeyboardInterrupt:
    print('interrupted')
"""
    assert on_terminal(code).endswith("\r\x1b[Kinterrupted\n")


@pytest.mark.parametrize("call", ["progress('building', delay=60)", "progress('building', delay=0, quiet=True)"])
def test_progress_is_silent_for_short_work_and_when_quiet(call: str) -> None:
    assert on_terminal(f"with {call}:\n    pass") == ""


def test_progress_is_silent_without_a_terminal() -> None:
    done = without_terminal("import time\nwith progress('building', delay=0):\n    time.sleep(0.05)")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_without_a_terminal_nothing_is_counted_and_nothing_loaded_to_count() -> None:
    code = "import sys\nwith progress('building'):\n    print('llmcfg.model.progress' in sys.modules)"
    assert without_terminal(code).stdout == "False\n"


def test_progress_passes_errors_on() -> None:
    assert "ValueError: bad" in without_terminal("with progress('building'):\n    raise ValueError('bad')").stderr
