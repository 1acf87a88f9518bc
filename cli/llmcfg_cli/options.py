"""The options that many commands share: one flag, one meaning, one text of help.

Use an alias as an annotation with a default: `directory: Directory = Path()`. For an answer's format, each command names its own:
`output: Annotated[Literal["table", "json"], OUTPUT] = "table"`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import typer

from llmcfg_cli.completion import (
    complete_consumers,
    complete_environments,
    complete_keys,
    complete_prompts,
    complete_revisions,
    complete_secrets,
    complete_tenants,
)

Directory: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--directory", "-C", metavar="DIR", help="Work in this configuration repository.", show_default="where you are"
    ),
]

_ENVIRONMENT = typer.Option(
    "--env", "-e", metavar="ENV", help="The environment.", autocompletion=complete_environments, show_default=False
)
_ENVIRONMENTS = typer.Option(
    "--env",
    "-e",
    metavar="ENV",
    help="Only this environment; may be repeated.",
    autocompletion=complete_environments,
    show_default=False,
)
_TENANT = typer.Option(
    "--tenant",
    "-t",
    metavar="TENANT",
    help="The tenant; without it, the platform's own configuration.",
    autocompletion=complete_tenants,
    show_default=False,
)
_TENANTS = typer.Option(
    "--tenant",
    "-t",
    metavar="TENANT",
    help="Only this tenant; may be repeated. _shared is what has no tenant.",
    autocompletion=complete_tenants,
    show_default=False,
)
_CONSUMER = typer.Option(
    "--consumer",
    "-c",
    metavar="CONSUMER",
    help="The consumer.",
    autocompletion=complete_consumers,
    show_default=False,
)
_CONSUMERS = typer.Option(
    "--consumer",
    "-c",
    metavar="CONSUMER",
    help="Only this consumer; may be repeated.",
    autocompletion=complete_consumers,
    show_default=False,
)
_AT = typer.Option(
    "--at",
    metavar="REV",
    help="Look at this commit, tag, branch or time (ISO 8601) instead of the work tree.",
    autocompletion=complete_revisions,
    show_default=False,
)

RequiredEnvironment: TypeAlias = Annotated[str, _ENVIRONMENT]
Environment: TypeAlias = Annotated[str | None, _ENVIRONMENT]
Environments: TypeAlias = Annotated[list[str] | None, _ENVIRONMENTS]
Tenant: TypeAlias = Annotated[str | None, _TENANT]
Tenants: TypeAlias = Annotated[list[str] | None, _TENANTS]
RequiredConsumer: TypeAlias = Annotated[str, _CONSUMER]
Consumer: TypeAlias = Annotated[str | None, _CONSUMER]
Consumers: TypeAlias = Annotated[list[str] | None, _CONSUMERS]
At: TypeAlias = Annotated[str | None, _AT]

Key: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help="A key path, such as llm_providers.openai.base_url.",
        autocompletion=complete_keys,
        show_default=False,
    ),
]
OptionalKey: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="[KEY]",
        help="A key path, such as llm_providers.openai; '.' is everything.",
        autocompletion=complete_keys,
        show_default=False,
    ),
]

SecretName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The name of a secret: its key path in a secret file, such as openai.api_key.",
        autocompletion=complete_secrets,
        show_default=False,
    ),
]
SecretFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="The file below the layer's secrets/, such as providers.yaml.",
        show_default="the one that holds NAME, or the only one, or secrets.yaml",
    ),
]

_PROMPT_HELP: Final = "A prompt by its id or its path below prompts/, such as support/triage."
PromptName: TypeAlias = Annotated[
    str, typer.Argument(metavar="PROMPT", help=_PROMPT_HELP, autocompletion=complete_prompts, show_default=False)
]
OptionalPromptName: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="[PROMPT]", help=_PROMPT_HELP, autocompletion=complete_prompts, show_default=False),
]
PromptVersion: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[VERSION]", help="A version, such as 2.1.0.", show_default=False)
]

OUTPUT = typer.Option("--output", "-o", help="The form of the answer.", case_sensitive=False)

DeliverTo: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--deliver-to", metavar="DIR", help="The folder that sinks deliver below.", show_default="the repository"
    ),
]
SettingsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="What this machine defines: remote, endpoints, hooks.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]
SigningKeys: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--signing-key",
        metavar="FILE",
        help="Sign the bundles with this private key; may be repeated.",
        show_default="as the settings say",
    ),
]
SigningRoot: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="FILE",
        help="The root of trust that lets the key sign.",
        show_default="as the settings say",
    ),
]
Unsigned: TypeAlias = Annotated[
    bool, typer.Option("--unsigned", help="Do not sign, though what is deployed is signed.", show_default=False)
]
StateDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="The folder of the daemon's own files.",
        show_default="inside the local repository",
    ),
]
LockTimeout: TypeAlias = Annotated[
    float,
    typer.Option(
        "--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another writer of the deployed branch."
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print the answer and errors only.", show_default=False)
]
Verbose: TypeAlias = Annotated[bool, typer.Option("--verbose", "-v", help="Say more on the way.", show_default=False)]
DIFFERENCES: Final = 3
"""The exit code for differences, where they are asked for (docs/spec/cli.md#exit-codes)."""
ExitCode: TypeAlias = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 3 when there are differences.", show_default=False)
]
AsOf: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="The day that retirement dates and comments are held against.",
        formats=["%Y-%m-%d"],
        envvar="LLMCFG_AS_OF",
        show_default="today",
    ),
]
NoCache: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Do everything anew: neither use nor remember results.",
        envvar="LLMCFG_NO_CACHE",
        show_envvar=False,
        show_default=False,
    ),
]
ExplainCache: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--explain-cache", help="Say what was done again although there is a cache, and why.", show_default=False
    ),
]
Author: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--author",
        metavar="NAME",
        help="Who proposes the change, as the forge says: hold it to roles and approvals.",
        show_default=False,
    ),
]
ApprovedBy: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--approved-by", metavar="NAME", help="Who approved it, with --author; may be repeated.", show_default=False
    ),
]
FailOnLevel: TypeAlias = Literal["error", "warning", "note", "never"]
FailOn: TypeAlias = Annotated[
    FailOnLevel, typer.Option("--fail-on", help="Exit with 4 when a finding is at least this severe.")
]
BaseVersion: TypeAlias = Annotated[
    Path, typer.Argument(metavar="BASE", help="The version that both came from; empty: there is none.")
]
OurVersion: TypeAlias = Annotated[Path, typer.Argument(metavar="OURS", help="Our version, which becomes the merge.")]
TheirVersion: TypeAlias = Annotated[Path, typer.Argument(metavar="THEIRS", help="Their version.")]
MergedPath: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[PATH]", help="What the file is called.", show_default="OURS")
]
