"""What no module of ours may do, found in the syntax tree of every source file. Each ban is shown to bite on a line that breaks it.

A ban is a function from a node to what is wrong with it, or None. Names are resolved through the module's imports, so
`from jinja2 import Environment as E; E()` is seen as `jinja2.Environment()`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import llmcfg
import llmcfg_cli

PACKAGES = {module.__name__: Path(module.__file__ or "").parent for module in (llmcfg, llmcfg_cli)}

# Where the wall clock is read: its own module, the adapter that stamps commits and tells the age of locks, and what answers before that
# module could be loaded. Everything else is given a time.
CLOCK_DOORS = ("llmcfg.clock", "llmcfg.git", "llmcfg_cli.unchanged")

Names = Mapping[str, str]
Ban = Callable[[ast.Call, str], bool]  # the call, and the dotted name of what it calls

UNSAFE_YAML = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}
WALL_CLOCKS = re.compile(
    r"(datetime\.)*(datetime\.(now|utcnow|today)|date\.today)|time\.(time|time_ns|localtime|gmtime|ctime)"
)
SCHEMA_ENTRIES = re.compile(
    r"jsonschema(\.\w+)*\.(validate|Draft\w*Validator)|jsonschema_rs\.(validate|is_valid|iter_errors|validator_for|Draft\w*Validator)"
)


HINTS = {"llmcfg.model.findings.Problem": 4, "llmcfg.model.findings.Finding": 3}
"""Where the hint stands among the arguments of what says that something is wrong with a configuration."""


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg in names), None)


def is_false(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is False)


def moves_a_ref_by_force(call: ast.Call, name: str) -> bool:
    creates = name.endswith(
        ("references.create", ".create_reference", ".create_branch", "branches.create", "branches.local.create")
    )
    return creates and (len(call.args) > 2 or not is_false(keyword(call, "force")))


def touches_the_work_tree_or_head(_call: ast.Call, name: str) -> bool:
    return re.search(r"\.(checkout(_head|_index|_tree)?|set_head|reset|stash)$", name) is not None


def loads_yaml_unsafely(_call: ast.Call, name: str) -> bool:
    return name.startswith("yaml.") and name.removeprefix("yaml.") in UNSAFE_YAML


def renders_outside_the_sandbox(_call: ast.Call, name: str) -> bool:
    return (
        re.fullmatch(r"jinja2(\.\w+)*\.(Environment|NativeEnvironment|SandboxedEnvironment|Template)", name) is not None
    )


def unpickles(_call: ast.Call, name: str) -> bool:
    return re.match(r"(pickle|cPickle|marshal|shelve|dill)\.", name) is not None


def runs_text_as_a_program(call: ast.Call, name: str) -> bool:
    shell = keyword(call, "shell")
    return not is_false(shell) or name in {"eval", "exec", "os.system", "os.popen", "subprocess.getoutput"}


def follows_schema_references_anywhere(call: ast.Call, name: str) -> bool:
    closed = keyword(call, "registry", "retriever") is not None or not is_false(keyword(call, "offline"))
    return SCHEMA_ENTRIES.fullmatch(name) is not None and not closed


def reads_the_wall_clock(_call: ast.Call, name: str) -> bool:
    return WALL_CLOCKS.fullmatch(name) is not None


def finds_fault_without_a_next_step(call: ast.Call, name: str) -> bool:
    position = HINTS.get(name)
    if position is None or keyword(call, "hint") is not None:
        return False
    spread = any(isinstance(argument, ast.Starred) for argument in call.args)  # line and column
    return len(call.args) + spread <= position


def prints(_call: ast.Call, name: str) -> bool:
    return name in {"print", "input"}


EVERYWHERE: tuple[Ban, ...] = (
    moves_a_ref_by_force,
    touches_the_work_tree_or_head,
    loads_yaml_unsafely,
    renders_outside_the_sandbox,
    unpickles,
    runs_text_as_a_program,
    follows_schema_references_anywhere,
    reads_the_wall_clock,
    finds_fault_without_a_next_step,
)
IN_CORE: tuple[Ban, ...] = (prints,)


def violations(source: str, bans: tuple[Ban, ...]) -> list[str]:
    tree = ast.parse(source)
    names = imported_names(tree)
    return [
        f"line {node.lineno}: {dotted(node.func, names)}() {ban.__name__.replace('_', ' ')}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for ban in bans
        if ban(node, dotted(node.func, names))
    ]


def imported_names(tree: ast.AST) -> Names:
    """What each name that an import binds, at any level of the module, stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {(item.asname or item.name): item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {(item.asname or item.name): f"{node.module}.{item.name}" for item in node.names}
    return names


def dotted(node: ast.expr, names: Names) -> str:
    """`a.b.c` of a call's function. `?` stands for what no import binds: a variable named `yaml` is not the module."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        is_variable = isinstance(node.value, ast.Name) and node.value.id not in names
        return f"{'?' if is_variable else dotted(node.value, names)}.{node.attr}"
    return "?"


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join([package, *parts]).removesuffix(".__init__"), path


def bans_of(module: str) -> tuple[Ban, ...]:
    is_clock = any(module == door or module.startswith(f"{door}.") for door in CLOCK_DOORS)
    bans = EVERYWHERE + (IN_CORE if module.startswith("llmcfg.") else ())
    return tuple(ban for ban in bans if not (is_clock and ban is reads_the_wall_clock))


def test_no_module_does_what_is_banned() -> None:
    found = [
        f"{module} {violation}"
        for module, path in modules()
        for violation in violations(path.read_text(encoding="utf-8"), bans_of(module))
    ]
    assert found == []


def test_the_search_sees_both_packages() -> None:
    seen = {module for module, _ in modules()}
    assert {"llmcfg.model.value", "llmcfg.errors", "llmcfg_cli"} <= seen


@pytest.mark.parametrize(
    ("ban", "source"),
    [
        (moves_a_ref_by_force, "repo.references.create(name, target, force=True)"),
        (moves_a_ref_by_force, "repo.references.create(name, target, True)"),
        (moves_a_ref_by_force, "self._repo.create_reference(name, target, force=overwrite)"),
        (touches_the_work_tree_or_head, "repo.checkout('main')"),
        (touches_the_work_tree_or_head, "repo.checkout_tree(tree)"),
        (loads_yaml_unsafely, "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)"),
        (loads_yaml_unsafely, "from yaml import unsafe_load as read\nread(text)"),
        (renders_outside_the_sandbox, "import jinja2\njinja2.Environment()"),
        (renders_outside_the_sandbox, "def f():\n    from jinja2 import Template\n    return Template('x')"),
        (renders_outside_the_sandbox, "from jinja2.sandbox import SandboxedEnvironment as Safe\nSafe()"),
        (unpickles, "import pickle\npickle.loads(b'')"),
        (unpickles, "from marshal import loads\nloads(b'')"),
        (runs_text_as_a_program, "subprocess.run('ls', shell=True)"),
        (runs_text_as_a_program, "import os\nos.system('ls')"),
        (runs_text_as_a_program, "eval('1')"),
        (follows_schema_references_anywhere, "import jsonschema\njsonschema.validate(1, {})"),
        (follows_schema_references_anywhere, "from jsonschema import Draft202012Validator as V\nV({})"),
        (follows_schema_references_anywhere, "import jsonschema_rs\njsonschema_rs.validator_for({})"),
        (reads_the_wall_clock, "import datetime\ndatetime.datetime.now()"),
        (reads_the_wall_clock, "from datetime import datetime\ndatetime.now(UTC)"),
        (reads_the_wall_clock, "import time\ntime.time()"),
        (finds_fault_without_a_next_step, "from llmcfg.model.findings import Problem\nProblem('rule', 'text', 1, 2)"),
        (finds_fault_without_a_next_step, "from llmcfg.model.findings import Problem\nProblem('rule', 'text', *place)"),
        (finds_fault_without_a_next_step, "from llmcfg.model.findings import Finding as F\nF('rule', 'text', origin)"),
        (prints, "print('x')"),
    ],
)
def test_the_ban_bites(ban: Ban, source: str) -> None:
    assert len(violations(source, (ban,))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "repo.references.create(name, target)",
        "repo.references.create(name, target, force=False)",
        "from jinja2.sandbox import ImmutableSandboxedEnvironment as E\nE(undefined=StrictUndefined)",
        "from jsonschema import Draft202012Validator as V\nV({}, registry=registry)",
        "import jsonschema_rs\njsonschema_rs.validator_for({}, retriever=refuse)",
        "import jsonschema_rs\njsonschema_rs.Draft202012Validator({}, offline=True)",
        "import time\ntime.monotonic()",
        "from llmcfg.model.findings import Problem\nProblem('rule', 'text', *place, hint)",
        "from llmcfg.model.findings import Finding\nFinding('rule', 'text', origin, hint='mend it')",
        "subprocess.run(['git', 'fetch'], shell=False)",
        "import yaml\nyaml.parse(text, Loader=yaml.CParser)",
        "from ruamel.yaml import YAML\nyaml = YAML()\nyaml.load(text)",
    ],
)
def test_the_right_way_is_not_banned(source: str) -> None:
    assert violations(source, EVERYWHERE + IN_CORE) == []
