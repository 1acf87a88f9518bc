"""Whole repositories with bytes changed at random: every one of them is findings or sound, and none raises."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding, Severity
from llmcfg.pipeline.build import build
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.explain import explain
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate
from support.written import WrittenSnapshot

HERE = Path(__file__).parent.parent
SEED = HERE / "repositories/seed"
SAMPLE = HERE.parent / "sample-repo"
READ = ("base", "environments", "regions", "tenants", "consumers", "schemas", "templates", "prompts", "llmcfg.yaml")
TOKENS = [
    b"{{config:", b"{{secret:", b"{{var:", b"{{param:", b"}}", b"$extends: ", b"$with: ",
    b"!append ", b"!delete ", b"!replace ", b"!prepend ",
    b"{", b"}", b"[", b"]", b": ", b"- ", b"\n", b"\n  ", b'"', b"'", b"&a ", b"*a", b"\xff", b"\x00", b"\xe2\x80\xae", b"..", b"null",
    b"1e999", b"9" * 30, b"{}", b"[]", b"~", b"<<: ", b"---\n", b"ENC[", b"sops:", b"x-llmcfg-merge", b"$ref", b"{% ", b" %}", b"{{ config",
]  # fmt: skip


def read(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] in READ
    }


def mutated(files: dict[str, bytes], chance: random.Random) -> dict[str, bytes]:
    """One to three changes: of bytes, of lines, or of whole files."""
    files = dict(files)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(sorted(files))
        content = bytearray(files[path])
        at = chance.randint(0, len(content))
        match chance.randrange(8):
            case 0:
                content[at : at + chance.randint(1, 30)] = b""
            case 1:
                content[at:at] = chance.choice(TOKENS)
            case 2:
                content[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                lines = content.splitlines(keepends=True)
                chance.shuffle(lines)
                content = bytearray(b"".join(lines))
            case 4:
                other = files[chance.choice(sorted(files))]
                start = chance.randint(0, len(other))
                content[at:at] = other[start : start + chance.randint(1, 80)]
            case 5:
                del files[path]
                continue
            case 6:
                folder = chance.choice(
                    ["base/", "environments/prod/", "tenants/meridian/", "consumers/", "schemas/", "prompts/", ""]
                )
                files[folder + path.rsplit("/", 1)[-1]] = bytes(content)
                continue
            case _:
                words = content.split(b" ")
                words[chance.randrange(len(words))] = chance.choice(TOKENS)
                content = bytearray(b" ".join(words))
        files[path] = bytes(content)
    return files


def check(files: dict[str, bytes], memo: Memo) -> Counter[str]:
    """The rules that are broken. What has no errors builds, and is explained."""
    snapshot = WrittenSnapshot(dict(files))
    found = validate(snapshot, memo)
    for finding in found:
        assert isinstance(finding, Finding)
        assert finding.message
        assert "Traceback" not in finding.message
        lines = files.get(finding.origin.file, b"").count(b"\n") + 1
        assert 0 <= finding.origin.line <= lines + 1, finding
    if not any(finding.severity is Severity.ERROR for finding in found):
        configuration = Configuration(snapshot, memo)
        assert build(configuration, configuration.targets).bundles.keys() == set(configuration.targets)
        for scope in configuration.scopes[:2]:
            for name in list(configuration.effective(scope).documents)[:3]:
                explain(configuration, scope, tuple(name.split("/")))
    else:
        try:
            configuration = Configuration(snapshot, memo)
            build(configuration, configuration.targets)
        except FindingsError:
            assert found
    return Counter(finding.rule_id for finding in found)


def run(files: dict[str, bytes], rounds: int, seed: int) -> Counter[str]:
    memo = Memo()
    chance = random.Random(seed)
    total: Counter[str] = Counter()
    for _ in range(rounds):
        total += check(mutated(files, chance), memo)
    return total


def test_a_small_repository_survives_any_change():
    files = read(SEED) | {
        "base/more.yaml": b"m: {$extends: patterns.chat, $with: {rpm: 5}, l: [1, 2]}\n"
        b"url: '{{config:gateway}}'\nname: '{{var:environment}}'\n",
        "base/patterns.yaml": b"chat: {$with: {rpm: 1}, rpm: '{{param:rpm}}', l: [0]}\n",
        "environments/prod/more.yaml": b"m: {l: !append [3], rpm: !delete }\nextra: !replace {a: 1}\n",
        "templates/t.j2": b"{% for k in config.more %}{{ k }}={{ config.more[k] | to_json }}\n{% endfor %}",
        "consumers/out.yaml": b"apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [more]\n"
        b"outputs: [{path: o.txt, template: templates/t.j2}]\n",
        "schemas/more.json": b'{"properties": {"m": {"properties": {"l": {"items": {"type": "integer"}}}}}, "additionalProperties": true}',
    }
    files["llmcfg.yaml"] += b"schemas: [{documents: more, schema: schemas/more.json}]\n"
    rules = run(files, rounds=150, seed=20)
    assert len(rules) > 15
    assert rules["yaml-syntax"] > 5


def test_the_sample_survives_any_change():
    rules = run(read(SAMPLE), rounds=40, seed=7)
    assert len(rules) > 10
