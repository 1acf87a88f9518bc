"""Who cannot open a file adds to it with a drop; it counts at once, is open to nobody else, and is folded in by a key holder."""

from __future__ import annotations

import pytest

from llmcfg.custody.changes import unset
from llmcfg.custody.folding import fold
from llmcfg.custody.places import find_own
from llmcfg.errors import ConflictError, NotAuthorisedError
from llmcfg.model.target import Scope
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.secrets.drops import drop_target, laying_order
from llmcfg.secrets.sops.files import read_metadata
from llmcfg.secrets.sops.model import FileType
from llmcfg.secrets.sops.stores import parse_encrypted
from support.keepers import ADA, BREAK_GLASS, STRANGER, Keeper, encrypted


@pytest.fixture(autouse=True)
def file(ada) -> None:
    ada.put("openai", "old", file="providers")


def folded(keeper: Keeper, *folders: str):
    return fold(keeper.custody, folders or ("base",))


def rules_of(keeper: Keeper) -> list[str]:
    return [finding.rule_id for finding in validate_configuration(keeper.custody.configuration)]


def test_a_drop_lies_beside_its_file_for_those_who_can_open_that(ada, stranger) -> None:
    before = ada.files()
    written = stranger.put("openai", "new")
    assert written.outcome == "dropped"
    assert drop_target(written.file) == "base/secrets/providers.yaml"
    assert {path: content for path, content in ada.files().items() if path != written.file} == before
    metadata = read_metadata(parse_encrypted(ada.files()[written.file], FileType.YAML), FileType.YAML)
    assert metadata.recipients == (ADA.recipient.text, BREAK_GLASS.recipient.text)


def test_a_drop_counts_before_it_is_folded_and_is_a_note(ada, stranger) -> None:
    stranger.put("openai", "new")
    stranger.put("fresh", "value")
    scoped = ada.custody.configuration.effective(Scope("dev", None)).secrets
    assert drop_target(scoped["openai"].entry.path) and drop_target(scoped["fresh"].entry.path)
    assert ada.value("openai") == "new"
    assert rules_of(ada) == ["secret-drop", "secret-drop"]


def test_folding_moves_the_values_and_removes_the_drops(ada, stranger) -> None:
    stranger.put("openai", "new")
    stranger.put("fresh.key", "value")
    (one,) = folded(ada).folded
    assert one.file == "base/secrets/providers.yaml"
    assert set(one.origins) == {"openai", "fresh.key"}
    assert list(ada.files()) == ["base/secrets/providers.yaml"]
    assert (ada.value("openai"), ada.value("fresh.key")) == ("new", "value")
    assert rules_of(ada) == []


def test_of_two_drops_the_newer_counts_before_and_after(ada, stranger) -> None:
    stranger.put("openai", "newer")
    stranger.put("openai", "newest")
    assert ada.value("openai") == "newest"
    folded(ada)
    assert ada.value("openai") == "newest"


def test_a_drop_for_a_rotated_secret_becomes_its_current_value(ada, stranger) -> None:
    from llmcfg.custody.changes import retire, rotate
    from llmcfg.secrets.amend import leaf_of

    custody = ada.custody
    rotate(custody, find_own(custody.configuration, None, None, "openai"), leaf_of(b"second"))
    custody = ada.custody
    retire(custody, find_own(custody.configuration, None, None, "openai"))
    stranger.put("openai", "third")
    assert ada.value("openai") == "third"
    folded(ada)
    assert ada.value("openai") == "third"
    assert "value: ENC[" in ada.text("base/secrets/providers.yaml")


def test_what_waits_is_folded_before_it_is_changed_otherwise(ada, stranger) -> None:
    stranger.put("openai", "new")
    before = ada.files()
    for change in (
        lambda: ada.put("openai", "other"),
        lambda: unset(ada.custody, find_own(ada.custody.configuration, None, None, "openai")),
    ):
        with pytest.raises(ConflictError, match="waits in") as refused:
            change()
        assert "fold" in refused.value.hint
    assert ada.files() == before
    assert ada.put("mistral", "x").outcome == "changed"


