"""The same policies under the reference: what the documentation shows is accepted by `opa`, and gives there what it gives here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from llmcfg.policies.answers import Asked
from llmcfg.policies.builtins import ALLOWED
from llmcfg.policies.evaluate import evaluate
from llmcfg.policies.loading import load_policies
from llmcfg.policies.testing import run_tests

OPA = shutil.which("opa") or ""
PAGE = Path(__file__).parents[2] / "docs" / "policies.md"

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not OPA, reason="opa is not on the PATH")]


def opa(*arguments: str | Path) -> str:
    done = subprocess.run([OPA, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shown_policies() -> dict[str, str]:
    """The modules that the page has people write."""
    found = re.findall(
        r"^\$ cat > (policies/\S+\.rego) <<'END'\n((?:>.*\n)+?)> END$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {
        file: "".join(f"{line.removeprefix('>').removeprefix(' ')}\n" for line in text.splitlines())
        for file, text in found
    }


def written(folder: Path, modules: dict[str, str]) -> Path:
    for file, text in modules.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def test_policies_of_the_page_are_accepted_and_their_tests_pass_under_both(tmp_path):
    modules = shown_policies()
    assert len(modules) >= 3
    folder = written(tmp_path, modules) / "policies"
    opa("check", "--strict", folder)
    opa("test", folder)
    ran = run_tests(load_policies({file: text.encode() for file, text in modules.items()}))
    assert ran.tests
    assert [tested for tested in ran.tests if tested.why] == []


def test_every_function_for_policies_is_one_of_rego():
    known = {each["name"] for each in json.loads(opa("capabilities", "--current"))["builtins"]}
    assert known >= ALLOWED


MODULE = """
package p

deny contains result if {
	some name, provider in input.config.providers
	not allowed_kind(provider.kind)
	result := {"message": sprintf("%s is of kind %v", [name, provider.kind]), "key": ["providers", name, "kind"]}
}

deny contains sprintf("%s costs %v", [name, provider.price]) if {
	some name, provider in input.config.providers
	provider.price > object.get(input, ["config", "cap"], 1)
}

deny contains sprintf("%v twice", [url]) if {
	urls := [provider.url | some provider in input.config.providers]
	some url in {each | some each in urls}
	count([1 | some other in urls; other == url]) > 1
}

warn contains concat("-", sort([name | some name; input.config.providers[name]])) if {
	every provider in input.config.providers {
		regex.match(`^https://`, provider.url)
		endswith(lower(provider.url), "/v1")
	}
}

warn_steps contains key.key if {
	some key in input.change.keys
	key.after > key.before * 1.5
}

allowed_kind(kind) if kind in {"openai", "azure"}

allowed_kind(kind) if startswith(kind, "custom-")
"""
INPUTS = [
    {},
    {"config": {"providers": {}}},
    {"config": {"providers": {"a": {"kind": "openai", "url": "https://a/V1", "price": 0.5}, "b": {"kind": "custom-x", "url": "https://b/v1"}}}},
    {"config": {"cap": 2e-7, "providers": {"a": {"kind": "x", "url": "http://a", "price": 3e-7}, "é": {"kind": "y", "url": "http://a"}}}},
    {"change": {"keys": [{"key": "a", "before": 10, "after": 16}, {"key": "b", "before": 10, "after": 15}, {"key": "c", "after": 5}]}},
]  # fmt: skip


@pytest.mark.parametrize("rule", ["deny", "warn", "warn_steps"])
def test_policy_gives_what_it_gives_under_opa(rule, tmp_path):
    written(tmp_path, {"p.rego": MODULE})
    evaluated = evaluate(Asked({"p.rego": MODULE}, [f"p/{rule}"], [json.dumps(each) for each in INPUTS]))
    assert evaluated.refusals == ()
    for at, given in enumerate(INPUTS):
        place = tmp_path / f"{at}.json"
        place.write_text(json.dumps(given))
        said = json.loads(opa("eval", "-d", tmp_path / "p.rego", "-i", place, f"data.p.{rule}"))
        theirs = said["result"][0]["expressions"][0]["value"]
        answer = evaluated.answers[at][0]
        assert answer.fault == ""
        assert sorted(map(json.dumps, answer.value)) == sorted(map(json.dumps, theirs)), given
