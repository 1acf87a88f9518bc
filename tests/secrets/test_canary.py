"""No secret is anywhere but where it belongs: not in a file, an object of Git, a message, a command line or an environment.

Every command of llmcfg runs here on a repository whose secrets are canaries, as a real process, well and badly. While it runs, its
command line and environment and those of all that it starts are looked at; afterwards, everything that it wrote or printed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from llmcfg.secrets.guard import forbid_dumps
from support.canaries import Search, forms, make_canaries
from support.commands import COMMANDS
from support.guarded import SECRETS, Guarded, Scene, Step

MACHINE = "--identity <keys>/machine.txt"
BUNDLE = "delivered/prod/current/_shared/gateway"
CHAT = b"endpoints: {custom: [{name: Gateway, apiKey: '%s'}]}\n"
PROXY = b"model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: %s}}]\n"
SERVERS = b'{"mcpServers": {"crm": {"command": "crm", "args": [], "env": {"CRM_API_KEY": "%s"}}}}\n'
PROMPT = """id: ask
current: 1.0.0
versions:
  1.0.0:
    variables: {card: {type: string, required: true, sensitive: true}, mood: {type: string, enum: [kind, stern]}}
    messages: [{role: user, content: "Card {{ card }}, {{ mood }}."}]
    tests: [{variables: {card: "1"}, contains: [Card 1]}]
