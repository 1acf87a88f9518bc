"""The worker process: it may die, hang or write junk, and the batch goes on."""

from __future__ import annotations

import os
import resource
import signal

import pytest

from llmcfg.pipeline.templates.engine import Engine
from llmcfg.pipeline.templates.render import Budget, RenderRequest, render_with

from .target import CONTEXT

TEMPLATES = {"good.j2": b"good", "bad.j2": b"bad"}
BUDGET = Budget(wall_seconds=0.5)
ORDER = ["good.j2", "bad.j2", "good.j2"]


class Troubled(Engine):
    """Runs `trouble` in the worker before it renders bad.j2."""

    def __init__(self, trouble) -> None:
        super().__init__(TEMPLATES, 1000)
        self.trouble = trouble

    def render(self, request):
        if request.template == "bad.j2":
            self.trouble()
        return super().render(request)


def outcomes(trouble, budget=BUDGET):
    requests = [RenderRequest(name, "text", CONTEXT) for name in ORDER]
    answers = render_with(lambda: Troubled(trouble), requests, TEMPLATES, budget)
    return [answer.text or answer.problems[0].rule for answer in answers]


def write_junk(junk):
    for number in range(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
        try:
            os.write(number, junk)
        except OSError:
            continue
        return


@pytest.mark.fault("T14")
def test_a_worker_that_is_killed_is_tried_once_more(tmp_path):
    mark = tmp_path / "was-here"

    def die_once():
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    assert outcomes(die_once) == [b"good", b"bad", b"good"]
    assert mark.exists()


@pytest.mark.fault("T14")
def test_a_worker_that_always_dies_costs_one_answer():
    assert outcomes(lambda: os.kill(os.getpid(), signal.SIGKILL)) == [b"good", "template-worker", b"good"]


def test_a_worker_that_leaves_in_silence_costs_one_answer():
    assert outcomes(lambda: os._exit(0)) == [b"good", "template-worker", b"good"]


@pytest.mark.fault("T14")
def test_a_worker_that_hangs_is_killed():
    assert outcomes(lambda: os.kill(os.getpid(), signal.SIGSTOP)) == [b"good", "template-worker", b"good"]


@pytest.mark.fault("T14")
def test_junk_on_the_pipe_is_no_answer():
    assert outcomes(lambda: write_junk(b"\0\0\0\3junk")) == [b"good", "template-worker", b"good"]
    assert outcomes(lambda: write_junk(b"\xff\xff\xff\xff")) == [b"good", "template-worker", b"good"]


def test_an_error_of_our_own_costs_one_answer():
    def fail():
        raise AssertionError

    assert outcomes(fail) == [b"good", "template-worker", b"good"]


def test_answers_larger_than_a_pipe_arrive(render):
    answer = render("{% for n in range(900) %}{{ 'x' * 1000 }}{% endfor %}", budget=Budget())
    assert answer.text == b"x" * 900_000


def test_a_worker_has_none_of_its_parents_files(tmp_path):
    opened = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)

    def must_be_closed():
        try:
            os.fstat(opened)
        except OSError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    assert outcomes(must_be_closed) == [b"good", b"bad", b"good"]
    os.close(opened)


def test_no_worker_is_left_behind(render):
    for text in ("x", "{{ 'a'.ljust(10**10) }}"):
        render(text)
    try:
        left = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        left = (0, 0)
    assert left == (0, 0)


def test_an_empty_batch_has_no_answers():
    assert render_with(lambda: Engine({}, 1000), [], {}, BUDGET) == ()