def test_who_cannot_open_it_cannot_fold(ada, stranger) -> None:
    stranger.put("openai", "new")
    before = ada.files()
    with pytest.raises(NotAuthorisedError):
        folded(stranger)
    assert ada.files() == before


def test_what_can_be_folded_is_folded_and_the_rest_named(ada, stranger) -> None:
    rules = (ada.root / ".sops.yaml").read_text()
    ada.put("openai", "x", "tenants/acme")
    stranger.put("openai", "new")
    stranger.put("openai", "acme", "tenants/acme")

    ada.written.commit(
        {
            ".sops.yaml": f"creation_rules:\n  - {{path_regex: ^tenants/globex/, age: {STRANGER.recipient}}}\n"
            + rules.split("creation_rules:\n")[1]
        }
    )
    stranger.put("openai", "globex", "tenants/globex")
    assert ada.put("openai", "for globex", "tenants/globex").outcome == "dropped"
    result = folded(ada, "base", "tenants/acme", "tenants/globex")
    assert [one.file for one in result.folded] == ["base/secrets/providers.yaml", "tenants/acme/secrets/secrets.yaml"]
    assert list(result.left) == ["tenants/globex/secrets/secrets.yaml"]


def test_a_drop_whose_file_is_gone_becomes_that_file(ada, stranger) -> None:
    stranger.put("fresh", "value")
    (ada.root / "base/secrets/providers.yaml").unlink()
    folded(ada)
    assert list(ada.files()) == ["base/secrets/providers.yaml"]
    assert ada.value("fresh") == "value"


def test_a_drop_is_never_open_to_more_than_its_file(ada, stranger) -> None:
    narrow = ada.text(".sops.yaml").replace("^environments/prod/secrets/root", r"^base/secrets/providers\.yaml$")
    ada.written.commit({".sops.yaml": narrow})
    before = ada.files()
    with pytest.raises(NotAuthorisedError, match="would be open to others"):
        stranger.put("openai", "new")
    assert ada.files() == before


def test_an_ordinary_second_file_with_the_name_is_still_an_error(ada) -> None:
    ada.written.commit({"base/secrets/zz.yaml": encrypted(b"openai: other\n")})
    assert rules_of(ada) == ["secret-duplicate"]


def test_secrets_that_wait_count_once_in_a_quota(ada, stranger) -> None:
    ada.put("openai", "x", "tenants/acme")
    stranger.put("openai", "y", "tenants/acme")
    from support.written import MANIFEST

    ada.written.commit({"llmcfg.yaml": MANIFEST + "tenants: {acme: {quota: {secrets: 1}}, globex: {}}\n"})
    assert "quota-exceeded" not in rules_of(ada)


@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("base/secrets/a.drop-20260105T090000000000Z-1a2b3c4d.yaml", "base/secrets/a.yaml"),
        ("base/secrets/x/a.b.drop-20260105T090000000000Z-1a2b3c4d.yml", "base/secrets/x/a.b.yml"),
        ("base/secrets/a.yaml", None),
        ("base/secrets/drop.yaml", None),
        ("base/secrets/a.drop-20260105T090000000000Z-1A2B3C4D.yaml", None),
        ("base/secrets/a.drop-20260105T090000000000Z-1a2b3c4d.age", None),
    ],
)
def test_drops_are_known_by_their_names(file, target) -> None:
    assert drop_target(file) == target


def test_drops_are_laid_last_and_in_the_order_of_time() -> None:
    older, newer = "s/z.drop-20260105T090000000000Z-ffffffff.yaml", "s/a.drop-20260105T090001000000Z-00000000.yaml"
    assert sorted([newer, "s/z.yaml", older, "s/a.yaml"], key=laying_order) == ["s/a.yaml", "s/z.yaml", older, newer]
