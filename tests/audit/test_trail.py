"""Acts on record: before they happen, with what came of them, in the log of their tenant, and not at all where that is impossible."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from itertools import count

import pytest

from llmcfg import failpoints
from llmcfg.audit import trail as trails
from llmcfg.audit.beginning import begin
from llmcfg.audit.entry import value_print
from llmcfg.audit.settings import REF, AuditSettings, read_audit_settings
from llmcfg.audit.trail import Trail, open_log, open_logs
from llmcfg.audit.verify import check_logs
from llmcfg.errors import (
    ConflictError,
    FindingsError,
    IntegrityError,
    NotAuthorisedError,
    StorageError,
    UnrecordedError,
    UsageError,
)
from llmcfg.git.repository import open_repository
from llmcfg.model.act import Act
from support.written import MANIFEST, WrittenRepository

from .conftest import ADA, START
from .test_verify import flips


class Clone:
    """A repository whose audit was begun, at a time that goes on a second at each look."""

    def __init__(self, path):
        self.written = WrittenRepository(path, {"llmcfg.yaml": MANIFEST})
        self.repository = open_repository(path)
        self.root = self.repository.state_folder / "audit"
        self.seconds = 0

    def now(self):
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)

    def begin(self, **how):
        return begin(self.root, self.repository, ADA, self.now, **how)

    def trail(self, settings=None):
        return Trail(self.root, settings or AuditSettings(), self.repository, ADA, self.now)

    def outcomes(self, tenant="", verb="apply"):
        return [(entry.outcome, entry.code) for entry in open_log(self.root, tenant).entries() if entry.act == verb]

    def problems(self):
        return [problem for log in check_logs(self.root, self.repository) for problem in log.problems]


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "clone")


@pytest.fixture
def begun(clone):
    clone.begin()
    return clone


def test_an_act_is_on_record_before_it_happens_and_again_when_it_is_done(begun):
    with begun.trail().acting(Act("apply", environment="dev")) as account:
        assert begun.outcomes() == [("begun", "")]
        account.note(commit="abc")
    first, last = [entry for entry in open_log(begun.root).entries() if entry.act == "apply"]
    assert (last.outcome, last.facts) == ("done", {"commit": "abc"})
    assert first.correlation == last.correlation != ""


@pytest.mark.parametrize(
    "error, outcome",
    [
        (FindingsError("no"), ("refused", "findings")),
        (NotAuthorisedError("no"), ("refused", "not-authorised")),
        (StorageError("full"), ("failed", "storage")),
        (ZeroDivisionError(), ("failed", "ZeroDivisionError")),
        (KeyboardInterrupt(), ("failed", "KeyboardInterrupt")),
    ],
)
def test_what_stopped_an_act_is_on_record(begun, error, outcome):
    with pytest.raises(type(error)), begun.trail().acting(Act("apply")):
        raise error
    assert begun.outcomes() == [("begun", ""), outcome]


def test_a_value_stands_in_an_entry_as_what_only_the_key_can_compare(begun):
    with begun.trail().acting(Act("secret.get", "pin")) as account:
        account.note_value("pin", b"1234")
    last = list(open_log(begun.root).entries())[-1]
    key = open_log(begun.root).key()
    assert last.facts == {"value of pin": value_print(key, b"1234")}
    assert value_print(bytes(32), b"1234") != value_print(key, b"1234")


def refuses(clone):
    done = []
    with pytest.raises(UnrecordedError) as caught, clone.trail().acting(Act("apply")):
        done.append("the act")
    assert done == []
    assert caught.value.exit_code == 5
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.fault("O01")
@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EIO", "EDQUOT"])
def test_nothing_is_done_when_the_disk_refuses_the_entry(begun, error):
    failpoints.arm(f"audit.before_entries=raise:{error}")
    try:
        refuses(begun)
    finally:
        failpoints.ARMED.clear()
    with begun.trail().acting(Act("apply")):
        pass
    assert begun.outcomes() == [("begun", ""), ("done", "")]
    assert begun.problems() == []


@pytest.mark.fault("O01")
@pytest.mark.parametrize("name", ["head", "segments/000000000000.jsonl"])
def test_a_file_of_the_log_that_takes_no_writing_is_named(begun, name):
    path = begun.root / "platform" / name
    real = path.rename(path.with_name("real"))
    path.symlink_to(real)  # what a link leads to is not written, by root neither
    assert f"cannot write {path}: " in refuses(begun)
    real.replace(path)
    with begun.trail().acting(Act("apply")):
        pass
    assert begun.outcomes()[-2:] == [("begun", ""), ("done", "")]
    assert begun.problems() == []


@pytest.mark.fault("O02")
def test_nothing_is_done_when_the_disk_hangs_and_nobody_waits_for_long(begun, monkeypatch):
    monkeypatch.setattr(trails, "AUDIT_SECONDS", 0.05)
    failpoints.arm("audit.before_entries=sleep:300")
    try:
        assert "longer than 0.05 s" in refuses(begun)
    finally:
        failpoints.ARMED.clear()
    deadline = time.monotonic() + 60
    while not begun.outcomes() and time.monotonic() < deadline:  # the late write comes to its end, and is sound
        time.sleep(0.01)
    assert begun.problems() == []


def test_nothing_is_done_when_a_checkpoint_that_is_due_cannot_be_made(begun):
    key = begun.root / "nowhere"
    done = []
    with (
        pytest.raises(UnrecordedError, match="signing key"),
        begun.trail(AuditSettings(key=str(key), checkpoint_entries=1)).acting(Act("apply")),
    ):
        done.append("the act")
    assert done == []


def test_acts_for_a_tenant_are_in_a_log_of_its_own(begun):
    for tenant in ("acme", "globex"):
        with begun.trail().acting(Act("apply", tenant=tenant)):
            pass
    assert [log.name for log in open_logs(begun.root)] == ["platform", "tenants/acme", "tenants/globex"]
    assert begun.outcomes("acme") == [("begun", ""), ("done", "")]
    assert begun.outcomes() == []
    assert len({open_log(begun.root, name).key() for name in ("", "acme", "globex")}) == 3


@pytest.mark.parametrize("name", ["../platform", "a/b", "Acme", "", "x" * 64])
def test_what_is_no_name_of_a_tenant_is_recorded_by_the_platform(begun, name):
    with begun.trail().acting(Act("apply", tenant=name)):
        pass
    assert begun.outcomes() == [("begun", ""), ("done", "")]
    assert [log.name for log in open_logs(begun.root)] == ["platform"]


def test_a_name_that_is_no_tenant_of_the_repository_begins_no_log(begun):
    trail = Trail(begun.root, AuditSettings(), begun.repository, ADA, begun.now, {"acme"}.__contains__)
    for tenant in ("acme", "acne"):
        with trail.acting(Act("apply", tenant=tenant)) as account:
            account.note_value("pin", b"1234")
    assert [log.name for log in open_logs(begun.root)] == ["platform", "tenants/acme"]
    assert [entry.tenant for entry in open_log(begun.root).entries() if entry.act == "apply"] == ["acne", "acne"]


def test_a_tenant_that_left_the_repository_keeps_its_log(begun):
    with begun.trail().acting(Act("apply", tenant="acme")):
        pass
    later = Trail(begun.root, AuditSettings(), begun.repository, ADA, begun.now, lambda _: False)
    with later.acting(Act("apply", tenant="acme")):
        pass
    assert len(begun.outcomes("acme")) == 4
    later.checkpoint()
    shutil.rmtree(begun.root / "tenants")
    with pytest.raises(UnrecordedError, match="acme is gone"), later.acting(Act("apply", tenant="acme")):
        raise AssertionError("it is done")


def test_settings_with_any_flipped_bit_are_refused(begun):
    path = begun.root / "settings.json"
    content = path.read_bytes()
    for at, flipped in flips(content, 1):
        path.write_bytes(flipped)
        with pytest.raises(IntegrityError, match="not as llmcfg wrote it"):
            assert read_audit_settings(begun.root) is None, at
    path.write_bytes(content)
    assert read_audit_settings(begun.root) == AuditSettings()


def test_settings_that_are_gone_are_made_anew_on_record(begun):
    (begun.root / "settings.json").unlink()
    assert begun.begin(keep_days=30).keep_days == 30
    assert begun.outcomes(verb="audit.init") == [("begun", ""), ("done", "")] * 2
    assert begun.problems() == []


def test_a_log_of_a_tenant_is_the_same_whatever_others_do(tmp_path, monkeypatch):
    """Byte for byte, but for what is random: keys, ids, and the words that join entries."""
    contents = []
    for others in (0, 7):
        numbers = count()
        monkeypatch.setattr(trails.secrets, "token_hex", lambda size, numbers=numbers: f"{next(numbers):0{2 * size}}")
        clone = Clone(tmp_path / f"{others}")
        clone.begin()
        for number in range(4):
            clone.seconds = 100 * (number + 1)
            numbers = count(1000 * (number + 1))
            monkeypatch.setattr(trails.secrets, "token_hex", lambda size, it=numbers: f"{next(it):0{2 * size}}")
            log = open_log(clone.root, "acme")
            if not log.exists:
                log.folder.mkdir(parents=True)
                (log.folder / "key").write_bytes(bytes(32))
                (log.folder / "key").chmod(0o600)
            with clone.trail().acting(Act("apply", tenant="acme")):
                pass
            for other in range(others):
                with clone.trail().acting(Act("secret.set", f"secret {other}", tenant="globex")):
                    pass
        contents.append(b"".join(segment.path.read_bytes() for segment in log.segments()))
    assert contents[0] == contents[1]


# checkpoints


def test_checkpoints_are_made_from_time_to_time_and_cover_every_log(begun):
    for number in range(40):
        with begun.trail().acting(Act("apply", tenant="acme" if number % 2 else "")):
            pass
    tree = begun.repository.read_tree(begun.repository.read_ref(REF))
    assert set(tree) == {"platform/checkpoint", "tenants/acme/checkpoint"}
    assert begun.problems() == []
    assert len(list(begun.repository.history(begun.repository.read_ref(REF)))) < 8


def test_a_checkpoint_is_due_after_an_hour(begun):
    before = begun.repository.read_ref(REF)
    with begun.trail().acting(Act("apply")):
        pass
    assert begun.repository.read_ref(REF) == before
    begun.seconds += 3600
    with begun.trail().acting(Act("apply")):
        assert begun.repository.read_ref(REF) != before


def test_a_checkpoint_is_due_though_the_clock_was_set_back(begun):
    before = begun.repository.read_ref(REF)
    begun.seconds -= 3600 * 24
    with begun.trail().acting(Act("apply")):
        assert begun.repository.read_ref(REF) != before
    assert begun.problems() == []


@pytest.mark.fault("O04")
def test_an_older_log_in_the_place_of_a_newer_one_is_found(begun, tmp_path):
    shutil.copytree(begun.root, tmp_path / "old")
    with begun.trail().acting(Act("apply")):
        pass
    begun.trail().checkpoint()
    shutil.rmtree(begun.root)
    shutil.copytree(tmp_path / "old", begun.root)
    (problem,) = begun.problems()
    assert problem.message == "it is older than its checkpoint in Git: 3 entries, and there were 5"


def test_a_log_that_was_written_anew_with_its_key_is_found(begun, tmp_path):
    """Who has the key can make a chain that holds, and not the one that Git has a checkpoint of."""
    shutil.copytree(begun.root, tmp_path / "old")
    for verb in ("apply", "rollback"):
        with begun.trail().acting(Act(verb)):
            pass
        begun.trail().checkpoint()
        if verb == "apply":
            shutil.rmtree(begun.root)
            shutil.copytree(tmp_path / "old", begun.root)
    assert "are not those of the checkpoint in Git" in begun.problems()[0].message


def test_a_log_that_is_gone_is_not_begun_anew(begun):
    with begun.trail().acting(Act("apply", tenant="acme")):
        pass
    begun.trail().checkpoint()
    shutil.rmtree(begun.root / "tenants")
    with pytest.raises(UnrecordedError, match="acme is gone"), begun.trail().acting(Act("apply", tenant="acme")):
        raise AssertionError("it is done")
    assert [problem.message for problem in begun.problems()] == ["it is gone, and Git has checkpoints of it"]
    shutil.rmtree(begun.root)
    with pytest.raises(ConflictError, match="not here"):
        begun.begin()


def test_a_ref_that_is_gone_is_missed(begun):
    begun.written.git("update-ref", "-d", REF)
    assert "Git has no checkpoint of the 3 entries" in begun.problems()[0].message


def test_checkpoints_are_signed_with_the_key_of_the_machine(clone, signing_key):
    settings = clone.begin(key=signing_key())
    tree = clone.repository.read_tree(clone.repository.read_ref(REF))
    assert tree["platform/checkpoint.sig"].startswith(b"-----BEGIN SSH SIGNATURE-----")
    assert settings.signer.startswith("ssh-ed25519 ")
    assert clone.problems() == []


def test_a_checkpoint_of_somebody_else_is_found(clone, signing_key):
    clone.begin(key=signing_key())
    other = clone.trail(AuditSettings(key=str(signing_key("other"))))
    with other.acting(Act("apply")):
        pass
    other.checkpoint()
    assert "and not by" in clone.problems()[0].message
    clone.begin()
    assert clone.problems() == []


def test_another_key_takes_over(clone, signing_key):
    clone.begin(key=signing_key())
    with clone.trail(clone.begin()).acting(Act("apply", tenant="acme")):
        pass
    clone.begin(key=signing_key("other"))
    assert clone.problems() == []


@pytest.mark.parametrize("form", ["PEM", "OpenSSH"])
def test_a_signing_key_is_read_in_both_forms(clone, signing_key, form):
    clone.begin(key=signing_key(form=form))
    assert clone.problems() == []


def test_a_signing_key_that_others_may_read_is_refused(clone, signing_key):
    key = signing_key()
    key.chmod(0o640)
    with pytest.raises(NotAuthorisedError, match="by others"):
        clone.begin(key=key)
    assert not clone.root.exists()


def test_a_signing_key_of_another_kind_is_refused(clone, tmp_path):
    key = tmp_path / "key"
    key.write_text("hello")
    key.chmod(0o600)
    with pytest.raises(UsageError, match="no private key"):
        clone.begin(key=key)
