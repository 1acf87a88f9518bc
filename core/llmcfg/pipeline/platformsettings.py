"""Where the platforms of scopes stand: what their rules know beside documents.

A thousand tenants have most of it in common. So what hangs together is made once, and known by what it is made of.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from llmcfg.llm.platform import Secrecy, Setting
from llmcfg.model.reference import parse_secret_use
from llmcfg.secrets.rotations import FILE as ROTATIONS
from llmcfg.secrets.rotations import read_due

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective, ScopedSecret


class _Secrets(Struct, frozen=True):
    """What is known of some secrets, which it keeps alive: the files that they lie in, and the folders before `/secrets/` in their paths.

    `words` are those of their names. `strangers` are tenants and environments whose names are made of these.
    """

    secrets: Mapping[str, ScopedSecret]
    files: Mapping[str, str]
    folders: frozenset[str]
    unset: frozenset[str]
    due: Mapping[str, str]
    words: frozenset[str]
    strangers: frozenset[str]


class Settings:
    """Of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._secrets: dict[int, _Secrets] = {}
        self._secrecy: dict[tuple[int, frozenset[str]], Secrecy] = {}
        self._other_tenants: dict[str | None, frozenset[str]] = {}
        self._open_folders: dict[str | None, frozenset[str]] = {}

    def of(self, effective: Effective) -> Setting:
        manifest, scope = self._configuration.manifest, effective.scope
        environments = {environment.name for environment in manifest.environment_chain(scope.environment)}
        residency = str(effective.variables.get("residency") or "")
        return Setting(
            environment=scope.environment,
            is_protected=manifest.environments[scope.environment].protected,
            tenant=scope.tenant,
            other_environments=frozenset(manifest.environments.keys() - environments),
            other_tenants=self._others(scope.tenant),
            residency=frozenset(word.strip() for word in residency.split(",") if word.strip()),
            secrecy=self._secrecy_of(effective),
            child_budgets=self._child_budgets(scope),
        )

    def sight(self, effective: Effective, setting: Setting) -> object:
        """Equal for scopes of whose platforms the rules cannot say different things because of where they stand."""
        known = self._known(effective)
        strangers = (known.strangers & setting.other_tenants) | (known.strangers & setting.other_environments)
        own = known.words & {setting.environment, setting.tenant} if strangers else frozenset()
        children = (setting.tenant, *sorted(setting.child_budgets.items())) if setting.child_budgets else ()
        return setting.is_protected, setting.residency, strangers, own, children, id(setting.secrecy)

    def _others(self, tenant: str | None) -> frozenset[str]:
        known = self._other_tenants.get(tenant)
        if known is None:
            manifest = self._configuration.manifest
            chain = {each.name for each in manifest.tenant_chain(tenant)}
            known = self._other_tenants[tenant] = frozenset(manifest.tenants.keys() - chain)
        return known

    def _secrecy_of(self, effective: Effective) -> Secrecy:
        known = self._known(effective)
        shared = known.folders & self._open(effective.scope)
        key = (id(known.secrets), shared)
        if key not in self._secrecy:
            starts = tuple(f"{folder}/secrets/" for folder in shared)
            paths = frozenset(path for path in known.files.values() if path.startswith(starts))
            self._secrecy[key] = Secrecy(known.files, known.unset, known.due, paths)
        return self._secrecy[key]

    def _open(self, scope: Scope) -> frozenset[str]:
        """The folders of layers that a tenant has in environments without protection."""
        known = self._open_folders.get(scope.tenant)
        if known is None:
            known = self._open_folders[scope.tenant] = frozenset(
                folder
                for environment in self._configuration.manifest.environments.values()
                if not environment.protected
                for folder in self._configuration.folders(scope._replace(environment=environment.name))
            )
        return known

    def _known(self, effective: Effective) -> _Secrets:
        secrets = effective.secrets
        known = self._secrets.get(id(secrets))
        if known is None:
            known = self._secrets[id(secrets)] = self._look_at(effective)
        return known

    def _look_at(self, effective: Effective) -> _Secrets:
        secrets, manifest = effective.secrets, self._configuration.manifest
        files = {name: scoped.entry.path for name, scoped in secrets.items()}
        words = {word for name in secrets for word in name.lower().replace("-", "_").split("_")}
        return _Secrets(
            secrets=secrets,
            files=files,
            folders=frozenset(folder for path in files.values() for folder in _before_secrets(path)),
            unset=frozenset(name for name in secrets if not _is_set(effective, name)),
            due={name: self._due[path, name] for name, path in files.items() if (path, name) in self._due},
            words=frozenset(words),
            strangers=frozenset(
                name for name in (*manifest.tenants, *manifest.environments) if set(name.split("-")) <= words
            ),
        )

    @cached_property
    def _due(self) -> Mapping[tuple[str, str], str]:
        snapshot = self._configuration.snapshot
        entry = snapshot.entries.get(ROTATIONS)
        content = b"" if entry is None else snapshot.read(entry.oid)
        return {(due.file, due.secret): due.since for due in read_due(content)} if content else {}

    @cached_property
    def _children(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, tenant in self._configuration.manifest.tenants.items():
            if tenant.parent:
                found.setdefault(tenant.parent, []).append(name)
        return found

    def _child_budgets(self, scope: Scope) -> Mapping[str, float]:
        """What the children of a tenant may spend by their own budgets documents."""
        found: dict[str, float] = {}
        for child in self._children.get(scope.tenant or "", ()):
            document = self._configuration.effective(scope._replace(tenant=child)).documents.get("budgets")
            whole = document.value.get("tenant") if document is not None else None
            amount = whole.get("amount") if isinstance(whole, dict) else None
            if isinstance(amount, int | float) and not isinstance(amount, bool):
                found[child] = amount
        return found


def _before_secrets(path: str) -> list[str]:
    """What comes before each folder `secrets` of a path."""
    steps = path.split("/")
    return ["/".join(steps[:index]) for index, step in enumerate(steps[:-1]) if step == "secrets" and index]


def _is_set(effective: Effective, name: str) -> bool:
    held = effective.held(parse_secret_use(name))
    return held is not None and held.is_set
