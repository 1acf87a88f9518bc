"""A repository with secrets, somebody who can open them, and somebody who cannot."""

from __future__ import annotations

import pytest

from support.keepers import ADA, RULES, STRANGER, Keeper
from support.written import MANIFEST, WrittenRepository


@pytest.fixture
def written(tmp_path) -> WrittenRepository:
    repository = WrittenRepository(
        tmp_path / "shop", {"base/gateway.yaml": 'key: "{{secret:openai}}"\n', ".sops.yaml": RULES}
    )
    repository.commit({"llmcfg.yaml": MANIFEST + "tenants: {acme: {}, globex: {}}\n"})
    return repository


@pytest.fixture
def ada(written) -> Keeper:
    return Keeper(written, ADA)


@pytest.fixture
def stranger(written) -> Keeper:
    return Keeper(written, STRANGER)
