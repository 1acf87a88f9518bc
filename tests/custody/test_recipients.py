"""Recipients brought in step with `.sops.yaml`: the plan needs no key, and all files are written or none."""

from __future__ import annotations

import os

import pytest

from llmcfg.custody.recipients import SyncPlan, count_by_key, plan_sync, synced_files
from llmcfg.errors import ConflictError, LlmcfgError, NotAuthorisedError, NotFoundError, UsageError
from llmcfg.git.committing import commit, uncommitted
from llmcfg.git.program import Git
from llmcfg.secrets.age import decrypt, encrypt_to, generate_identity
from llmcfg.secrets.inspection import inspect_file
from llmcfg.secrets.sops.files import decrypt_file
from llmcfg.secrets.sops.model import FileType
from support.sealed import sealed
from support.written import WrittenRepository

ADA, BOB, CAROL = (generate_identity() for _ in range(3))
TEXT = "# who\na: one\n\nb: 'two' # kept\n"
ARN = "arn:aws:kms:us-east-1:1:key/a"
A, P = "base/secrets/a.yaml", "environments/prod/secrets/p.yaml"


def names(*identities) -> tuple[str, ...]:
    return tuple(identity.recipient.text for identity in identities)


def rules(*identities, path: str = "") -> str:
    where = f"path_regex: {path}, " if path else ""
    return f"creation_rules: [{{{where}age: [{', '.join(names(*identities))}]}}]\n"


def whole(*identities) -> str:
    return encrypt_to([identity.recipient for identity in identities], b"cert").decode()


@pytest.fixture
def written(tmp_path) -> WrittenRepository:
    files = {".sops.yaml": rules(ADA, BOB), A: sealed(TEXT, names(ADA, BOB)), P: sealed(TEXT, names(ADA, BOB))}
    return WrittenRepository(tmp_path / "shop", files)


def planned(written: WrittenRepository, *named: str) -> SyncPlan:
    custody = written.workspace().custody(list)
    return plan_sync(custody.configuration, lambda file: True, lambda file: file in named)


def synced(written: WrittenRepository, *identities, named: tuple[str, ...] = ()) -> dict[str, bytes]:
    custody = written.workspace().custody(lambda: identities)
    plan = plan_sync(custody.configuration, lambda file: True, lambda file: file in named)
    return synced_files(custody, plan)


def recipients(content: bytes) -> tuple[str, ...]:
    metadata = inspect_file("a.yaml", content).metadata
    assert metadata is not None
    return metadata.recipients


def test_files_in_step_are_not_planned_for(written):
    assert planned(written) == SyncPlan((), 2)


def test_a_recipient_that_comes_changes_nothing_but_the_list(written):
    before = (written.path / A).read_bytes()
    written.commit({".sops.yaml": rules(ADA, BOB, CAROL)})
    content = synced(written, BOB)[A]
    assert recipients(content) == names(ADA, BOB, CAROL)
    lines = content.splitlines()
    assert [line for line in before.splitlines() if line not in lines] == []
    assert decrypt_file(content, FileType.YAML, [CAROL]).plain == decrypt_file(before, FileType.YAML, [ADA]).plain


def test_a_recipient_that_goes_takes_the_data_key_with_it(written):
    before = decrypt_file((written.path / A).read_bytes(), FileType.YAML, [BOB])
    written.commit({".sops.yaml": rules(ADA)})
    plan = planned(written)
    assert [(one.file, one.state, one.change.removed) for one in plan.files] == [
        (A, "differs", names(BOB)), (P, "differs", names(BOB)),
    ]  # fmt: skip
    assert count_by_key(plan) == {f"- {names(BOB)[0]}": 2}
    content = synced(written, ADA)[A]
    after = decrypt_file(content, FileType.YAML, [ADA])
    assert after.plain == before.plain
    assert after.data_key != before.data_key
    with pytest.raises(NotAuthorisedError):
        decrypt_file(content, FileType.YAML, [BOB])


def test_one_file_that_cannot_be_opened_keeps_all_from_being_written(written):
    written.commit({".sops.yaml": rules(ADA, CAROL), P: sealed(TEXT, names(BOB))})
    with pytest.raises(NotAuthorisedError, match=rf"{P}: none of the keys at hand .*; nothing was written"):
        synced(written, ADA)


