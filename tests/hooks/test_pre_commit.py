"""The hooks for pre-commit, run by pre-commit itself where it is installed; and what they are, where it is not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from llmcfg.documents.loader import load_document
from llmcfg.documents.writer import write_yaml

from .conftest import PROGRAM

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
TOKEN = "sk-proj-" + "Zk3Jq8sLx92hTbVwQm5Rn7Yc" * 3
LITELLM = """\
model_list:
  - model_name: chat
    litellm_params: {model: openai/gpt-5.6, api_key: os.environ/OPENAI_API_KEY}
router_settings:
  fallbacks: [{chat: [chaep]}]
"""
FILES = {
    "llmcfg.yaml": "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: shop\nenvironments: {dev: {}}\n",
    "base/limits.yaml": "rpm: 10\n",
    "mcp.json": '{"mcpServers": {}}\n',
}
CHANGES = {
    "llmcfg-validate": ("base/limits.yaml", "rpm: '{{config:limits.nothing}}'\n", "reference-missing"),
    "llmcfg-fmt": ("base/limits.yaml", "rpm:   10  \n", "files were modified by this hook"),
    "llmcfg-secrets": ("notes.txt", f"key: {TOKEN}\n", "secret-plaintext"),
    "llmcfg-lint": ("litellm.yaml", LITELLM, "LLM022"),
}


def hooks():
    """The hooks that the manifest holds, which is a list and no document."""
    document = load_document(b"hooks:\n" + MANIFEST.read_bytes()).document
    assert document is not None
    return document.value["hooks"]


def test_every_hook_runs_a_command_that_is_there(bare_clone):
    for hook in hooks():
        words = hook["entry"].split()
        names = [word for word in words[1:] if not word.startswith("-")]
        assert words[0] == "llmcfg"
        assert f"llmcfg {' '.join(names)}" in bare_clone.llmcfg(*names, "--help")
    assert {hook["id"] for hook in hooks()} == {*CHANGES}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("base/limits.yaml", {"llmcfg-validate", "llmcfg-fmt", "llmcfg-secrets"}),
        ("config/tenants/acme/x.yml", {"llmcfg-validate", "llmcfg-fmt", "llmcfg-secrets"}),
        ("base/secrets/providers.yaml", {"llmcfg-validate", "llmcfg-secrets"}),
        (".github/workflows/ci.yml", {"llmcfg-validate", "llmcfg-secrets"}),
        ("litellm-config.yaml", {"llmcfg-validate", "llmcfg-secrets", "llmcfg-lint"}),
        (".mcp.json", {"llmcfg-validate", "llmcfg-secrets", "llmcfg-lint"}),
        ("README.md", {"llmcfg-secrets"}),
    ],
)
def test_a_hook_looks_at_the_files_that_it_knows(path, names):
    def takes(hook):
        left_out = "exclude" in hook and re.search(hook["exclude"], path)
        return bool(re.search(hook.get("files", ""), path)) and not left_out

    assert {hook["id"] for hook in hooks() if takes(hook)} == names


@pytest.fixture
def shop(bare_clone):
    """A repository with the hooks as pre-commit runs them, by the llmcfg that is here instead of one of its own."""
    if shutil.which("pre-commit") is None:
        pytest.skip("there is no pre-commit")
    here = [
        {**hook, "language": "system", "entry": hook["entry"].replace("llmcfg", str(PROGRAM), 1)} for hook in hooks()
    ]
    bare_clone.write(".pre-commit-config.yaml", write_yaml({"repos": [{"repo": "local", "hooks": here}]}))
    for path, text in FILES.items():
        bare_clone.write(path, text)
    bare_clone.run("pre-commit", "install")
    bare_clone.commit("start")
    return bare_clone


@pytest.mark.parametrize("name", CHANGES)
def test_each_hook_stops_a_commit_that_it_is_for(shop, name):
    path, text, said = CHANGES[name]
    shop.write(path, text)
    shop.git("add", "-A")
    answer = shop.git("commit", "-m", "change", code=1)
    assert re.search(rf"{re.escape(next(hook['name'] for hook in hooks() if hook['id'] == name))}\.+Failed", answer)
    assert said in answer
    assert TOKEN not in answer


def test_what_fmt_wrote_is_committed_the_second_time(shop):
    shop.write("base/limits.yaml", "rpm:   10  \ntpm: 5")
    shop.git("add", "-A")
    shop.git("commit", "-m", "change", code=1)
    shop.commit("again", checked=True)
    assert (shop.root / "base/limits.yaml").read_text() == "rpm: 10\ntpm: 5\n"


def test_pre_commit_takes_the_manifest(bare_clone):
    if shutil.which("pre-commit") is None:
        pytest.skip("there is no pre-commit")
    bare_clone.run("pre-commit", "validate-manifest", str(MANIFEST))
