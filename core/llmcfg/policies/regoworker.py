"""The child that runs policies: forked, without files, network or environment, and limited. The one door to the engine, regopy.

It reads one frame with all that is asked and writes a frame with what the engine refuses in the modules, then one for each rule on
each input, in order. The first that is missing is the one at which it ended. Inputs go in as text and not as values, which the engine
would round to six digits.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import signal
from typing import TYPE_CHECKING, Any, Final, NoReturn

from llmcfg.confined import BROKEN, OUT_OF_MEMORY, leave_parent, limit, lower, read_frame, write_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.policies.answers import Budget

_ERROR: Final = re.compile(r"\(error (\d+):")
_LOAD_SECONDS: Final = 10


def work(budget: Budget, asked: int, answering: int) -> NoReturn:
    status = BROKEN
    try:
        asked, answering = leave_parent(asked, answering)
        os.environ.clear()
        from regopy import Interpreter

        body = read_frame(asked)
        if body is not None:
            modules, entrypoints, inputs = json.loads(body)
            seconds = _LOAD_SECONDS + budget.cpu_seconds * (len(inputs) + 1)
            limit(memory=budget.memory, cpu_seconds=math.ceil(seconds))
            lower(resource.RLIMIT_NOFILE, 0)
            signal.setitimer(signal.ITIMER_PROF, _LOAD_SECONDS)
            _run(Interpreter(), modules, entrypoints, inputs, budget, answering)
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _run(
    engine: Any, modules: dict[str, str], entrypoints: Sequence[str], inputs: Sequence[str], budget: Budget, pipe: int
) -> None:
    engine.strict_built_in_errors = True
    bundle, refusals = _load(engine, modules, entrypoints)
    _send(pipe, refusals, budget)
    for text in inputs if bundle is not None else ():
        signal.setitimer(signal.ITIMER_PROF, budget.cpu_seconds)
        engine.set_input_term(text)
        for entrypoint in entrypoints:
            _send(pipe, _answer(engine, bundle, entrypoint), budget)


def _load(engine: Any, modules: dict[str, str], entrypoints: Sequence[str]) -> tuple[Any, list[tuple[str, str, int]]]:
    from regopy import RegoError

    refusals: list[tuple[str, str, int]] = []
    for file, text in modules.items():
        try:
            engine.add_module(file, text)
        except RegoError as error:
            refusals += list(_refusals(str(error))) or [(file, "the engine does not take it", 0)]
    if refusals:
        return None, refusals
    try:
        return engine.build(None, entrypoints), []
    except RegoError as error:
        return None, list(_refusals(str(error))) or [("", str(error).splitlines()[0][:200], 0)]


def _refusals(text: str) -> Iterator[tuple[str, str, int]]:
    """The errors in what the engine says: `(error 6:m.rego|44|1 (errormsg 24:Invalid …)`, texts with their length before them."""
    for match in _ERROR.finditer(text):
        end = match.end() + int(match[1])
        place = re.match(r"\|(\d+)\|", text[end:])
        said = re.search(r"\(errormsg (\d+):", text[end:])
        if place and said:
            start = end + said.end()
            yield text[match.end() : end], text[start : start + int(said[1])], int(place[1])


def _answer(engine: Any, bundle: Any, entrypoint: str) -> tuple[Any, str]:
    """The value and no fault, or a fault. The engine's answer is text that is JSON unless something went wrong in it."""
    from regopy import RegoError

    try:
        output = engine.query_bundle_entrypoint(bundle, entrypoint)
    except (RegoError, ValueError):
        return None, "the engine could not evaluate it"
    if not output.ok():
        return None, "a function in it failed"
    found = output.results[0].expressions if output.results else []
    return (found[0] if found else None), ""


def _send(pipe: int, said: Any, budget: Budget) -> None:
    body = json.dumps(said).encode()
    if len(body) > budget.output_bytes:
        body = json.dumps([None, f"it gives more than {budget.output_bytes >> 10} KiB", True]).encode()
    write_frame(pipe, body)