def test_key_groups_and_threshold_follow_the_rule(written):
    groups = ", ".join(f"{{age: [{name}]}}" for name in names(ADA, BOB, CAROL))
    written.commit({".sops.yaml": f"creation_rules: [{{shamir_threshold: 2, key_groups: [{groups}]}}]\n"})
    content = synced(written, ADA)[A]
    metadata = inspect_file(A, content).metadata
    assert metadata is not None
    assert (len(metadata.groups), metadata.needed) == (3, 2)
    assert decrypt_file(content, FileType.YAML, [BOB, CAROL]).plain
    written.commit({A: content.decode(), P: content.decode()})
    assert planned(written).files == ()


def test_a_file_that_no_rule_matches_and_a_damaged_one_are_refused(written):
    written.commit({".sops.yaml": rules(ADA, BOB, path="^base/"), A: sealed(TEXT).replace("version:", "vision:")})
    assert [(one.file, one.state, one.why.partition(":")[0]) for one in planned(written).files] == [
        (A, "refused", "it is damaged"),
        (P, "refused", "no creation rule of .sops.yaml matches it"),
    ]


def test_keys_of_other_services_are_kept_or_taken_out_and_never_lost_by_accident(written):
    foreign = sealed(TEXT, names(ADA, BOB)).replace("sops:\n", f"sops:\n    kms: [{{arn: '{ARN}', enc: abc}}]\n")
    both = f"creation_rules: [{{kms: '{ARN}', age: [{', '.join(names(ADA, BOB, CAROL))}]}}]\n"
    written.commit({A: foreign, P: None, ".sops.yaml": both})
    content = synced(written, ADA)[A]
    assert recipients(content) == names(ADA, BOB, CAROL)
    assert ARN.encode() in content
    written.commit({".sops.yaml": f"creation_rules: [{{kms: '{ARN}', age: [{names(ADA)[0]}]}}]\n"})
    (one,) = planned(written).files
    assert one.state == "refused"
    assert "could not be encrypted for the keys of other services" in one.why
    written.commit({".sops.yaml": rules(ADA, BOB)})
    content = synced(written, ADA)[A]
    assert ARN.encode() not in content
    assert decrypt_file(content, FileType.YAML, [BOB]).plain


def test_an_age_file_is_encrypted_anew_when_its_recipients_must_differ_or_it_is_named(written):
    cert = "base/secrets/cert.age"
    written.commit({cert: whole(ADA, CAROL)})
    (one,) = planned(written).files
    assert (one.file, one.state) == (cert, "unknown")
    assert not planned(written).has_differences
    (one,) = planned(written, cert).files
    assert one.state == "differs"
    content = synced(written, CAROL, named=(cert,))[cert]
    assert decrypt(content, [BOB]) == b"cert"
    written.commit({cert: whole(ADA)})
    (one,) = planned(written).files
    assert one.state == "differs"


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(written):
    written.commit({".sops.yaml": rules(ADA)})
    custody = written.workspace().custody(lambda: [ADA])
    plan = plan_sync(custody.configuration, lambda file: True, lambda file: False)
    (written.path / A).write_text("changed: 1\n")
    with pytest.raises(ConflictError, match=f"{A} changed after it was looked at"):
        synced_files(custody, plan)


def test_without_sound_rules_nothing_is_planned(written):
    written.commit({".sops.yaml": "creation_rules: [{age: nobody}]\n"})
    with pytest.raises(UsageError, match=r"^\.sops\.yaml:1:24: 'nobody' is not a recipient"):
        planned(written)
    written.commit({".sops.yaml": None})
    with pytest.raises(NotFoundError, match="there are no creation rules"):
        planned(written)


def test_a_commit_holds_its_files_and_leaves_what_else_is_staged(written):
    git = Git(written.path, {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "LLMCFG_AGE_KEY": "private"})
    (written.path / "staged.txt").write_text("x")
    written.git("add", "staged.txt")
    (written.path / A).write_text("new: 1\n")
    (written.path / P).write_text("new: 2\n")
    assert uncommitted(git, [A, P, ".sops.yaml"]) == (A, P)
    oid = commit(git, [A], "one file")
    assert written.git("show", "--name-only", "--format=%s", oid).split() == ["one", "file", A]
    assert written.git("status", "--short").split() == ["M", P, "A", "staged.txt"]


def test_a_hook_may_refuse_the_commit_and_sees_no_private_key(written):
    hook = written.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "key=$LLMCFG_AGE_KEY" >&2\nexit 1\n')
    hook.chmod(0o755)
    (written.path / A).write_text("new: 1\n")
    git = Git(written.path, {**os.environ, "LLMCFG_AGE_KEY": "private"})
    with pytest.raises(LlmcfgError, match=r"git commit failed: key=$"):
        commit(git, [A], "one file")
