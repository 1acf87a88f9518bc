"""Looking through the content of files for what must not be committed: secrets in plain text, secret files that are not encrypted.

Rules: binary files are passed over, text in UTF-16 is not. Of a file over SCAN_BYTES the beginning is looked at; in one over
SCAN_NAMED_BYTES only shapes count, since large files are mostly made by programs, and random under any name. A file is a secret file if it
lies in a folder `secrets`, is called `*.age`, was encrypted in the version before, or is named by a rule of `.sops.yaml`; but a rule that
would encrypt the manifest too, such as one for every file, does not tell which files are secret.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.limits import SCAN_BYTES, SCAN_NAMED_BYTES
from llmcfg.model.findings import finding_from
from llmcfg.secrets.plaintext import find_plaintext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmcfg.model.findings import Finding
    from llmcfg.secrets.creation.rules import CreationRules

CREATION: Final = ".sops.yaml"
IN_COMMIT: Final = (
    "keep it in a secret file and refer to it as {{secret:name}}; if it is none, write behind it why: "
    "llmcfg:allow plaintext: REASON"
)
_FOLDER: Final = "secrets"
_MANIFEST: Final = "llmcfg.yaml"
_FIRST: Final = 8000  # bytes that tell whether a file is binary, as for Git
_UTF16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class Content(NamedTuple):
    """The beginning of a file, up to SCAN_BYTES; `path` is from where its `.sops.yaml` files are looked for."""

    path: str
    content: bytes
    size: int
    was_encrypted: bool = False


class Scanned(NamedTuple):
    """`files` is how many were looked through; `remarks` are for people: what could not be looked at."""

    findings: tuple[Finding, ...]
    files: int
    remarks: tuple[str, ...] = ()


class Creation:
    """The creation rules for a path: of the nearest `.sops.yaml` above it. `read` gives such a file by its path, or None."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._known: dict[str, CreationRules | None] = {}
        self.broken: list[str] = []

    def nearest(self, path: str) -> tuple[CreationRules | None, str]:
        """The rules, and the path as they see it. A file of rules that is broken goes to `broken`, and counts as none."""
        for folder in PurePosixPath(path).parents:
            rules = self._rules((folder / CREATION).as_posix())
            if rules is not None:
                return rules, PurePosixPath(path).relative_to(folder).as_posix()
        return None, path

    def _rules(self, file: str) -> CreationRules | None:
        if file not in self._known:
            content = self._read(file)
            self._known[file] = None if content is None else self._parsed(file, content)
        return self._known[file]

    def _parsed(self, file: str, content: bytes) -> CreationRules | None:
        from llmcfg.secrets.creation import parse_creation_rules

        try:
            return parse_creation_rules(content)
        except UsageError as error:
            self.broken.append(f"{file} was not used, because {error.message}")
            return None


def scan_all(contents: Iterable[Content], read: Callable[[str], bytes | None]) -> Scanned:
    """What is wrong with any of the files. `read` gives a `.sops.yaml` by its path, or None."""
    creation = Creation(read)
    findings: list[Finding] = []
    remarks: list[str] = []
    files = 0
    for content in contents:
        files += 1
        findings += scan(content, creation)
        if content.size > SCAN_BYTES:
            remarks.append(
                f"{content.path} is larger than {SCAN_BYTES >> 20} MiB, and only its beginning was looked at"
            )
    return Scanned(tuple(findings), files, (*creation.broken, *remarks))


def scan(content: Content, creation: Creation, hint: str = IN_COMMIT) -> tuple[Finding, ...]:
    """What is wrong with one file, in the order of its lines."""
    text = _text(content.content)
    if text is None:
        return ()
    found = list(find_plaintext(text, by_name=content.size <= SCAN_NAMED_BYTES, hint=hint))
    rules, path = creation.nearest(content.path)
    if content.was_encrypted or is_secret_file(path, rules):
        from llmcfg.secrets.unencrypted import find_unencrypted

        rule = rules.find(path) if rules else None
        found += find_unencrypted(path, text, rule.rule if rule else None, was_encrypted=content.was_encrypted)
    lines = text.split(b"\n") if found else []
    findings = (
        finding_from(problem, content.path, _shown(lines, problem.line) if problem.column else "") for problem in found
    )
    return tuple(sorted(findings, key=lambda finding: finding.sort_key()))


def is_secret_file(path: str, creation: CreationRules | None) -> bool:
    """`path` is from the folder of `.sops.yaml`, or of the repository where there is none."""
    folders = PurePosixPath(path).parts[:-1]
    if _FOLDER in folders or path.endswith(".age"):
        return True
    rule = creation.find(path) if creation else None
    return rule is not None and creation is not None and creation.find(_MANIFEST) is not rule


def _text(content: bytes) -> bytes | None:
    """As UTF-8 or what there is of it; None for a binary file."""
    encoding = _UTF16.get(content[:2])
    if encoding:
        return content[2:].decode(encoding, "replace").encode("utf-8", "replace")
    return None if b"\0" in content[:_FIRST] else content


def _shown(lines: list[bytes], number: int) -> str:
    return lines[number - 1].decode("utf-8", "replace").rstrip("\r") if 0 < number <= len(lines) else ""
