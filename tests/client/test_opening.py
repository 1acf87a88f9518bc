"""Where configuration is opened from, and how a program starts when there is nothing to open."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

import llmcfg.client
from llmcfg.client import IntegrityError, NotFoundError, RefusedError, UsageError
from llmcfg.model.target import Target
from support.delivered import Delivered

from .conftest import DOCUMENTS


def limits(rpm):
    return {**DOCUMENTS, "limits": {**DOCUMENTS["limits"], "rpm": rpm}}


# addresses


@pytest.mark.parametrize(
    ("place", "options"),
    [
        ("current/acme/api", {}),
        ("", {"tenant": "acme", "consumer": "api"}),
        ("current", {"tenant": "acme", "consumer": "api"}),
    ],
)
def test_a_sink_is_named_by_its_folder_or_by_that_of_the_bundle(open_config, delivered, place, options):
    cfg = open_config(f"dir:{delivered.root / place}", **options)
    delivered.put(limits(20))
    cfg.refresh()

    assert cfg["limits.rpm"] == 20
    assert open_config(delivered.root / place, **options)["limits.rpm"] == 20


def test_a_bundle_without_tenant_is_named_by_its_consumer(open_config, tmp_path):
    made = Delivered(tmp_path / "other", Target("prod", None, "bot"))
    made.put(DOCUMENTS)

    assert open_config(f"dir:{made.root}", consumer="bot").target == made.target


def test_a_relative_address_is_relative_to_where_the_program_is(open_config, delivered, monkeypatch):
    monkeypatch.chdir(delivered.root.parent)

    assert open_config("dir:sink", tenant="acme", consumer="api")["limits.rpm"] == 10


@pytest.mark.parametrize(
    ("address", "options", "error", "said"),
    [
        ("{root}", {}, UsageError, "does not say what it is an address of"),
        ("https://config.example/prod", {}, UsageError, "cannot be read from 'https' yet"),
        ("dir:{root}", {}, UsageError, "holds many bundles"),
        ("dir:{root}", {"consumer": "apx", "tenant": "acme"}, NotFoundError, "there is no bundle in"),
        ("dir:{root}/none", {}, NotFoundError, "there is no bundle in"),
        ("dir:{root}/none", {"consumer": "api"}, NotFoundError, "nothing was delivered"),
    ],
)
def test_an_address_that_leads_nowhere_says_why(delivered, address, options, error, said):
    with pytest.raises(error, match=said) as caught:
        llmcfg.client.open(address.format(root=delivered.root), **options)

    assert caught.value.hint


def test_the_nearest_bundle_is_suggested(delivered):
    with pytest.raises(NotFoundError) as caught:
        llmcfg.client.open(f"dir:{delivered.root}", tenant="acme", consumer="apx")

    assert "acme/api" in caught.value.hint


# plain folders


@pytest.fixture
def plain(delivered, tmp_path):
    """The bundle's folder as `llmcfg render` writes it, without a mapped file."""
    folder = tmp_path / "rendered" / "prod" / "acme" / "api"
    shutil.copytree(delivered.root / "current" / "acme" / "api", folder)
    shutil.copy(delivered.root / "current" / "head.json", folder.parents[1])
    (folder / "bundle.llmcfg").unlink()
    return folder


def test_a_plain_folder_is_read_and_nobody_is_told(open_config, delivered, plain):
    cfg = open_config(plain)

    assert cfg["limits.rpm"] == 10
    assert cfg.file("app.env") == b"RPM=10\n"
    assert cfg.revision == f"{1:040x}"
    assert not (plain.parents[2] / "acks").exists()


def test_a_plain_folder_that_is_written_anew_is_followed(open_config, delivered, plain):
    cfg = open_config(plain)
    delivered.put(limits(20))
    shutil.copytree(delivered.root / "current" / "acme" / "api", plain, dirs_exist_ok=True)
    (plain / "bundle.llmcfg").unlink()
    cfg.refresh()

    assert cfg["limits.rpm"] == 20


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config/limits.json", b'{"rpm":11}\n'),
        ("config/limits.json", None),
        ("manifest.json", b"{}"),
        ("manifest.json", b'{"digest":"sha256:00","parts":{"../../x":{"sha256":"00","size":1}}}'),
    ],
)
def test_a_plain_folder_that_is_not_what_its_manifest_says_is_refused(plain, name, content):
    if content is None:
        (plain / name).unlink()
    else:
        (plain / name).write_bytes(content)

    with pytest.raises(IntegrityError):
        llmcfg.client.open(plain)


def test_a_mapped_file_alone_is_a_bundle(open_config, delivered, tmp_path):
    folder = tmp_path / "alone"
    folder.mkdir()
    shutil.copy(delivered.file, folder)

    assert open_config(folder)["limits.rpm"] == 10


# verifying


def damage(delivered):
    content = bytearray(delivered.file.read_bytes())
    content[12] ^= 1
    delivered.file.write_bytes(content)


def test_the_first_bundle_is_verified_when_that_is_asked_for(open_config, delivered):
    open_config(verify=True)
    damage(delivered)

    with pytest.raises(IntegrityError):
        llmcfg.client.open(delivered.address, verify=True)


