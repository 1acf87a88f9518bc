"""Text of a repository that tries to act: in every form in which a command shows it, it is shown and nothing more."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

import pytest

from llmcfg_cli.app import run as here
from support.hostile import HOSTILE, check_annotations, check_page, check_terminal
from support.terminal import Terminal
from support.written import CONSUMER, MANIFEST, WrittenRepository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

REFUSED = [text for text in HOSTILE if re.search("[\x1b\ud800]", text)]  # no document holds these
TEXTS = [text[:5000] for text in HOSTILE if text not in REFUSED]
KEYS = [
    "a|b`c",
    "::set-output name=x::y",
    "</details><img src=x>",
    "@everyone [evil](http://evil)",
    "##[error]x",
    "<!-- -->",
]
BRANCH = "feature|`c`<img>@everyone"
AUTHOR = "Mal\x1b[31m\u202e|`<img>##[error]x"
SUBJECT = "\x1b[31m##[error]x \u202e`|</b>@everyone\n\n::error::forged\n"
TAG = 'keys."</details><img src=x>"'
REGO = """
package llmcfg.hostile

# METADATA
# title: '##[error]x </details><img src=x>'
# custom: {severity: warning}
deny contains {"message": sprintf("%s %s", [key, input.config.texts.t0]), "path": ["keys", key]} if {
    some key, _ in input.config.keys
}
"""


def texts(mark: str) -> str:
    return "".join(f"t{at}: {json.dumps(text + mark)}\n" for at, text in enumerate(TEXTS))


def keys(value: int) -> str:
    return "".join(f"{json.dumps(key)}: {value}\n" for key in KEYS)


def commit(repository: WrittenRepository, files: dict[str, str]) -> None:
    for path, text in files.items():
        (repository.path / path).parent.mkdir(parents=True, exist_ok=True)
        (repository.path / path).write_text(text, newline="")
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", SUBJECT, GIT_AUTHOR_NAME=AUTHOR, GIT_AUTHOR_EMAIL=AUTHOR)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> WrittenRepository:
    """Two branches that meet, and a deployed environment, with nothing in it that is not hostile."""
    made = WrittenRepository(tmp_path_factory.mktemp("hostile") / "made", {
        "llmcfg.yaml": MANIFEST + "tenants: {acme: {}}\n",
        "base/moving.yaml": '"##[error]x": {"a|b`": 1}\n',
        "base/ref.yaml": "taken: '{{config:keys}}'\n",
        "policies/hostile.rego": REGO,
        "templates/all.j2": "{% for name in config.texts %}{{ config.texts[name] }}\n{% endfor %}{{ '\\x1b[31m' }}\n",
        "consumers/api.yaml": CONSUMER + "outputs: [{path: all.txt, template: templates/all.j2}]\n",
    })  # fmt: skip
    commit(made, {"base/texts.yaml": texts(""), "base/keys.yaml": keys(1)})
    made.git("branch", BRANCH)
    commit(made, {"environments/prod/texts.yaml": texts(" two"), "environments/prod/keys.yaml": keys(2)})
    made.git("checkout", "-q", BRANCH)
    commit(made, {"base/texts.yaml": texts(" three"), "base/keys.yaml": keys(3)})
    made.git("checkout", "-q", "main")
    made.git("tag", f"{BRANCH}t")
    assert run(made.path, "apply", "-e", "prod", "--yes").code == 0
    return made


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def run(folder: Path, *arguments: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "llmcfg_cli", *arguments],
        cwd=folder,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LLMCFG_AS_OF": "2026-11-25"},
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


SHOWN: list[tuple[Sequence[str], int, Sequence[str]]] = [
    (("bisect", "texts.t1", "-e", "prod", "--is", json.dumps(f"{TEXTS[1]} two")), 0, ("json",)),
    (("diff", "HEAD~1", "HEAD"), 0, ("md", "json")),
    (("explain", "texts.t1", "-e", "prod"), 0, ("json",)),
    (("history", "texts.t2", "-e", "prod"), 0, ("json",)),
    (("impact", TAG), 0, ("json",)),
    (("list", "texts", "-e", "prod"), 0, ("json",)),
    (("merge-check", "main", BRANCH), 6, ("md", "json", "github")),
    (("parity", "dev", "prod"), 0, ("md", "json")),
    (("plan", "-e", "prod", "--at", BRANCH), 0, ("md", "json")),
    (("policy", "eval", "-e", "prod"), 0, ("json",)),
    (("refactor", "mv", 'moving."##[error]x"', 'moving."</b>##[error]y"', "--dry-run"), 0, ("json",)),
    (("tag",), 0, ("json",)),
    (("tree", "-e", "prod"), 0, ()),
    (("verify",), 0, ("json",)),
]
FORMS = [(command, code, form) for command, code, forms in SHOWN for form in ("table", *forms)]


@pytest.mark.parametrize(("command", "code", "form"), FORMS, ids=[f"{each[0][0]}-{each[2]}" for each in FORMS])
def test_nothing_of_a_repository_acts_where_a_command_shows_it(repository, command, code, form, capsys) -> None:
    assert here([*command, "-C", str(repository.path), *([] if form == "table" else ["-o", form])]) == code
    said, beside = capsys.readouterr()
    assert said
    check_terminal(beside)
    if form == "github":
        check_annotations(said)
        return
    check_terminal(said)
    if form == "json":
        assert json.loads(said)["apiVersion"] == "llmcfg.dev/v1"
    if form == "md":
        check_page(said)
        rows = [len(re.findall(r"(?<!\\)\|", line)) for line in said.split("\n") if line.startswith("| ")]
        assert len({*rows}) <= 1, said


@pytest.mark.parametrize("arguments", [
    ("bisect", "texts.t0", "-e", "prod", "--test", "printf '\\033[31m\\n  ::error::forged' >&2; exit 200"),
    ("diff", "nope\x1b[31m\n::error::x"),
    ("get", 'keys."\u202e##[error]"', "-e", "prod"),
    ("merge-check", "main", "##[error]\u202e"),
    ("parity", "dev", "\n::error::x"),
    ("verify", "--range", "\x1b[31m..\n::error::x"),
    ("refactor", "mv", "texts", "\n::error::x"),
    ("impact", "texts.\u202e"),
    ("validate", "\x1b[31m\n::error::x"),
])  # fmt: skip
def test_nothing_that_was_typed_acts_in_the_error_that_answers_it(repository, arguments) -> None:
    ran = run(repository.path, *arguments)
    assert ran.code in (1, 2, 7)
    assert ran.out == ""
    assert "error: " in ran.err
    check_terminal(ran.err)


@pytest.mark.parametrize("form", ["table", "github", "json", "sarif", "junit"])
def test_names_and_texts_that_are_refused_do_not_act_in_the_findings_that_say_so(tmp_path, form) -> None:
    names = ["::error::x", "a|b", "<img src=x>", "##[error]x", "\x1b[31m", "\u202eevil"]
    refused = {f"base/n/{name}.yaml": "a: 1\n" for name in names}
    refused |= {f"base/t{at}.yaml": f"a: {json.dumps(text)}\nb: *{names[at]}\n" for at, text in enumerate(REFUSED)}
    made = WrittenRepository(tmp_path / "made", {"consumers/api.yaml": CONSUMER})
    commit(made, refused)
    ran = run(made.path, "validate", "-o", form)
    assert ran.code == 4
    check_terminal(ran.err)
    (check_annotations if form == "github" else check_terminal)(ran.out)
    if form in ("json", "sarif"):
        assert json.loads(ran.out)
    if form == "junit":
        ElementTree.fromstring(ran.out)


@pytest.mark.parametrize("arguments", [
    ("render", "files/all.txt", "-e", "prod", "-t", "_shared", "-c", "api"),
    ("diff", "HEAD~1", "HEAD", "-o", "patch"),
    ("get", "texts.t7", "-e", "prod"),
])  # fmt: skip
def test_what_programs_read_as_it_is_does_not_act_on_a_terminal(repository, arguments) -> None:
    # Dumb, since progress, which a busy machine gets to show, moves the cursor.
    environment = {"NO_COLOR": "1", "TERM": "dumb", "HOME": "/nonexistent"}
    shown = Terminal([*arguments], repository.path, environment).end().shown
    assert shown
    assert not re.search("[\x1b\u202e]", shown)
