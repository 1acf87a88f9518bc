"""Where identities lie: the places that sops looks in, after our own variables. Environment and home are arguments.

Rules:
- All places count, in this order; the same key twice is one identity.
- A place that a variable names must be there and hold a key. A default place may be absent, and an SSH key that cannot be used is
  passed over there.
- Messages name variable, file and line, and never hold a key. A key file that others can read is a warning.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from llmcfg.errors import LlmcfgError, NotAuthorisedError, NotFoundError, PendingError, StorageError, UsageError
from llmcfg.limits import IDENTITY_FILE_BYTES
from llmcfg.secrets.age.identities import parse_identities
from llmcfg.secrets.age.passphrase import is_age_file, open_with_passphrase
from llmcfg.secrets.guard import KEY_VARIABLES, forbid_dumps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.secrets.age.identities import Ask, Identity

Form: TypeAlias = Literal["variable", "file", "command"]

_VARIABLES: Final[tuple[tuple[str, Form], ...]] = (
    ("LLMCFG_AGE_KEY", "variable"),
    ("LLMCFG_AGE_KEY_FILE", "file"),
    ("SOPS_AGE_KEY", "variable"),
    ("SOPS_AGE_KEY_FILE", "file"),
    ("SOPS_AGE_KEY_CMD", "command"),
    ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "file"),
    ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", "command"),
)
_COMMAND_SECONDS: Final = 120  # somebody may have to touch a token


class Place(NamedTuple):
    """Somewhere to look. `variable` is empty for a default place; `path` is None for what is no file."""

    form: Form
    variable: str
    path: Path | None

    def __str__(self) -> str:
        return self.variable or str(self.path)


class Reading(NamedTuple):
    """What a place holds. `mode` are the permission bits of a file. `warning` says what should be mended, `hint` how."""

    place: Place
    identities: tuple[Identity, ...] = ()
    mode: int | None = None
    warning: str = ""
    hint: str = ""
    error: LlmcfgError | None = None


def default_key_file(environment: Mapping[str, str], home: Path, *, system: str = "linux") -> Path:
    """The file that sops reads by default, which may not be there. `system` is as `sys.platform` has it."""
    configured = environment.get("XDG_CONFIG_HOME", "")
    if configured.startswith("/"):
        folder = Path(configured)
    elif system == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = home / ".config"
    return folder / "sops" / "age" / "keys.txt"


def find_places(environment: Mapping[str, str], home: Path, *, system: str = "linux") -> tuple[Place, ...]:
    """Where identities are looked for, in order. Reads no file."""
    named = [
        Place(form, variable, Path(environment[variable]) if form == "file" else None)
        for variable, form in _VARIABLES
        if environment.get(variable)
    ]
    defaults = (
        default_key_file(environment, home, system=system),
        home / ".ssh" / "id_ed25519",
        home / ".ssh" / "id_rsa",
    )
    return (*named, *(Place("file", "", path) for path in defaults))


def read_places(
    environment: Mapping[str, str],
    home: Path,
    *,
    system: str = "linux",
    ask: Ask | None = None,
    recipient: str = "",
    run_commands: bool = True,
) -> tuple[Reading, ...]:
    """What is in each place that is there. Errors are values, for whoever lists them.

    `recipient` goes to the commands as SOPS_AGE_RECIPIENT, so that they can choose a key.
    """
    forbid_dumps()
    readings: list[Reading] = []
    for place in find_places(environment, home, system=system):
        if place.form == "command" and not run_commands:
            readings.append(Reading(place))
            continue
        if not place.variable and place.path is not None and not os.path.lexists(place.path):
            continue
        try:
            readings.append(_read(place, environment, ask, recipient))
        except LlmcfgError as error:
            readings.append(_failed(place, error))
    return tuple(readings)


def find_identities(
    environment: Mapping[str, str],
    home: Path,
    *,
    system: str = "linux",
    ask: Ask | None = None,
    recipient: str = "",
) -> tuple[Identity, ...]:
    """Every identity of every place, each once, in the order of the places. Raises the error of the first place that has one."""
    readings = read_places(environment, home, system=system, ask=ask, recipient=recipient)
    for reading in readings:
        if reading.error is not None:
            raise reading.error
    return unique_identities(readings)


def unique_identities(readings: Sequence[Reading]) -> tuple[Identity, ...]:
    found: dict[str, Identity] = {}
    for reading in readings:
        for identity in reading.identities:
            found.setdefault(identity.recipient.text, identity)
    return tuple(found.values())


def read_key_file(path: Path, *, name: str = "", ask: Ask | None = None) -> Reading:
    """The identities of one file; `name` is the variable that names it. Raises LlmcfgError that names the file."""
    forbid_dumps()
    content, status = _read_file(path, f"{name} names {path}, which" if name else str(path))
    if is_age_file(content):
        if ask is None:
            raise NotAuthorisedError(
                f"{path} has a passphrase, and nobody is there to be asked",
                hint="run this in a terminal, or use a key file without one",
            )
        content = open_with_passphrase(content, ask(f"passphrase of {path}: "))
    identities = parse_identities(_text(content, str(path)), origin=str(path), ask=ask)
    if not identities:
        raise UsageError(f"{path} holds no identity", hint="llmcfg key gen makes one")
    mode = stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None
    place = Place("file", name, path)
    if mode is not None and mode & 0o077:
        warning = f"{path} can be read or changed by other users (mode {mode:04o})"
        return Reading(place, identities, mode, warning, f"chmod 600 {path}")
    return Reading(place, identities, mode)


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that is started: without variables whose values are private keys."""
    return {name: value for name, value in environment.items() if name not in KEY_VARIABLES}


