"""Repositories with secrets that can be opened: who deploys, who reads, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from llmcfg.bundlefile.opened import OpenedBundle
from llmcfg.model.target import Target
from llmcfg.pipeline.stored import read_bundles
from llmcfg.secrets.age import Identity, generate_identity
from llmcfg.secrets.opened import open_bundle
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType
from support.written import CONSUMER, MANIFEST

DEPLOYER, READER, TENANT, STRANGER = (generate_identity() for _ in range(4))
MOMENT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def sops(text: str, *readers: Identity) -> str:
    """A secret file with these plain values, for the deployer or others."""
    recipients = [reader.recipient.text for reader in readers or (DEPLOYER,)]
    return encrypt_file(text.encode(), FileType.YAML, recipients, MOMENT).decode()


def repository() -> dict[str, str]:
    """Two tenants and the platform itself, with secrets in three layers."""
    return {
        "llmcfg.yaml": MANIFEST + f"tenants: {{acme: {{recipients: [{TENANT.recipient}]}}, beta: {{}}}}\n",
        "base/gateway.yaml": "rpm: 10\nauth: 'Bearer {{secret:openai}}'\nkeys: '{{secret:session@all}}'\n",
        "base/secrets/keys.yaml": sops(
            "openai: canary-openai\nsession:\n  value: canary-new\n  previous: canary-old\n"
        ),
        "environments/prod/secrets/keys.yaml": sops("openai: canary-prod\n"),
        "tenants/acme/secrets/keys.yaml": sops("openai: canary-acme\n"),
        "consumers/api.yaml": CONSUMER + f'tenants: "*"\nshared: true\nrecipients: [{READER.recipient}]\n',
    }


def opened(files: Mapping[str, bytes], folder: str = "_shared/api", identity: Identity = READER) -> OpenedBundle:
    """A bundle of an environment's files, as its consumer opens it."""
    return open_bundle(read_bundles(files)[folder], [identity])


def sealed_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if path.endswith(".age")}


def target(environment: str = "prod", tenant: str | None = None) -> Target:
    return Target(environment, tenant, "api")
