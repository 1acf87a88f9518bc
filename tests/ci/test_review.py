"""What a review says: what is new and what is old, how risky, what happened to secrets, and what could not be looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from llmcfg.ci.base import Base
from llmcfg.ci.links import Links
from llmcfg.ci.occasion import Occasion
from llmcfg.ci.review import ANYBODY, Proposed, review
from llmcfg.model.findings import Finding, Origin
from llmcfg.model.rules import Severity
from llmcfg.secrets.age import generate_identity
from llmcfg_cli.views.ci_markdown import review_blocks
from support.sealed import NAMES, sealed
from support.written import CONSUMER, MANIFEST, WrittenRepository

DAY = date(2026, 11, 25)
PROTECTED = MANIFEST.replace("prod: {}", "prod: {protected: true}")
TENANTS = PROTECTED + "tenants: {acme: {}, beta: {}}\n"
FILES = {"llmcfg.yaml": PROTECTED, "base/a.yaml": "size: 1\nm: 1\n", "consumers/api.yaml": CONSUMER}
AMBIGUOUS = "size: 1\n\nflag: yes\n"


@pytest.fixture
def repository(tmp_path):
    return WrittenRepository(tmp_path / "made", FILES)


def reviewed(repository, *, base="HEAD~1", folder=".", proposed=ANYBODY):
    from llmcfg.wiring import Workspace

    workspace = Workspace(repository.path / folder)
    commit = workspace.resolve(base).commit if base else None
    return review(workspace, Base(commit, "as told"), workspace.resolve("HEAD"), as_of=DAY, proposed=proposed)


def rules(findings):
    return [finding.rule_id for finding in findings]


def test_nothing_that_changes_is_nothing_to_tell(repository) -> None:
    repository.commit({"README.md": "words\n"})
    found = reviewed(repository)
    assert found.is_empty
    assert found.risk.level == "none"


def test_a_finding_that_only_moved_is_not_new(repository) -> None:
    repository.commit({"base/b.yaml": AMBIGUOUS})
    repository.commit({"base/b.yaml": f"# a line\n# and another\n{AMBIGUOUS}"})
    found = reviewed(repository)
    assert (rules(found.new), rules(found.old), found.gone) == ([], ["yaml-ambiguous"], 0)


def test_a_file_that_was_renamed_keeps_its_findings(repository) -> None:
    repository.commit({"base/b.yaml": AMBIGUOUS})
    repository.commit({"base/b.yaml": None, "base/c.yaml": AMBIGUOUS})
    found = reviewed(repository)
    assert (rules(found.new), rules(found.old)) == ([], ["yaml-ambiguous"])


def test_the_same_mistake_once_more_is_new_and_one_that_goes_is_counted(repository) -> None:
    repository.commit({"base/b.yaml": AMBIGUOUS})
    repository.commit({"base/b.yaml": None, "base/c.yaml": AMBIGUOUS + "other: no\n"})
    found = reviewed(repository)
    assert (rules(found.new), rules(found.old), found.gone) == (["yaml-ambiguous"] * 2, [], 1)


def test_errors_hold_a_change_up_whoever_brought_them_and_lesser_findings_only_when_new(repository) -> None:
    repository.commit({"base/b.yaml": AMBIGUOUS})
    repository.commit({"base/a.yaml": "size: 2\n"})
    found = reviewed(repository)
    assert rules(found.blocking(Severity.ERROR)) == ["yaml-ambiguous"]
    warning = Finding("overlay-no-effect", "is not used", Origin("base/a.yaml", 1, 1))
    assert warning.severity is Severity.WARNING
    assert replace(found, new=(warning,), old=()).blocking(Severity.ERROR) == ()
    assert replace(found, new=(warning,), old=()).blocking(Severity.WARNING) == (warning,)
    assert replace(found, new=(), old=(warning,)).blocking(Severity.WARNING) == ()


def test_what_cannot_be_read_is_told_and_not_shown_as_gone(repository) -> None:
    repository.commit({"base/a.yaml": "size: [1\n"})
    found = reviewed(repository)
    assert found.difference.values == ()
    assert found.unseen == (
        "bundles that cannot be built are left out: dev/_shared/api, prod/_shared/api",
        "documents that cannot be read are left out: a",
    )


def test_a_manifest_that_cannot_be_built_from_is_a_finding_and_nothing_is_compared(repository) -> None:
    repository.commit({"llmcfg.yaml": "kind: Nothing\n"})
    found = reviewed(repository)
    assert found.difference.is_empty
    assert "llmcfg.yaml cannot be built from, so nothing could be compared" in found.unseen
    assert found.blocking(Severity.ERROR)
    repository.commit({"llmcfg.yaml": PROTECTED})
    mended = reviewed(repository)
    assert mended.gone > 0
    assert mended.difference.targets_added == ("dev/_shared/api", "prod/_shared/api")


def test_before_the_first_commit_all_is_new(repository) -> None:
    found = reviewed(repository, base=None)
    assert len(found.difference.values) == 2
    assert len(found.difference.targets_added) == 2


def test_each_environment_is_counted_and_protected_ones_come_first(repository) -> None:
    repository.commit({"environments/dev/a.yaml": "m: 2\n", "base/a.yaml": "size: 2\nm: 1\n"})
    prod, dev = reviewed(repository).environments
    assert (prod.name, prod.is_protected, prod.bundles, prod.affected, prod.values) == ("prod", True, 1, 1, 1)
    assert (dev.name, dev.is_protected, dev.bundles, dev.affected, dev.values) == ("dev", False, 1, 1, 2)


def test_an_environment_that_loses_its_protection_still_counts_as_protected(repository) -> None:
    repository.commit({"llmcfg.yaml": MANIFEST, "base/a.yaml": "size: 2\nm: 1\n"})
    prod, _ = reviewed(repository).environments
    assert (prod.name, prod.is_protected, prod.decisions) == ("prod", True, 1)


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"environments/dev/a.yaml": "size: 2\n"}, "low"),
        ({"environments/prod/a.yaml": "size: 2\n"}, "high"),  # all of several bundles
        ({"tenants/acme/environments/prod/a.yaml": "size: 2\n"}, "medium"),  # one of three
        ({"tenants/acme/environments/prod/b.yaml": "size: [\n"}, "high"),
        ({"llmcfg.yaml": TENANTS.replace(", beta: {}", "")}, "high"),
    ],
)
def test_the_risk_follows_from_where_and_how_far_it_reaches(tmp_path, change, level) -> None:
    everybody = CONSUMER + 'tenants: "*"\nshared: true\n'
    made = WrittenRepository(tmp_path / "r", {**FILES, "llmcfg.yaml": TENANTS, "consumers/api.yaml": everybody})
    made.commit(change)
    assert reviewed(made).risk.level == level


def test_a_value_that_changes_is_shown_with_where_both_sides_are_written(repository) -> None:
    repository.commit({"environments/prod/a.yaml": "# why\nsize: 2\n"})
    found = reviewed(repository)
    (origins,) = found.origins
    assert origins == (Origin("base/a.yaml", 1, 1), Origin("environments/prod/a.yaml", 2, 1))


def test_a_value_that_comes_has_no_place_before(repository) -> None:
    repository.commit({"base/b.yaml": "x: 1\n"})
    assert reviewed(repository).origins == [(None, Origin("base/b.yaml", 1, 1))]


def test_places_are_linked_so_that_the_address_does_not_depend_on_the_commit() -> None:
    pull = Occasion("github", branch="main", address="https://github.com/o/r", number=7, commit="c" * 40)
    links = Links(pull, "config/", {"base/a.yaml"})
    mark = "86dda9cd7ef37ad2f4d4cd66bbd1a0c1d16d5fea0d0a26a6ef1d8e2a3aa2dcf5"
    changed = links(Origin("base/a.yaml", 3, 1), False)
    assert changed.startswith("https://github.com/o/r/pull/7/files#diff-")
    assert len(changed.rpartition("-")[2]) == len(f"{mark}R3")
    assert changed.endswith("R3")
    assert links(Origin("base/a.yaml", 3, 1), True).endswith("L3")
    other = links(Origin("base/o (x)[y].yaml", 3, 1), False)
    assert other == "https://github.com/o/r/blob/main/config/base/o%20%28x%29%5By%5D.yaml#L3"
    assert Links(Occasion(), "", ())(Origin("a", 1), False) == ""
    assert Links(replace(pull, address="javascript:alert(1)"), "", ())(Origin("a", 1), False) == ""


LIMITS = """
apiVersion: llmcfg.dev/v1
kind: ChangeLimits
steps:
- {keys: [a.size], by: 2}
"""


def test_the_limits_of_the_repository_hold_the_change_and_their_findings_are_like_any_other(repository) -> None:
    repository.commit({"policies/limits.yaml": LIMITS})
    repository.commit({"base/a.yaml": "size: 9\nm: 1\n"})
    found = reviewed(repository)
    assert found.new != ()
    assert all(finding.rule_id.startswith(("limit-", "change-")) for finding in found.new), rules(found.new)
    assert found.risk.reasons == ("it brings errors",)


def test_a_configuration_in_a_folder_of_its_repository_is_reviewed_by_itself(tmp_path) -> None:
    made = WrittenRepository(tmp_path / "mono")
    made.commit({f"config/llm/{path}": text for path, text in FILES.items()})
    made.commit({"config/llm/base/a.yaml": "size: 2\nm: 1\n", "src/main.py": "x\n"})
    found = reviewed(made, folder="config/llm")
    assert len(found.difference.values) == 1
    assert found.changed_files == {"base/a.yaml"}


def test_line_ends_alone_change_nothing(repository) -> None:
    (repository.path / "base/a.yaml").write_bytes(b"size: 1\r\nm: 1\r\n")
    repository.git("-c", "core.autocrlf=false", "commit", "-q", "-a", "-m", "CRLF")
    found = reviewed(repository)
    assert found.changed_files == {"base/a.yaml"}
    assert found.is_empty


def test_moving_a_document_moves_its_keys(repository) -> None:
    repository.commit({"base/a.yaml": None, "base/moved/a.yaml": "size: 1\nm: 1\n"})
    keys = {".".join(map(str, one.change.path)): one.change.kind for one in reviewed(repository).difference.values}
    assert keys == {"a.size": "removed", "a.m": "removed", "moved.a.size": "added", "moved.a.m": "added"}


# secrets


def secret_change(tmp_path: Path, before: str | None, after: str | None):
    place = "base/secrets/keys.yaml"
    made = WrittenRepository(tmp_path / "r", {**FILES, **({place: before} if before else {})})
    made.commit({place: after})
    (found,) = reviewed(made).secret_files
    return found


THREE = "openai: one\nmistral: two\nother: three\n"


def test_a_secret_that_comes_is_told_by_name(tmp_path) -> None:
    found = secret_change(tmp_path, None, sealed(THREE))
    assert (found.what, found.names) == ("added", ("openai", "mistral", "other"))


def test_a_file_that_was_encrypted_anew_is_told_from_one_whose_values_changed(tmp_path) -> None:
    found = secret_change(tmp_path, sealed(THREE), sealed(THREE))
    assert found.what == "encrypted anew"


def test_one_value_that_is_written_anew_has_changed_and_the_others_have_not(tmp_path) -> None:
    before, other = sealed(THREE), sealed(THREE)
    old, new = (next(line for line in text.splitlines() if line.startswith("mistral:")) for text in (before, other))
    found = secret_change(tmp_path, before, before.replace(old, new))
    assert (found.what, found.names) == ("changed", ("mistral",))


def test_a_new_reader_is_named_and_values_that_keep_their_ciphertext_are_unchanged(tmp_path) -> None:
    reader = generate_identity().recipient.text
    before = sealed(THREE)
    values, _, _ = before.partition("sops:")
    _, _, metadata = sealed(THREE, (*NAMES, reader)).partition("sops:")
    found = secret_change(tmp_path, before, f"{values}sops:{metadata}")
    assert (found.what, found.names, found.readers, found.lost) == ("sealed anew", (), (f"age {reader}",), ())


def test_costs_are_told_for_the_scopes_that_the_change_reaches(repository) -> None:
    priced = (
        "{provider: hub, upstream_model: q, rate: {tpm: TPM}, pricing: {input_per_million: 1, output_per_million: 5}}"
    )
    model = f"chat: {priced}\n"
    provider = "type: openai_compatible\nbase_url: http://hub.internal/v1\n"
    repository.commit({"base/providers/hub.yaml": provider, "base/models/chat.yaml": model.replace("TPM", "1000")})
    repository.commit({"environments/dev/models/chat.yaml": "chat: {rate: {tpm: 2000}}\n"})
    found = reviewed(repository)
    assert {(change.scope, change.line.part, change.line.name) for change in found.costs} == {
        ("dev", "tenant", ""),
        ("dev", "model", "chat"),
    }
    links = Links(Occasion(), "", found.changed_files)
    page = "\n".join(block.text for block in review_blocks(found, links, passes=True))
    assert "| `dev x _shared` | model | `chat` | worst case | 216.00 | 432.00 | +216.00 |" in page


def test_line_ends_alone_change_nothing_in_effect_and_make_no_finding_new(repository) -> None:
    repository.commit({"base/b.yaml": AMBIGUOUS})
    place = repository.path / "base/b.yaml"
    place.write_bytes(AMBIGUOUS.replace("\n", "\r\n").encode())
    repository.commit()
    found = reviewed(repository)
    assert found.difference.is_empty
    assert (rules(found.new), rules(found.old), found.gone) == ([], ["yaml-ambiguous"], 0)


def test_a_change_in_a_file_with_windows_line_ends_is_one_value(repository) -> None:
    place = repository.path / "base/a.yaml"
    place.write_bytes(b"size: 1\r\nm: 1\r\n")
    repository.commit()
    place.write_bytes(b"size: 2\r\nm: 1\r\n")
    repository.commit()
    found = reviewed(repository)
    assert [(value.change.path, value.change.before, value.change.after) for value in found.difference.values] == [
        (("a", "size"), 1, 2)
    ]
    assert [str(origins.after) for origins in found.origins] == ["base/a.yaml:1:1"]


# decisions and what judges


@pytest.mark.parametrize(
    ("before", "after", "level", "reason"),
    [
        ("prod: {protected: true}", "prod: {}", "high", "prod is not protected any more"),
        (", prod: {protected: true}", "", "high", "prod is not protected any more"),
        ("protected: true", "protected: true, track: {branch: next}", "medium", "prod is protected, and changes"),
        ("dev: {}", "dev: {track: {branch: next}}", "low", "dev changes, which is not protected"),
        ("beta: {}", "beta: {region: us}", "medium", "the manifest decides otherwise about tenants"),
    ],
)
def test_what_the_manifest_decides_otherwise_is_told_though_no_value_changes(tmp_path, before, after, level, reason):
    made = WrittenRepository(tmp_path / "r", {**FILES, "llmcfg.yaml": TENANTS})
    assert before in TENANTS
    made.commit({"llmcfg.yaml": TENANTS.replace(before, after)})
    found = reviewed(made)
    assert len(found.difference.decisions) == 1
    assert not found.is_empty
    assert found.risk.level == level
    assert reason in found.risk.reasons


@pytest.mark.parametrize(
    "change",
    [
        {"policies/limits.yaml": None},
        {"schemas/a.json": '{"type": "object"}\n'},
        {"base/secrets/.sops.yaml": "creation_rules: []\n"},
        {"llmcfg.yaml": f"{PROTECTED}schemas: []\n"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_judges_changes_is_told_when_it_is_another_though_nothing_changes_in_effect(tmp_path, change) -> None:
    bound = PROTECTED + "schemas: [{documents: a, schema: schemas/a.json}]\n"
    made = WrittenRepository(
        tmp_path / "r", {**FILES, "llmcfg.yaml": bound, "schemas/a.json": "{}\n", "policies/limits.yaml": LIMITS}
    )
    made.commit(change)
    found = reviewed(made)
    assert found.difference.is_empty
    assert [guard.path for guard in found.guards] == list(change)
    assert (found.risk.level, found.is_empty) == ("medium", False)


def test_what_the_manifest_decides_and_what_judges_is_held_to_owners_and_approvals(tmp_path) -> None:
    limits = (
        f"{LIMITS}roles: {{platform: [ada]}}\nowned: [{{decisions: [environments.*.protected], roles: [platform]}}]\n"
    )
    limits += "approvals: [{guards: [policies], roles: [platform]}]\n"
    made = WrittenRepository(tmp_path / "r", {**FILES, "policies/limits.yaml": limits})
    made.commit({"llmcfg.yaml": MANIFEST, "policies/limits.yaml": LIMITS})
    assert rules(reviewed(made).new) == []
    assert rules(reviewed(made, proposed=Proposed("eve", frozenset({"eve"}))).new) == [
        "change-owner",
        "change-approval",
    ]
    assert rules(reviewed(made, proposed=Proposed("eve", frozenset({"ada"}))).new) == ["change-owner"]
    assert rules(reviewed(made, proposed=Proposed("ada", frozenset({"ada"}))).new) == ["change-approval"]