def test_damage_is_seen_by_the_first_read_at_the_latest_and_never_read(delivered, open_config):
    damage(delivered)
    cfg = open_config()

    with pytest.raises(IntegrityError):
        cfg["."]


# starting without a source


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def gone(delivered):
    shutil.rmtree(delivered.root)


def test_what_was_in_use_last_is_there_when_the_source_is_not(open_config, delivered, state):
    cfg = open_config(state=state)
    delivered.put(limits(20))
    cfg.refresh()
    revision = cfg.revision
    gone(delivered)

    again = open_config(state=state)

    assert again["limits.rpm"] == 20
    assert again.revision == revision
    assert "nothing was delivered" in again.trouble
    assert (state / "last.llmcfg").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_start_without_source_goes_on_with_it_once_it_is_back(open_config, delivered, state):
    open_config(state=state)
    gone(delivered)
    cfg = open_config(state=state)
    delivered.put(limits(30))
    cfg.refresh()

    assert (cfg["limits.rpm"], cfg.trouble) == (30, "")


@pytest.mark.fault("C13")
def test_damaged_state_is_not_used(open_config, delivered, state):
    open_config(state=state)
    kept = state / "last.llmcfg"
    for at in range(0, kept.stat().st_size, 41):
        content = bytearray(kept.read_bytes())
        content[at] ^= 1
        kept.write_bytes(content)
        root = delivered.root.rename(delivered.root.with_name("away"))
        with pytest.raises(NotFoundError):
            llmcfg.client.open(delivered.address, state=state)
        root.rename(delivered.root)
        content[at] ^= 1
        kept.write_bytes(content)


def test_damaged_state_is_no_obstacle_and_is_written_anew(open_config, delivered, state):
    open_config(state=state)
    (state / "last.llmcfg").write_bytes(b"junk")
    open_config(state=state)
    gone(delivered)

    assert open_config(state=state)["limits.rpm"] == 10


def test_a_damaged_delivery_is_answered_with_what_was_in_use_last(open_config, delivered, state):
    open_config(state=state)
    delivered.put(limits(20))
    delivered.file.write_bytes(b"junk")

    cfg = open_config(state=state)

    assert cfg["limits.rpm"] == 10
    assert "no bundle file" in cfg.trouble


def test_nothing_older_is_used_than_what_was_in_use_in_an_earlier_process(open_config, delivered, state):
    old = (delivered.root / "current").readlink()
    open_config(state=state)
    delivered.put(limits(20))
    open_config(state=state)
    (delivered.root / "current").unlink()
    (delivered.root / "current").symlink_to(old)

    cfg = open_config(state=state)

    assert cfg["limits.rpm"] == 20
    assert "older than the one before it" in cfg.trouble
    with pytest.raises(RefusedError):
        llmcfg.client.open(delivered.address, state=state, accept=lambda snapshot: False)


def test_a_check_is_asked_of_what_was_kept_too(open_config, delivered, state):
    open_config(state=state)
    gone(delivered)

    with pytest.raises(RefusedError, match="not this one"):
        llmcfg.client.open(delivered.address, state=state, accept=lambda snapshot: "not this one")


def test_a_refused_bundle_is_not_kept(open_config, delivered, state):
    cfg = open_config(state=state, accept=lambda snapshot: snapshot["limits.rpm"] < 100)
    delivered.put(limits(1000))
    cfg.refresh()
    gone(delivered)

    assert open_config(state=state)["limits.rpm"] == 10


@pytest.mark.fault("N19")
def test_a_state_folder_that_cannot_be_written_is_an_alarm_and_no_obstacle(open_config, delivered, state):
    state.write_text("a file")
    cfg = open_config(state=state)
    delivered.put(limits(20))
    cfg.refresh()

    assert cfg["limits.rpm"] == 20
    assert "could not be kept" in cfg.trouble


# what it costs to import


HEAVY = {
    "pygit2", "typer", "click", "rich", "jinja2", "cryptography", "pyrage", "yaml", "yaml_rs", "ruamel", "jsonschema",
    "jsonschema_rs", "watchdog", "pydantic", "asyncio", "ssl", "http", "subprocess", "logging", "multiprocessing",
}  # fmt: skip
PROGRAM = """
import sys
import llmcfg.client
with llmcfg.client.open(sys.argv[1]) as cfg:
    assert cfg["limits.rpm"] == 10
    cfg.on_change("limits", print)
print(*sorted(sys.modules))
"""


def test_a_program_that_reads_imports_nothing_heavy(delivered):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, delivered.address], capture_output=True, text=True, check=True, timeout=60
    )

    modules = {*ran.stdout.split()}
    if "coverage" in modules:
        pytest.skip("coverage is measured, which imports what it needs into every program")
    assert "llmcfg.client" in modules
    assert {module.partition(".")[0] for module in modules} & HEAVY == set()
    parts = {module.split(".")[1] for module in modules if module.startswith("llmcfg.")}
    assert parts <= {"bundlefile", "canonical", "client", "clock", "disk", "errors", "limits", "model", "regex"}
