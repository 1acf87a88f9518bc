"""The format of sessions: text to steps, expected output to a pattern, and back. Pure; README.md here is its manual."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EXIT: Final = re.compile(r"\[exit (\d+)\]")
_NAME: Final = re.compile(r"<([a-z][a-z0-9-]*)>")
_FENCE: Final = re.compile(r"(`{3,})console(?: (.*))?")


class Step(NamedTuple):
    """One command with what it should print. `first` and `last` are the lines of the file (from 0, half open) that hold the answer."""

    command: str
    expected: tuple[str, ...]
    exit_code: int
    first: int
    last: int


class Session(NamedTuple):
    """Steps that share one directory. `repository` is the folder to start with, from the project's root; empty starts empty."""

    repository: str
    steps: tuple[Step, ...]


class Answer(NamedTuple):
    output: str
    exit_code: int


def parse_session(text: str) -> Session:
    lines = text.splitlines()
    before = [line for line in lines[: _first_command(lines)] if line.startswith("# repository=")]
    repository = before[0].partition("=")[2].strip() if before else ""
    return Session(repository, tuple(_steps(lines, 0, len(lines))))


def parse_documentation(text: str) -> list[Session]:
    """The sessions of a Markdown page. A `console` block goes on where the block before it ended; `console new` starts afresh."""
    lines = text.splitlines()
    sessions: list[Session] = []
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at].strip())
        at += 1
        if fence is None:
            continue
        end = next(index for index in range(at, len(lines)) if lines[index].strip() == fence[1])
        steps = tuple(_steps(lines, at, end))
        words = (fence[2] or "").split()
        repository = next((word.partition("=")[2] for word in words if word.startswith("repository=")), "")
        if words or not sessions:
            sessions.append(Session(repository, steps))
        else:
            sessions[-1] = sessions[-1]._replace(steps=sessions[-1].steps + steps)
        at = end + 1
    return sessions


def match(step: Step, answer: Answer, known: Mapping[str, str]) -> dict[str, str] | None:
    """The names that the answer gives a value to, or None when it is not what the step expects."""
    if step.exit_code != answer.exit_code:
        return None
    pattern = _pattern(step.expected, known)
    matched = re.fullmatch(pattern, "".join(f"{line}\n" for line in _shown(answer.output)))
    if matched is None:
        return None
    return {name.replace("_", "-"): value for name, value in matched.groupdict().items()}


def fill(command: str, known: Mapping[str, str]) -> str:
    """The command with the known names replaced by their values."""
    return _NAME.sub(lambda name: known.get(name[1], name[0]), command)


def written(answer: Answer, known: Mapping[str, str]) -> list[str]:
    """The answer as a session's author would write it: known values by name, the exit code at the end."""
    lines = _shown(answer.output)
    for name, value in sorted(known.items(), key=lambda item: -len(item[1])):
        if len(value) >= 7:
            lines = [line.replace(value, f"<{name}>") for line in lines]
    return lines + ([f"[exit {answer.exit_code}]"] if answer.exit_code else [])


def rewrite(text: str, answers: Sequence[tuple[Step, Sequence[str]]]) -> str:
    """`text` with the answers of these steps replaced."""
    lines = text.splitlines()
    for step, replacement in sorted(answers, key=lambda item: -item[0].first):
        lines[step.first : step.last] = replacement
    return "\n".join(lines) + "\n"


def _first_command(lines: Sequence[str]) -> int:
    return next((at for at, line in enumerate(lines) if line.startswith("$ ")), len(lines))


def _steps(lines: Sequence[str], start: int, end: int) -> list[Step]:
    steps: list[Step] = []
    at = start + _first_command(lines[start:end])
    while at < end:
        command = [lines[at][2:]]
        at += 1
        while at < end and (lines[at].startswith("> ") or lines[at] == ">"):
            command.append(lines[at][2:])
            at += 1
        following = at + _first_command(lines[at:end])
        steps.append(_step("\n".join(command), lines, at, _end_of_answer(lines, at, following)))
        at = following
    return steps


def _end_of_answer(lines: Sequence[str], first: int, following: int) -> int:
    """Without the blank line and comment that may stand before the next command."""
    end = following
    for at in range(following - 1, first - 1, -1):
        if not lines[at]:
            end = at
        elif not lines[at].startswith("#"):
            break
    return end


def _step(command: str, lines: Sequence[str], first: int, last: int) -> Step:
    expected = list(lines[first:last])
    code = _EXIT.fullmatch(expected[-1]) if expected else None
    if code:
        expected.pop()
    return Step(command, tuple(expected), int(code[1]) if code else 0, first, last)


def _pattern(expected: Sequence[str], known: Mapping[str, str]) -> str:
    named: set[str] = set()
    return "".join("(?:.*\n)*?" if line == "..." else _line_pattern(line.rstrip(), known, named) for line in expected)


def _line_pattern(line: str, known: Mapping[str, str], named: set[str]) -> str:
    parts, end = [], 0
    for name in _NAME.finditer(line):
        parts += [re.escape(line[end : name.start()]), _name_pattern(name[1], known, named)]
        end = name.end()
    return "".join(parts) + re.escape(line[end:]) + "\n"


def _name_pattern(name: str, known: Mapping[str, str], named: set[str]) -> str:
    if name == "any":
        return ".*?"
    if name in known:
        return re.escape(known[name])
    group = name.replace("-", "_")
    if name in named:
        return f"(?P={group})"
    named.add(name)
    return rf"(?P<{group}>\S+)"


def _shown(output: str) -> list[str]:
    return [line.rstrip() for line in output.rstrip().splitlines()]
