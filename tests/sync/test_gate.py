"""Which commits count and what may run where, by a root of trust, in a real repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError, NotAuthorisedError
from llmcfg.git.repository import open_repository
from llmcfg.sync.gate import Gate
from llmcfg.sync.pathrules import decided_paths
from llmcfg.sync.promotion import promotion_of
from llmcfg.trust.root import DeployRule, PathRule, Root
from llmcfg.wiring import Workspace
from support.signedcommits import sign_head, sign_tag
from support.written import CONSUMER, MANIFEST, WrittenRepository
from trust.roots import make_root, signed
from trust.signing import Key, ecdsa, ed25519, security_key

ADA, BEN, EVE = ed25519(1), ecdsa(), ed25519(66)
SIGNERS = (ADA.line("ada").strip(), BEN.line("ben").strip())
CENTURY = 1 << 33
PROD = "environments/prod/limits.yaml"


class Guarded:
    """A repository whose commits are signed, and what a root says of them."""

    def __init__(self, folder: Path) -> None:
        files = {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 1\n", "consumers/api.yaml": CONSUMER}
        self.written = WrittenRepository(folder, files)
        self.git = self.written.git
        self.path = folder
        self.root: Root = make_root(ADA, signers=SIGNERS, expires=CENTURY, vouched=(self.head,))

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def commit(self, key: Key | None, files: dict[str, str | None]) -> str:
        self.written.commit(files)
        return sign_head(self.git, key) if key else self.head

    def says(self, **said: Any) -> None:
        self.root = make_root(ADA, **{"signers": SIGNERS, "expires": CENTURY, "vouched": self.root.vouched, **said})

    @property
    def gate(self) -> Gate:
        workspace = Workspace(self.path)
        workspace.root_store().pin(signed(self.root, ADA))
        return Gate(self.root, workspace.repository, workspace.trust_folder, _now)

    def refused(self, commit: str = "HEAD") -> list[str]:
        """The codes of what leads to a commit and does not count."""
        verdict = self.gate.judge(self.git("rev-parse", commit))
        return [one.error.code for one in verdict.refused]


def _now() -> Any:
    from trust.signing import NOW

    return NOW


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    return Guarded(tmp_path / "repository")


def test_what_is_vouched_for_is_not_judged(guarded: Guarded) -> None:
    verdict = guarded.gate.judge(guarded.head)
    assert (verdict.judged, verdict.refused) == (0, ())


def test_every_commit_after_it_is_judged_and_says_who_signed(guarded: Guarded) -> None:
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    guarded.commit(BEN, {"base/limits.yaml": "rpm: 3\n"})
    verdict = guarded.gate.judge(guarded.head)
    assert (verdict.judged, verdict.signers, verdict.refused) == (2, ("ada", "ben"), ())


@pytest.mark.fault("S11")
def test_one_unsigned_commit_in_the_middle_is_found_though_the_tip_is_signed(guarded: Guarded) -> None:
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    unsigned = guarded.commit(None, {"base/limits.yaml": "rpm: 3\n"})
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 4\n"})
    (refused,) = guarded.gate.judge(guarded.head).refused
    assert (refused.facts.commit, refused.error.code) == (unsigned, "sig-missing")


@pytest.mark.fault("S01")
def test_a_path_takes_its_own_signers(guarded: Guarded) -> None:
    guarded.says(rules=(PathRule(("environments/prod/**",), ("ben",)),))
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    assert guarded.refused() == []
    guarded.commit(ADA, {PROD: "rpm: 5\n"})
    assert guarded.refused() == ["sig-scope"]
    guarded.git("reset", "-q", "--hard", "HEAD~1")
    guarded.commit(BEN, {PROD: "rpm: 5\n"})
    assert guarded.refused() == []


def test_removing_a_protected_file_is_a_change_of_it(guarded: Guarded) -> None:
    guarded.commit(BEN, {PROD: "rpm: 5\n"})
    guarded.says(rules=(PathRule((PROD,), ("ben",)),))
    guarded.commit(ADA, {PROD: None})
    assert guarded.refused() == ["sig-scope"]


def test_a_threshold_takes_approvals_and_each_counts_once(guarded: Guarded) -> None:
    guarded.says(rules=(PathRule((PROD,), ("ada", "ben"), 2),))
    changed = guarded.commit(ADA, {PROD: "rpm: 5\n"})
    assert guarded.refused() == ["sig-few"]
    sign_tag(guarded.git, "approve/one/ada", "again\n", ADA)
    sign_tag(guarded.git, "approve/one/eve", "me too\n", EVE)
    assert guarded.refused() == ["sig-few"]
    sign_tag(guarded.git, "approve/one/ben", "looks good\n", BEN, changed)
    assert guarded.refused() == []


def test_an_approval_covers_what_leads_to_its_commit_and_nothing_after_it(guarded: Guarded) -> None:
    guarded.says(rules=(PathRule((PROD,), ("ada", "ben"), 2),))
    guarded.commit(ADA, {PROD: "rpm: 5\n"})
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    sign_tag(guarded.git, "approve/x", "looks good\n", BEN)
    assert guarded.refused() == []
    guarded.commit(ADA, {PROD: "rpm: 500\n"})
    assert guarded.refused() == ["sig-few"]


def test_an_approval_under_another_name_is_none(guarded: Guarded) -> None:
    guarded.says(rules=(PathRule((PROD,), ("ada", "ben"), 2),))
    guarded.commit(ADA, {PROD: "rpm: 5\n"})
    made = sign_tag(guarded.git, "approve/x", "looks good\n", BEN)
    guarded.git("update-ref", "-d", "refs/tags/approve/x")
    guarded.git("update-ref", "refs/tags/approve/y", made)
    assert guarded.refused() == ["sig-few"]


@pytest.mark.fault("S10")
def test_who_merges_does_not_answer_for_what_others_signed(guarded: Guarded) -> None:
    guarded.says(rules=(PathRule((PROD,), ("ben",)),))
    guarded.git("checkout", "-q", "-b", "topic")
    guarded.commit(BEN, {PROD: "rpm: 5\n"})
    guarded.git("checkout", "-q", "main")
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    guarded.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    sign_head(guarded.git, ADA)
    assert guarded.refused() == []


def test_a_merge_that_brings_a_protected_file_back_is_a_change_of_it(guarded: Guarded) -> None:
    guarded.commit(BEN, {PROD: "rpm: 5\n"})
    guarded.says(rules=(PathRule((PROD,), ("ben",)),))
    guarded.git("checkout", "-q", "-b", "topic")
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    guarded.git("checkout", "-q", "main")
    guarded.commit(BEN, {PROD: "rpm: 6\n"})
    guarded.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    (guarded.path / PROD).write_text("rpm: 5\n")
    guarded.git("commit", "-q", "-am", "merge")
    sign_head(guarded.git, ADA)
    assert guarded.refused() == ["sig-scope"]


FILES = ("base/a.yaml", "base/b.yaml", PROD)
SIDES = st.dictionaries(st.sampled_from(FILES), st.sampled_from(["1", "2", None]), max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=SIDES, ours=SIDES, theirs=SIDES, outcome=SIDES)
def test_a_merge_decides_what_neither_side_alone_leads_to(
    tmp_path_factory: pytest.TempPathFactory, before: Any, ours: Any, theirs: Any, outcome: Any
) -> None:
    """Against brute force over every file: the plain outcome is that of the side that changed it, if only one did."""
    written = WrittenRepository(tmp_path_factory.mktemp("merge"), {"llmcfg.yaml": MANIFEST, "base/c.yaml": "x: 1\n"})
    start = _state(written, {}, before, "before")
    written.git("checkout", "-q", "-b", "topic")
    second = _state(written, start, theirs, "theirs")
    written.git("checkout", "-q", "main")
    first = _state(written, start, ours, "ours")
    written.git("merge", "-q", "-s", "ours", "--no-ff", "-m", "merge", "topic")
    last = _state(written, first, outcome, "outcome", "--amend")
    repository = open_repository(written.path)
    decided = decided_paths(repository.facts(written.git("rev-parse", "HEAD")), repository)
    expected = set[str]()
    for path in FILES:
        base, one, two, end = (state.get(path) for state in (start, first, second, last))
        plain = {two} if one == base else {one} if two == base else {one} if one == two else set()
        expected |= {path} if end not in plain else set()
    assert set(decided) == expected


def _state(
    written: WrittenRepository, before: dict[str, str], change: Any, message: str, *options: str
) -> dict[str, str]:
    """A commit on top, and which files with which value there are then."""
    after = {path: value for path, value in {**before, **change}.items() if value is not None}
    for path in FILES:
        file = written.path / path
        file.unlink(missing_ok=True)
        if path in after:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"x: {after[path]}\n")
    written.git("add", "-A")
    written.git("commit", "-q", "--allow-empty", "-m", message, *options)
    return after


@pytest.mark.fault("S09")
def test_a_commit_of_another_history_is_refused(guarded: Guarded) -> None:
    guarded.git("checkout", "-q", "--orphan", "other")
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 7\n"})
    with pytest.raises(IntegrityError, match="not from what the root of trust vouches for") as refused:
        guarded.gate.judge(guarded.head)
    assert refused.value.code == "sig-scope"


def test_a_branch_that_left_before_what_is_vouched_for_is_judged_by_its_own_commits(guarded: Guarded) -> None:
    guarded.git("branch", "release")
    guarded.written.commit({"base/limits.yaml": "rpm: 2\n"})
    guarded.says(vouched=(guarded.head,))
    guarded.git("checkout", "-q", "release")
    assert guarded.refused() == []
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 3\n"})
    assert guarded.refused() == []
    guarded.commit(None, {"base/limits.yaml": "rpm: 4\n"})
    assert guarded.refused() == ["sig-missing"]


def test_with_a_base_only_what_is_beyond_it_and_nobody_vouched_for_is_judged(guarded: Guarded) -> None:
    old = guarded.head
    guarded.written.commit({"base/limits.yaml": "rpm: 2\n"})
    guarded.says(vouched=(guarded.head,))
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 3\n"})
    verdict = guarded.gate.judge(guarded.head, old)
    assert (verdict.judged, verdict.refused) == (1, ())


def test_approvals_are_read_only_where_a_commit_needs_them(guarded: Guarded) -> None:
    guarded.says(rules=(PathRule((PROD,), ("ben",)),))
    guarded.commit(BEN, {PROD: "rpm: 5\n"})
    damaged = sign_tag(guarded.git, "approve/x", "looks good\n", BEN)
    (guarded.path / ".git/objects" / damaged[:2] / damaged[2:]).unlink()
    assert guarded.refused() == []


def test_a_key_that_may_not_sign_commits_is_told_so_and_asked_for_no_approval(guarded: Guarded) -> None:
    guarded.says(signers=(ADA.line("ada", 'namespaces="file"').strip(),))
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 3\n"})
    (refused,) = guarded.gate.judge(guarded.head).refused
    assert refused.error.code == "sig-scope"
    assert "approve" not in guarded.gate.hint(refused)


@pytest.mark.fault("S06")
def test_a_key_that_was_revoked_is_told_with_the_version_that_says_so_and_who_signs_again(guarded: Guarded) -> None:
    guarded.says(revoked={BEN.public.fingerprint: 4})
    before = guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    guarded.commit(BEN, {"base/limits.yaml": "rpm: 3\n"})
    (refused,) = guarded.gate.judge(guarded.head).refused
    assert refused.error.code == "sig-revoked"
    assert refused.error.reason.endswith("was revoked by version 4 of the root of trust")
    assert f"git rebase --force-rebase --gpg-sign {before[:10]}" in guarded.gate.hint(refused)


def test_an_expired_root_lets_nothing_count(guarded: Guarded) -> None:
    guarded.says(expires=int(_now().timestamp()), issued=5)
    with pytest.raises(IntegrityError, match="has expired"):
        guarded.gate.judge(guarded.head)


def require(guarded: Guarded, environment: str) -> None:
    workspace = Workspace(guarded.path)
    guarded.gate.require(workspace.resolve(None), workspace.snapshot("HEAD"), environment)


def promotion(guarded: Guarded, environment: str = "prod", **said: str) -> str:
    workspace = Workspace(guarded.path)
    made = promotion_of(guarded.root, environment, workspace.resolve(None), workspace.snapshot("HEAD"))
    return f"promote\n\n{made._replace(**said).text}"


def test_a_protected_environment_runs_what_is_promoted_to_it(guarded: Guarded) -> None:
    guarded.says(environments={"prod": DeployRule(("ben",))})
    require(guarded, "dev")
    with pytest.raises(NotAuthorisedError, match="is not promoted to prod: nobody") as refused:
        require(guarded, "prod")
    assert "llmcfg trust promote prod" in refused.value.hint
    sign_tag(guarded.git, "promote/prod/1", promotion(guarded), BEN)
    require(guarded, "prod")


@pytest.mark.fault("S09")
@pytest.mark.parametrize(
    "said",
    [{"environment": "dev"}, {"repository": "f" * 32}, {"commit": "1" * 40}, {"tree": "2" * 64}],
    ids=["another environment", "another repository", "another commit", "other files"],
)
def test_a_promotion_of_something_else_is_none(guarded: Guarded, said: dict[str, str]) -> None:
    guarded.says(environments={"prod": DeployRule(("ben",))})
    sign_tag(guarded.git, "promote/prod/1", promotion(guarded, **said), BEN)
    with pytest.raises(NotAuthorisedError):
        require(guarded, "prod")


def test_a_promotion_by_somebody_else_or_of_a_later_commit_is_none(guarded: Guarded) -> None:
    guarded.says(environments={"prod": DeployRule(("ben",))})
    sign_tag(guarded.git, "promote/prod/ada", promotion(guarded), ADA)
    with pytest.raises(NotAuthorisedError):
        require(guarded, "prod")
    sign_tag(guarded.git, "promote/prod/ben", promotion(guarded), BEN)
    guarded.commit(ADA, {"base/limits.yaml": "rpm: 2\n"})
    with pytest.raises(NotAuthorisedError):
        require(guarded, "prod")


def test_two_have_to_promote_where_the_root_says_so(guarded: Guarded) -> None:
    guarded.says(environments={"prod": DeployRule(("ada", "ben"), 2)})
    sign_tag(guarded.git, "promote/prod/ben", promotion(guarded), BEN)
    with pytest.raises(NotAuthorisedError, match="1 of 2"):
        require(guarded, "prod")
    sign_tag(guarded.git, "promote/prod/ada", promotion(guarded), ADA)
    require(guarded, "prod")


def test_what_was_accepted_here_still_counts_when_its_signer_is_gone(guarded: Guarded) -> None:
    guarded.commit(BEN, {"base/limits.yaml": "rpm: 2\n"})
    require(guarded, "dev")
    guarded.says(signers=SIGNERS[:1])
    assert guarded.refused() == []
    guarded.commit(BEN, {"base/limits.yaml": "rpm: 3\n"})
    assert guarded.refused() == ["sig-unknown"]


def test_a_new_epoch_judges_anew(guarded: Guarded) -> None:
    guarded.commit(BEN, {"base/limits.yaml": "rpm: 2\n"})
    require(guarded, "dev")
    guarded.says(signers=SIGNERS[:1], epoch=2)
    assert guarded.refused() == ["sig-unknown"]


def test_a_security_key_signs_commits(guarded: Guarded) -> None:
    guarded.says(signers=(security_key().line("cleo").strip(),))
    guarded.commit(security_key(), {"base/limits.yaml": "rpm: 2\n"})
    assert guarded.refused() == []
