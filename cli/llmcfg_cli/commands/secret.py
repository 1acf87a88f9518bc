"""`llmcfg secret decrypt|encrypt`: SOPS files, as the sops tool reads and writes them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.model import FileType, file_type_of
from llmcfg_cli.console import out_bytes

Kind: TypeAlias = Literal["yaml", "json", "dotenv", "ini", "binary"]
File: TypeAlias = Annotated[str, typer.Argument(metavar="FILE", help="The file; - is stdin.")]
InPlace: TypeAlias = Annotated[bool, typer.Option("--in-place", "-i", help="Replace FILE.", show_default=False)]
Output: TypeAlias = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default="stdout")
]
InputType: TypeAlias = Annotated[
    Kind | None, typer.Option("--input-type", help="What FILE is.", show_default="by its ending")
]
OutputType: TypeAlias = Annotated[
    Kind | None, typer.Option("--output-type", help="What is written.", show_default="what FILE is")
]
STDIN = "-"
PRIVATE = 0o600


def decrypt(
    file: File,
    in_place: InPlace = False,
    output: Output = None,
    input_type: InputType = None,
    output_type: OutputType = None,
) -> None:
    """Decrypt a SOPS file, as `sops -d` does: the same bytes, and the file's authenticity is checked.

    Keys are looked for where sops looks for them (llmcfg key list). Exits with 5 without a key that fits, 10 for a file that was
    tampered with.
    """
    from llmcfg.secrets.sops.files import decrypt_file
    from llmcfg_cli.identities import own_identities

    _check_target(file, in_place, output)
    content = _read(file)
    opened = decrypt_file(content, _kind(file, input_type), own_identities(), output_type=_kind_or_none(output_type))
    _write(opened.plain, Path(file) if in_place else output)


def encrypt(
    file: File,
    age: Annotated[str, typer.Option("--age", metavar="KEYS", help="Public keys that may open it, parted by commas.")],
    in_place: InPlace = False,
    output: Output = None,
    input_type: InputType = None,
    output_type: OutputType = None,
) -> None:
    """Encrypt a file for age public keys, as `sops --encrypt --age` does. The names in it stay readable.

    The rules of .sops.yaml are not read: name the keys.
    """
    from llmcfg.secrets.guard import forbid_dumps
    from llmcfg.secrets.sops.files import encrypt_file
    from llmcfg.wiring import now

    _check_target(file, in_place, output)
    recipients = [key.strip() for key in age.split(",") if key.strip()]
    if not recipients:
        raise UsageError(
            "nobody could open it", hint="name public keys with --age; llmcfg key show-public prints yours"
        )
    forbid_dumps()
    sealed = encrypt_file(
        _read(file), _kind(file, input_type), recipients, now(), output_type=_kind_or_none(output_type)
    )
    _write(sealed, Path(file) if in_place else output)


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


def _kind(file: str, said: Kind | None) -> FileType:
    return FileType(said) if said else file_type_of(file)


def _kind_or_none(said: Kind | None) -> FileType | None:
    return FileType(said) if said else None
