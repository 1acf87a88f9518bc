"""`llmcfg secret decrypt|encrypt`: SOPS files, as the sops tool reads and writes them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.model import FileType, file_type_of
from llmcfg_cli.console import out_bytes
from llmcfg_cli.declared import argument, option

if TYPE_CHECKING:
    from llmcfg.secrets.sops.rules import RuleKind

Kind: TypeAlias = Literal["yaml", "json", "dotenv", "ini", "binary"]
File: TypeAlias = Annotated[str, argument(metavar="[FILE]", help="The file; - is stdin.", show_default="-")]
InPlace: TypeAlias = Annotated[bool, option("--in-place", "-i", help="Replace FILE.", show_default=False)]
Output: TypeAlias = Annotated[
    Path | None, option("--output", "-o", metavar="FILE", help="The file to write.", show_default="stdout")
]
InputType: TypeAlias = Annotated[
    Kind | None, option("--input-type", help="What FILE is.", show_default="by its ending")
]
OutputType: TypeAlias = Annotated[
    Kind | None, option("--output-type", help="What is written.", show_default="what FILE is")
]
FilenameOverride: TypeAlias = Annotated[
    str | None,
    option("--filename-override", metavar="NAME", help="Take types and rules as for this file.", show_default="FILE"),
]
STDIN = "-"
PRIVATE = 0o600
_RECIPIENTS = "SOPS_AGE_RECIPIENTS"
_OTHER_KEYS = (
    "SOPS_PGP_FP",
    "SOPS_KMS_ARN",
    "SOPS_GCP_KMS_IDS",
    "SOPS_HUAWEICLOUD_KMS_IDS",
    "SOPS_AZURE_KEYVAULT_URLS",
    "SOPS_VAULT_URIS",
)


def decrypt(
    file: File = STDIN,
    in_place: InPlace = False,
    output: Output = None,
    input_type: InputType = None,
    output_type: OutputType = None,
    filename_override: FilenameOverride = None,
    extract: Annotated[
        str, option("--extract", metavar="PLACE", help="Only one value: '[\"key\"][0]'.", show_default=False)
    ] = "",
    ignore_mac: Annotated[
        bool, option("--ignore-mac", help="Do not check that nothing was changed.", show_default=False)
    ] = False,
) -> None:
    """Decrypt a SOPS file, as `sops -d` does: the same bytes, and the file's authenticity is checked.

    Keys are looked for where sops looks for them (llmcfg key list). Exits with 5 without a key that fits, 10 for a file that was
    tampered with.
    """
    from llmcfg.secrets.sops.extract import parse_extract
    from llmcfg.secrets.sops.files import decrypt_file
    from llmcfg_cli.identities import own_identities

    _check_target(file, in_place, output)
    kind = _kind(filename_override or file, input_type)
    opened = decrypt_file(
        _read(file),
        kind,
        own_identities(),
        output_type=_kind_or_none(output_type),
        ignore_mac=ignore_mac,
        extract=parse_extract(extract),
    )
    _write(opened.plain, Path(file) if in_place else output)


def encrypt(
    file: File = STDIN,
    age: Annotated[
        str | None,
        option(
            "--age",
            "-a",
            metavar="KEYS",
            help="Public keys that may open it, parted by commas.",
            show_default="SOPS_AGE_RECIPIENTS, then .sops.yaml",
        ),
    ] = None,
    in_place: InPlace = False,
    output: Output = None,
    input_type: InputType = None,
    output_type: OutputType = None,
    filename_override: FilenameOverride = None,
    config: Annotated[
        Path | None,
        option(
            "--config",
            metavar="FILE",
            help="The file with creation rules.",
            show_default="SOPS_CONFIG, then .sops.yaml",
        ),
    ] = None,
    encrypted_regex: Annotated[
        str,
        option(
            "--encrypted-regex", metavar="REGEX", help="Encrypt only what is under keys that match.", show_default=False
        ),
    ] = "",
    unencrypted_regex: Annotated[
        str,
        option(
            "--unencrypted-regex",
            metavar="REGEX",
            help="Do not encrypt what is under keys that match.",
            show_default=False,
        ),
    ] = "",
    encrypted_suffix: Annotated[
        str,
        option(
            "--encrypted-suffix",
            metavar="TEXT",
            help="Encrypt only what is under keys that end so.",
            show_default=False,
        ),
    ] = "",
    unencrypted_suffix: Annotated[
        str,
        option(
            "--unencrypted-suffix",
            metavar="TEXT",
            help="Do not encrypt what is under keys that end so.",
            show_default="_unencrypted",
        ),
    ] = "",
    encrypted_comment_regex: Annotated[
        str,
        option(
            "--encrypted-comment-regex",
            metavar="REGEX",
            help="Encrypt only what has a comment that matches.",
            show_default=False,
        ),
    ] = "",
    unencrypted_comment_regex: Annotated[
        str,
        option(
            "--unencrypted-comment-regex",
            metavar="REGEX",
            help="Do not encrypt what has a comment that matches.",
            show_default=False,
        ),
    ] = "",
    mac_only_encrypted: Annotated[
        bool, option("--mac-only-encrypted", help="Let values that stay readable be changed.", show_default=False)
    ] = False,
    threshold: Annotated[
        int,
        option(
            "--shamir-secret-sharing-threshold",
            metavar="N",
            min=0,
            help="How many key groups are needed.",
            show_default="all",
        ),
    ] = 0,
) -> None:
    """Encrypt a file, as `sops --encrypt` does. The names in it stay readable.

    For whom, and which values, says the first rule of .sops.yaml that matches the file's path; options say it in the rule's place. The
    .sops.yaml is the nearest above the file, or else above the current folder. Exits with 7 when nothing says for whom.
    """
    from llmcfg.clock import now
    from llmcfg.secrets.creation import Said
    from llmcfg.secrets.guard import forbid_dumps
    from llmcfg.secrets.sops.files import encrypt_file
    from llmcfg_cli.creation import rule_for_file

    _check_target(file, in_place, output)
    kind = _kind(filename_override or file, input_type)
    settings: dict[RuleKind, str] = {
        "encrypted_regex": encrypted_regex,
        "unencrypted_regex": unencrypted_regex,
        "encrypted_suffix": encrypted_suffix,
        "unencrypted_suffix": unencrypted_suffix,
        "encrypted_comment_regex": encrypted_comment_regex,
        "unencrypted_comment_regex": unencrypted_comment_regex,
    }
    said = Said(_recipients(age), settings, threshold, mac_only_encrypted)
    rule = rule_for_file(filename_override or file, config, said)
    forbid_dumps()
    sealed = encrypt_file(
        _read(file),
        kind,
        rule.groups,
        now(),
        rule=rule.rule,
        threshold=rule.threshold,
        mac_only_encrypted=rule.mac_only_encrypted,
        output_type=_kind_or_none(output_type),
    )
    _write(sealed, Path(file) if in_place else output)


def _recipients(age: str | None) -> tuple[str, ...]:
    """Those of the option, else of the variable. Keys of other services, which sops would add, are refused."""
    for variable in _OTHER_KEYS:
        if os.environ.get(variable):
            raise UsageError(
                f"{variable} names keys, and nothing can be encrypted for them here",
                hint=f"unset {variable}, or encrypt this file with sops",
            )
    named = tuple(key for text in (age or os.environ.get(_RECIPIENTS, "")).split(",") if (key := text.strip()))
    if age is not None and not named:
        raise UsageError(
            "nobody could open it", hint="name public keys with --age; llmcfg key show-public prints yours"
        )
    return named


def _check_target(file: str, in_place: bool, output: Path | None) -> None:
    if in_place and output is not None:
        raise UsageError("--in-place and --output name two places", hint="give one of them")
    if in_place and file == STDIN:
        raise UsageError("stdin cannot be replaced", hint="name a file, or leave out --in-place")


def _read(file: str) -> bytes:
    """At most what a SOPS file may hold, and a little more so that the limit is noticed."""
    from llmcfg import limits

    if file == STDIN:
        content = sys.stdin.buffer.read(limits.SOPS_FILE_BYTES + 1)
    else:
        with Path(file).open("rb") as stream:
            content = stream.read(limits.SOPS_FILE_BYTES + 1)
    if len(content) > limits.SOPS_FILE_BYTES:
        raise UsageError(
            f"{file} is larger than {limits.SOPS_FILE_BYTES >> 20} MiB", hint="encrypt large files with age"
        )
    return content


def _write(content: bytes, place: Path | None) -> None:
    from llmcfg.disk import atomic_write

    if place is None:
        out_bytes(content)
    else:
        atomic_write(place, content, mode=PRIVATE)


def _kind(name: str, said: Kind | None) -> FileType:
    if said:
        return FileType(said)
    if name == STDIN:
        raise UsageError(
            "stdin has no ending that says what it is", hint="name a file with --filename-override, or its --input-type"
        )
    return file_type_of(name)


def _kind_or_none(said: Kind | None) -> FileType | None:
    return FileType(said) if said else None