"""
ENV = b"""# old deployment
IMPORTED_PLAIN='%s'
IMPORTED_LINES="%s"
"""


def given_env(guarded: Guarded) -> None:
    new = guarded.canaries
    guarded.give(".env", ENV % (new["new.plain"], new["new.lines"]))
    guarded.give("broken.env", b'GOOD=1\n%s\nBAD="%s\n' % (new["new.base64"], new["new.plain"]))
    for shape in ("shell", "base64", "lines"):
        guarded.give(shape, new[f"new.{shape}"])


def given_files(guarded: Guarded) -> None:
    guarded.give("plain.yaml", guarded.plain("new"))
    guarded.give("broken.yaml", b"key: {%s\n" % guarded.canaries["new.plain"])
    guarded.give("proxy.yaml", PROXY % guarded.canaries["new.plain"])
    guarded.give("librechat.yaml", CHAT % guarded.canaries["new.plain"])
    guarded.give("bot.env", b"BOT_RPM=10\nOPENAI_API_KEY='%s'\n" % guarded.canaries["new.plain"])
    guarded.give("mcp.json", SERVERS % guarded.canaries["new.plain"])
    guarded.give("broken.json", b'{"key": "%s", }' % guarded.canaries["new.plain"])


def tampered(guarded: Guarded) -> None:
    """The values of two names change places; the MAC is that of before."""
    place = guarded.root / SECRETS
    lines = place.read_text().splitlines(keepends=True)
    (guarded.root / "tampered.yaml").write_text(
        "".join([*lines[1:2], *lines[:1], *lines[2:]]).replace("data:", "data:AA", 1)
    )
    (guarded.root / "swapped.yaml").write_text("".join([*lines[1:2], *lines[:1], *lines[2:]]))


def cleartext(guarded: Guarded) -> None:
    """Somebody forgot to encrypt a file, and changed an encrypted one by hand."""
    guarded.expose("base/secrets/clear.yaml", guarded.plain("new"))
    text = (guarded.root / SECRETS).read_text()
    shown = guarded.canaries["new.plain"].decode()
    guarded.expose(SECRETS, re.sub("(?m)^openai: .*$", f"openai: {shown}", text).encode())


def noted(guarded: Guarded) -> None:
    """Somebody wrote a secret where none belongs."""
    guarded.expose("base/notes.yaml", b"note: %s\n" % guarded.canaries["new.plain"])


def given_policies(guarded: Guarded) -> None:
    """One that gives away all that it is asked about, and a test that fails."""
    folder = guarded.root / "policies"
    folder.mkdir()
    (folder / "all.rego").write_text("package all\n\ndeny contains sprintf(`%v`, [input])\n\ntest_it if false\n")
    (folder / "all_test.rego").write_text("package all_test\n\ntest_it if false\n")


def platform_with_a_key(guarded: Guarded) -> None:
    """Two models of one provider, whose key is written in clear: what fails together is told by it."""
    key = guarded.canaries["new.plain"].decode()
    guarded.expose("base/providers/openai.yaml", f"type: openai\napi_key: {key}\n".encode())
    (guarded.root / "base/models.yaml").write_text(
        "a: {provider: openai, upstream_model: gpt-4}\nb: {provider: openai, upstream_model: gpt-6-luna}\n"
    )
    (guarded.root / "base/routes.yaml").write_text(
        "chat: {targets: [{model: a}], fallbacks: {on_error: [{model: b}]}}\n"
    )


def without_bob(guarded: Guarded) -> None:
    place = guarded.root / ".sops.yaml"
    place.write_text(place.read_text().replace(f", {guarded.bob.recipient}", ""))


def committed(guarded: Guarded) -> None:
    guarded.repository.commit()


def prompted(guarded: Guarded) -> None:
    """A prompt with a variable that is sensitive, and values for it that are canaries."""
    place = guarded.root / "prompts/ask.yaml"
    place.parent.mkdir()
    place.write_text(PROMPT)
    secret = guarded.canaries["new.plain"]
    guarded.give("values.yaml", b"card: %s\n" % secret)
    guarded.give("wrong.yaml", b"card: a\nmood: %s\n" % secret)
    guarded.give("broken.yaml", b"card: [%s\n" % secret)
    guarded.give("ambiguous.yaml", b"card: %s\n" % guarded.canaries["new.digits"])
    guarded.give("greet.prompt", b"Hi {{who}}\n")
    guarded.give("broken.prompt", b"---\nmodel: [%s\n---\nHi\n" % secret)


def asked_for_a_key(guarded: Guarded) -> None:
    """Somebody sends a secret to the model."""
    place = guarded.root / "prompts/ask.yaml"
    place.write_text(place.read_text().replace("Card {{", "{{secret:openai}} {{"))


def with_editor(script: str):
    def set_editor(guarded: Guarded) -> None:
        guarded.editor(guarded.filled(script))

    return set_editor


def two_branches(guarded: Guarded) -> None:
    """Both give `openai` another value, and each adds a secret."""
    for branch, prefix in (("topic", "new"), ("main", "prod")):
        guarded.git("checkout", "-q", "-B", branch, "main")
        guarded.run(Step("secret set openai --from-stdin -q", stdin=f"{prefix}.plain"))
        guarded.run(Step(f"secret set of_{branch} --from-stdin -q", stdin=f"{prefix}.wide"))
        guarded.git("commit", "-q", "-a", "-m", branch, "--no-verify")


def signing_keys(guarded: Guarded) -> None:
    for name in ("key", "lost"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", guarded.folder / "state" / name], check=True
        )


def rules_of_trust(guarded: Guarded) -> None:
    guarded.give("rules.yaml", b"environments: {prod: {signers: [ada]}}\n")


VALUES: Scene = (
    given_env,
    Step("secret set openai --from-stdin", stdin="new.plain"),
    Step("secret set pem --from-stdin --raw -q", stdin="new.lines"),
    Step("secret set sh --from-file <given>/shell -e dev"),
    Step("secret set pin --from-stdin --type int", stdin="new.digits"),
    Step("secret set pin --from-stdin --type int", code=2, stdin="new.shell"),
    Step("secret set blob --file blob.age --from-file <given>/base64"),
    Step("secret set 'openai=<canary>'", code=2, gives_away=True),
    Step("secret set openai '<canary>'", code=2, gives_away=True),
    Step("secret set openai.under --from-stdin", code=2, stdin="new.wide"),
    Step("secret set wide --from-stdin -e prod", stdin="new.wide", is_stranger=True),
    Step("secret fold", code=5, is_stranger=True),
    Step("secret fold"),
    Step("secret get openai --reason test", prints="new.plain"),
    Step("secret reveal pem --reason test --raw", prints="new.lines"),
    Step("secret get sh -e dev --reason test -o json", prints="new.shell"),
    Step("secret get wide -e prod --reason test", prints="new.wide"),
    Step("secret get blob --reason test", prints="new.base64"),
    Step("secret get openai --reason test", code=5, is_stranger=True),
    Step("secret get openai", code=2),
    Step("secret list"),
    Step("secret list -e prod -o json"),
    Step("secret unset blob"),
)
MOVES: Scene = (
    given_env,
    Step("secret rotate openai --from-stdin", stdin="new.plain"),
    Step("secret rotate openai --from-stdin", code=6, stdin="new.base64"),
    Step("secret get openai@previous --reason test", prints="old.plain"),
    Step("secret retire openai"),
    Step("secret rotate b64 --from-stdin", code=5, stdin="new.base64", is_stranger=True),
    Step("secret copy sh --to-env prod -y"),
    Step("secret copy pem --to-env dev", code=5, is_stranger=True),
    Step("secret import <given>/.env -y"),
    Step("secret import <given>/.env --prefix more", code=2),
    Step("secret import <given>/broken.env -y", code=2),
    Step("secret import - -y -e prod", code=2, stdin="new.shell"),
    Step(
        "secret export --reason test", prints="new.plain new.lines old.base64 old.lines old.shell old.wide old.digits"
    ),
    Step(
        "secret export -e prod --reason test -o json",
        prints="new.plain new.lines old.shell prod.plain prod.base64 prod.lines prod.wide prod.digits",
    ),
    Step("secret export --reason test", code=5, is_stranger=True),
)
FILES: Scene = (
    given_files,
    tampered,
    Step(f"secret decrypt {SECRETS}", prints="old"),
    Step(f"secret decrypt {SECRETS} --output-type json", prints="old"),
    Step(f"secret decrypt {SECRETS} --extract '[\"sh\"]'", prints="old.shell"),
    Step(f"secret decrypt {SECRETS} -o <taken>/plain.yaml"),
    Step(f"secret decrypt {SECRETS} --extract '[\"no\"]'", code=7),
    Step(f"secret decrypt {SECRETS}", code=5, is_stranger=True),
    Step("secret decrypt tampered.yaml", code=10),
    Step("secret decrypt swapped.yaml", code=10),
    Step("secret encrypt <given>/plain.yaml --age <ada> -o sealed.yaml"),
    Step("secret encrypt - --input-type binary --age <ada>", stdin="new.lines"),
    Step("secret encrypt - --input-type yaml --age <ada>", code=2, stdin="new.shell"),
    Step("secret encrypt <given>/broken.yaml --age <ada>", code=2),
    Step("secret encrypt <given>/broken.json --age <ada>", code=2),
    Step("secret encrypt <given>/plain.yaml --age nobody", code=2),
    Step(f"secret outline {SECRETS}"),
    Step("secret outline tampered.yaml"),
    Step("secret diff HEAD"),
    Step("secret lint"),
    Step("secret lint tampered.yaml -o json"),
    Step("secret scan"),
    Step("secret scan <given>/plain.yaml <given>/broken.yaml", code=4),
    Step("secret scan -", code=4, stdin="new.plain"),
)
EDITS: Scene = (
    with_editor("sed -i 's/sk-/sk-other-/' \"$1\""),
    Step("secret edit openai"),
    Step(f"secret edit {SECRETS}"),
    with_editor('cp "$1" <state>/../taken/seen; echo \'{\' > "$1"'),
    Step(f"secret edit {SECRETS}", code=2),
    with_editor("echo '<canary>: [' >> \"$1\""),
    Step(f"secret edit {SECRETS}", code=2),
    Step("secret edit environments/dev/secrets/new.yaml", code=2),
    with_editor("exit 3"),
    Step("secret edit openai", code=2),
    Step("secret edit openai", code=5, is_stranger=True),
    with_editor("touch <taken>/waits; exec sleep 600"),
    Step(f"secret edit {SECRETS}", code=143, until="taken/waits"),
)
DEPLOYS: Scene = (
    Step("validate"),
    Step("plan -e prod"),
    Step("apply -e prod -y", code=5, is_stranger=True),
    Step("apply -e prod -y"),
    Step("status"),
    Step("history -e prod --deployed"),
    Step("verify"),
    Step("verify -o json"),
    Step(f"open {BUNDLE} {MACHINE}", prints="prod"),
    Step(f"open {BUNDLE} {MACHINE} -o env", prints="prod"),
    Step(f"open {BUNDLE} {MACHINE} --to <taken>/opened"),
    Step("open -e prod -c gateway --identity <keys>/stranger.txt", code=5),
    Step(f"bundle verify {BUNDLE} --root llmcfg.yaml", code=10),
    Step(f"run --dir {BUNDLE} --var KEY=gateway.openai -- env", code=5),
    Step(f"agent --dir delivered/prod --socket ../taken/agent.sock {MACHINE}", until="taken/agent.sock"),
    Step(f"run --dir {BUNDLE} --var SECONDS=gateway.timeout --files <taken>/files -- env"),
    Step("run --dir delivered/nowhere -- env", code=7),
    Step("render -e prod --to rendered"),
    Step("explain gateway.openai -e prod"),
    Step("get gateway.openai -e prod"),
    Step("list -e prod"),
    Step("tree -e prod"),
    Step("parity dev prod"),
    Step("refactor mv gateway.openai gateway.vendor --dry-run", code=2),
    Step("refactor mv gateway keeper.of --dry-run"),
    Step("refactor split gateway --dry-run", code=2),
    Step("impact gateway.openai"),
    Step("impact gateway.openai -o json"),
    Step("secret set openai --from-stdin -e prod -q", stdin="new.plain"),
    Step("diff"),
    committed,
    Step("ci run --base HEAD~1 --out <taken>/report"),
    Step("ci post --from <taken>/report", code=5),
    Step("merge-check HEAD~1 HEAD"),
    Step("bisect gateway.openai -e prod --test 'cat; exit 1'"),
    Step("sync run --once --state <state>/sync", code=5, is_stranger=True),
    Step("sync run --once --state <state>/sync"),
    Step("sync now --state <state>/sync", code=7),
    Step("sync suspend dev --state <state>/sync"),
    Step("sync resume dev --state <state>/sync"),
    Step(f"sync accept main {'0' * 40} --state <state>/sync", code=7),
    Step("sync redeliver --state <state>/sync", code=7),
    Step("apply -e prod -y"),
    Step("rollback -e prod -y"),
    Step("tag v1"),
    Step("doctor"),
    signing_keys,
    Step("trust init --key <state>/key --out <state>/draft.json"),
    Step("trust sign <state>/draft.json --key <state>/key"),
    Step("trust publish <state>/draft.json"),
    Step("trust add-signer ada <state>/key.pub --key <state>/key"),
    rules_of_trust,
    Step("trust rules <given>/rules.yaml --key <state>/key"),
    Step("trust renew --key <state>/key"),
    Step("trust rotate --threshold 1 --key <state>/key"),
    Step("trust show"),
    Step("trust check"),
    Step("trust approve --key <state>/key"),
    Step("trust promote prod --key <state>/key"),
    Step("trust export --out <state>/root.json"),
    Step("trust pin <state>/root.json"),
    Step("audit init"),
    Step("tag v2"),
    Step("trust add-signer bob <state>/lost.pub --key <state>/key"),
    Step("trust revoke bob --key <state>/key"),
    Step("audit show"),
    Step("audit verify"),
    Step("audit checkpoint"),
    Step("audit prove 3"),
    Step("audit export -o csv"),
    Step("cache show"),
    Step("cache verify"),
    Step("cache prune"),
    Step("cache clear"),
)
GIT: Scene = (
    Step("hooks install"),
    Step("hooks status"),
    two_branches,
    Step("git merge topic", code=1),
    Step(f"secret resolve {SECRETS}", code=6),
    Step(f"secret resolve {SECRETS} --theirs"),
    Step("git commit -q -m merged"),
    Step("git log -p --all"),
    Step("secret diff HEAD~1"),
    Step(f"git show topic:{SECRETS}"),
    Step("secret recipients sync --check"),
    Step("secret revoke <bob> --dry-run"),
    Step("git gc -q"),
    Step("hooks uninstall"),
)
CLEARTEXT: Scene = (
    cleartext,
    Step("validate", code=4),
    Step("validate -o json", code=4),
    Step("secret lint", code=4),
    Step("secret scan", code=4),
    Step("secret scan -o sarif", code=4),
    Step("secret list"),
    Step(f"secret outline {SECRETS}"),
    Step("secret outline base/secrets/clear.yaml"),
    Step("secret get openai --reason test", code=10),
    Step(f"secret decrypt {SECRETS}", code=10),
    Step("secret set openai --from-stdin", code=10, stdin="new.wide"),
    Step("secret recipients sync -y"),
    Step("diff"),
    Step("secret diff"),
    Step("fmt"),
    Step("render -e dev --to rendered", code=4),
    Step("doctor", code=1),
    noted,
    Step("validate", code=4),
    Step("validate -o junit", code=4),
    Step("secret scan base", code=4),
)
PEOPLE: Scene = (
    without_bob,
    Step("secret recipients sync --check", code=3),
    Step("secret recipients sync -y", code=5, is_stranger=True),
    Step("secret recipients sync -y"),
    Step("secret revoke <bob> -y"),
    Step("secret list"),
    Step("secret rotate openai --from-stdin", stdin="new.plain"),
    Step("validate"),
)
KEYS: Scene = (
    Step("key gen -o <taken>/new.txt"),
    Step("key list"),
    Step("key show-public"),
    Step("key list", environment=(("LLMCFG_AGE_KEY", "<ada's key>"),), gives_away=True),
    Step("secret edit openai", environment=(("LLMCFG_AGE_KEY", "<ada's key>"),), gives_away=True),
    Step(
        "secret get openai --reason test",
        prints="old.plain",
        environment=(("SOPS_AGE_KEY", "<ada's key>"),),
        gives_away=True,
    ),
    Step("key list", environment=(("SOPS_AGE_KEY", "<ada's key>x"),), gives_away=True),
)
REST: Scene = (
    given_files,
    Step("set gateway.timeout 5"),
    Step("log gateway.openai -e prod"),
    Step("fmt"),
    Step("rules"),
    Step("limits"),
    Step("schema export"),
    given_policies,
    Step("policy test", code=4),
    Step("policy eval -e prod --since HEAD --input"),
    Step("completion show bash"),
    Step("completion install bash"),
    Step("init <taken>/fresh"),
    Step("import litellm <given>/proxy.yaml --to proxy"),
    Step("validate -C proxy", code=4),
    Step("lint <given>/proxy.yaml", code=4),
    Step("catalogue show gpt-4"),
    platform_with_a_key,
    Step("graph -e prod"),
    Step("graph -e prod -o json"),
    Step("graph -e prod -o svg"),
    Step("retirements"),
    Step("cost"),
    Step("cost --diff HEAD.. -o json"),
    Step("cost --usage <given>/broken.json", code=2),
    Step("cost --usage <given>/plain.yaml", code=2),
    Step("catalogue update --from <given>/proxy.yaml", code=2),
    Step("import librechat <given>/librechat.yaml --to chat"),
    Step("import env <given>/bot.env --to bot"),
    Step("import mcp <given>/mcp.json --to servers"),
    Step(f"secret merge {SECRETS} {SECRETS} {SECRETS}"),
    Step(f"merge-driver {SECRETS} {SECRETS} {SECRETS}"),
)
PROMPTS: Scene = (
    prompted,
    Step("prompt list"),
    Step("prompt show ask -e prod"),
    Step("prompt render ask -e prod --var-file <given>/values.yaml", prints="new.plain"),
    Step("prompt render ask -e prod --var-file <given>/values.yaml -o json", prints="new.plain"),
    Step("prompt render ask -e prod --var-file <given>/wrong.yaml", code=2),
    Step("prompt render ask -e prod --var-file <given>/broken.yaml", code=2),
    Step("prompt render ask -e prod --var-file <given>/ambiguous.yaml", code=2),
    Step("prompt render ask -e prod --var 'card=<canary>'", code=2, gives_away=True),
    Step("prompt render ask -e prod --var 'mood=<canary>'", code=2, gives_away=True),
    Step("prompt test -e prod"),
    Step("prompt new ask"),
    Step("prompt release ask 1.1.0"),
    Step("prompt promote ask --to prod"),
    Step("prompt diff ask 1.0.0 1.1.0"),
    Step("prompt import <given>/greet.prompt"),
    Step("prompt import <given>/broken.prompt", code=4),
    Step("prompt export ask -e prod"),
    asked_for_a_key,
    Step("prompt show ask 1.0.0 -e prod"),
    Step("prompt export ask 1.0.0 -e prod", code=2),
    Step("prompt render ask 1.0.0 -e prod --var-file <given>/values.yaml", code=4),
    Step("validate", code=4),
)
SCENES = {
    "values": VALUES, "moves": MOVES, "files": FILES, "edits": EDITS, "deploys": DEPLOYS, "git": GIT, "cleartext": CLEARTEXT,
    "people": PEOPLE, "keys": KEYS, "prompts": PROMPTS, "rest": REST,
}  # fmt: skip


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    shm = Path("/dev/shm")
    memory = Path(mkdtemp(dir=shm if shm.is_mount() else tmp_path))
    try:
        yield Guarded(tmp_path, memory)
    finally:
        shutil.rmtree(memory)


@pytest.mark.fault("X16")
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_no_secret_is_where_it_does_not_belong(guarded: Guarded, scene: Scene) -> None:
    for step in scene:
        if isinstance(step, Step):
            assert guarded.run(step) == set(), step.line
        else:
            step(guarded)


def unseen(names: Iterable[str]) -> set[str]:
    """Those of these commands that no scene runs."""
    steps = [step for scene in SCENES.values() for step in scene if isinstance(step, Step)]
    return {*names} - {step.command for step in steps}


def test_every_command_is_looked_at() -> None:
    assert unseen(name for name, _ in COMMANDS) == set()
    assert unseen(["secret set", "secret leak"]) == {"secret leak"}


@pytest.mark.parametrize("shape", make_canaries("old"))
def test_every_form_of_a_secret_is_found(shape: str) -> None:
    canaries = make_canaries("old")
    search = Search(canaries)
    line = max(canaries[shape].splitlines(), key=len).strip()
    for form, written in forms(line):
        for content in (written, b"..." + written + b"...", zlib.compress(b"a" * 99 + written)):
            assert {leak.name for leak in search.find(content, "here")} == {shape}, form
    for shift in range(7):
        for encode in (b64encode, urlsafe_b64encode):
            assert search.find(encode(b"x" * shift + line + b"y" * shift), "here"), shift
    assert search.find(b"AGE-SECRET-KEY sk- canary 0123456789", "here") == set()


LEAKS = {
    "stdout": Step("git rev-parse --sq-quote '<canary>'"),
    "stderr": Step("git log '<canary>'", code=128),
    "git.": Step("git rev-parse --sq-quote '<canary>'", prints="new.plain"),
    "it.environ": Step("git wait", code=-15, until="taken/waits", environment=(("TOKEN", "<canary>"),)),
    ".git/config": Step("git config x.y '<canary>'"),
    "the name of ": Step("git init -q '<canary>'"),
    ".git/COMMIT_EDITMSG": Step("git commit -q --allow-empty -m '<canary>'"),
    ".git/logs/HEAD": Step("git commit -q --allow-empty -m '<canary>'"),
    "an object of Git": Step("git hash-object -w <given>/plain.yaml"),
    ".git/refs/heads": Step("git branch '<canary>'"),
}


@pytest.mark.parametrize(("place", "step"), LEAKS.items(), ids=LEAKS)
def test_a_leak_is_found(guarded: Guarded, place: str, step: Step) -> None:
    given_files(guarded)
    guarded.programs.make("git-wait", guarded.filled("touch <taken>/waits; exec sleep 600 </dev/null >/dev/null 2>&1"))
    found = guarded.run(step)
    assert "new.plain" in {leak.name for leak in found if place in leak.place}


def test_what_an_editor_leaves_behind_is_found(guarded: Guarded) -> None:
    guarded.editor('cp "$1" "$HOME/backup~"; cp "$1" "$TMPDIR/x"; gzip -c "$1" > "$HOME/b.gz"')
    found = guarded.run(Step("secret edit openai"))
    assert {leak.place for leak in found} == {
        f"{guarded.folder}/home/backup~",
        f"{guarded.folder}/home/b.gz (unpacked)",
    }


def test_a_process_that_could_leave_a_core_dump_is_found(guarded: Guarded) -> None:
    forbid_dumps()
    with pytest.raises(AssertionError, match="may leave a core dump"):
        guarded.run(Step("git commit -q --allow-empty", code=1))
