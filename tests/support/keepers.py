"""People who work on a repository with secrets: one who can open them, and one who cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from llmcfg.custody.changes import Written, put
from llmcfg.custody.files import Custody
from llmcfg.custody.places import choose_place, find_in_layer, parse_name
from llmcfg.custody.reveal import Wanted, open_values
from llmcfg.model.reference import parse_secret_use
from llmcfg.secrets.age import Identity, generate_identity
from llmcfg.secrets.amend import leaf_of
from llmcfg.secrets.plain import plain_value
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType
from llmcfg.secrets.sops.rules import Rule
from support.written import WrittenRepository

ADA, STRANGER, BREAK_GLASS = generate_identity(), generate_identity(), generate_identity()
RULES = f"""
creation_rules:
  - path_regex: ^environments/prod/secrets/root
    age: {STRANGER.recipient},{BREAK_GLASS.recipient}
  - path_regex: ^(base|environments/dev|tenants)/
    age: {ADA.recipient},{BREAK_GLASS.recipient}
"""
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def encrypted(plain: bytes, rule: Rule | None = None) -> str:
    """A SOPS file that Ada can open."""
    return encrypt_file(
        plain, FileType.YAML, [ADA.recipient.text, BREAK_GLASS.recipient.text], START, rule=rule
    ).decode()


class Keeper:
    """Somebody who works on the repository. Every call opens it anew, as a process would; each is a minute later."""

    def __init__(self, written: WrittenRepository, *identities: Identity) -> None:
        self.written = written
        self.identities = identities
        self.calls = 0

    @property
    def root(self) -> Path:
        return self.written.path

    @property
    def custody(self) -> Custody:
        self.calls += 1
        moment = START + timedelta(minutes=self.calls)
        return replace(self.written.workspace().custody(lambda: self.identities), now=lambda: moment)

    def put(self, name: str, value: str, folder: str = "base", file: str | None = None) -> Written:
        custody = self.custody
        place = choose_place(custody.configuration, folder, parse_name(name), file)
        return put(custody, folder, place.file, {place.path: leaf_of(value.encode())})

    def value(self, name: str, folder: str = "base") -> object:
        custody = self.custody
        use = parse_secret_use(name)
        wanted = Wanted(find_in_layer(custody.configuration, folder, use.name), use.selector)
        return plain_value(open_values(custody, [wanted])[name])

    def text(self, file: str) -> str:
        return (self.root / file).read_text()

    def files(self) -> Mapping[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("secrets/**/*")
            if path.is_file() and ".git" not in path.parts
        }