def _read(place: Place, environment: Mapping[str, str], ask: Ask | None, recipient: str) -> Reading:
    if place.path is not None:
        return read_key_file(place.path, name=place.variable, ask=ask)
    value = environment[place.variable]
    if place.form == "command":
        value = _text(_output_of(place.variable, value, environment, recipient), place.variable)
    identities = parse_identities(value, origin=place.variable, ask=ask)
    if not identities:
        raise UsageError(f"{place.variable} holds no identity", hint="unset it, or give it a line of a key file")
    return Reading(place, identities)


def _failed(place: Place, error: LlmcfgError) -> Reading:
    """An SSH key that lies where everybody's lies was not put there for us, so it stops nothing."""
    if not place.variable and place.path is not None and place.path.parent.name == ".ssh":
        return Reading(place, warning=f"not used: {error.message}", hint=error.hint)
    return Reading(place, error=error)


def _read_file(path: Path, subject: str) -> tuple[bytes, os.stat_result]:
    try:
        with path.open("rb") as file:
            content = file.read(IDENTITY_FILE_BYTES + 1)
            status = os.fstat(file.fileno())
    except FileNotFoundError:
        raise NotFoundError(f"{subject} is not there", hint="mend the path, or make a key: llmcfg key gen") from None
    except PermissionError:
        raise NotAuthorisedError(f"{subject} may not be read by you", hint="run as the owner of the key") from None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}", hint="name a file with an identity") from None
    if len(content) > IDENTITY_FILE_BYTES:
        raise UsageError(f"{path} is over {IDENTITY_FILE_BYTES} bytes", hint="name a file with identities only")
    return content, status


def _text(content: bytes, origin: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{origin} is not text", hint="name a file with an identity") from None


def _output_of(variable: str, command: str, environment: Mapping[str, str], recipient: str) -> bytes:
    """What the command prints. No shell; it may ask on the terminal. Its words stay out of messages, since they may be secret."""
    import shlex
    import subprocess

    given = without_keys(environment)
    if recipient:
        given["SOPS_AGE_RECIPIENT"] = recipient
    try:
        words = shlex.split(command)
        done = subprocess.run(words, env=given, stdout=subprocess.PIPE, check=False, timeout=_COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        raise PendingError(f"the command of {variable} did not end in {_COMMAND_SECONDS} s") from None
    except (OSError, ValueError, IndexError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no command line"
        raise UsageError(f"the command of {variable} cannot be run: {why}", hint=f"mend {variable}") from None
    if done.returncode:
        raise NotAuthorisedError(
            f"the command of {variable} failed with {done.returncode}", hint="run it yourself to see why"
        )
    return done.stdout
