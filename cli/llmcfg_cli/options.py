"""The options that many commands share: one flag, one meaning, one text of help.

Use an alias as an annotation with a default: `directory: Directory = Path()`. For an answer's format, each command names its own:
`output: Annotated[Literal["table", "json"], OUTPUT] = "table"`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from llmcfg_cli.declared import argument, option

Directory: TypeAlias = Annotated[
    Path,
    option(
        "--directory", "-C", metavar="DIR", help="Work in this configuration repository.", show_default="where you are"
    ),
]

_ENVIRONMENT = option(
    "--env", "-e", metavar="ENV", help="The environment.", completes="environments", show_default=False
)
_ENVIRONMENTS = option(
    "--env",
    "-e",
    metavar="ENV",
    help="Only this environment; may be repeated.",
    completes="environments",
    show_default=False,
)
_TENANT = option(
    "--tenant",
    "-t",
    metavar="TENANT",
    help="The tenant; without it, the platform's own configuration.",
    completes="tenants",
    show_default=False,
)
_TENANTS = option(
    "--tenant",
    "-t",
    metavar="TENANT",
    help="Only this tenant; may be repeated. _shared is what has no tenant.",
    completes="tenants",
    show_default=False,
)
_CONSUMER = option(
    "--consumer",
    "-c",
    metavar="CONSUMER",
    help="The consumer.",
    completes="consumers",
    show_default=False,
)
_CONSUMERS = option(
    "--consumer",
    "-c",
    metavar="CONSUMER",
    help="Only this consumer; may be repeated.",
    completes="consumers",
    show_default=False,
)
_AT = option(
    "--at",
    metavar="REV",
    help="Look at this commit, tag, branch or time (ISO 8601) instead of the work tree.",
    completes="revisions",
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
    argument(
        metavar="KEY",
        help="A key path, such as llm_providers.openai.base_url.",
        completes="keys",
        show_default=False,
    ),
]
OptionalKey: TypeAlias = Annotated[
    str,
    argument(
        metavar="[KEY]",
        help="A key path, such as llm_providers.openai; '.' is everything.",
        completes="keys",
        show_default=False,
    ),
]

SecretName: TypeAlias = Annotated[
    str,
    argument(
        metavar="NAME",
        help="The name of a secret: its key path in a secret file, such as openai.api_key.",
        completes="secrets",
        show_default=False,
    ),
]
SecretFile: TypeAlias = Annotated[
    str | None,
    option(
        "--file",
        metavar="FILE",
        help="The file below the layer's secrets/, such as providers.yaml.",
        show_default="the one that holds NAME, or the only one, or secrets.yaml",
    ),
]

_PROMPT_HELP: Final = "A prompt by its id or its path below prompts/, such as support/triage."
PromptName: TypeAlias = Annotated[
    str, argument(metavar="PROMPT", help=_PROMPT_HELP, completes="prompts", show_default=False)
]
OptionalPromptName: TypeAlias = Annotated[
    str | None,
    argument(metavar="[PROMPT]", help=_PROMPT_HELP, completes="prompts", show_default=False),
]
PromptVersion: TypeAlias = Annotated[
    str | None, argument(metavar="[VERSION]", help="A version, such as 2.1.0.", show_default=False)
]

OUTPUT = option("--output", "-o", help="The form of the answer.", case_sensitive=False)

DeliverTo: TypeAlias = Annotated[
    Path | None,
    option("--deliver-to", metavar="DIR", help="The folder that sinks deliver below.", show_default="the repository"),
]
SettingsFile: TypeAlias = Annotated[
    Path | None,
    option(
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
    option(
        "--signing-key",
        metavar="FILE",
        help="Sign the bundles with this private key; may be repeated.",
        show_default="as the settings say",
    ),
]
SigningRoot: TypeAlias = Annotated[
    Path | None,
    option(
        "--root",
        metavar="FILE",
        help="The root of trust that lets the key sign.",
        show_default="as the settings say",
    ),
]
Unsigned: TypeAlias = Annotated[
    bool, option("--unsigned", help="Do not sign, though what is deployed is signed.", show_default=False)
]
StateDir: TypeAlias = Annotated[
    Path | None,
    option(
        "--state",
        metavar="DIR",
        help="The folder of the daemon's own files.",
        show_default="inside the local repository",
    ),
]
LockTimeout: TypeAlias = Annotated[
    float,
    option(
        "--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another writer of the deployed branch."
    ),
]
Yes: TypeAlias = Annotated[bool, option("--yes", "-y", help="Do not ask.", show_default=False)]
Quiet: TypeAlias = Annotated[
    bool, option("--quiet", "-q", help="Print the answer and errors only.", show_default=False)
]
Verbose: TypeAlias = Annotated[bool, option("--verbose", "-v", help="Say more on the way.", show_default=False)]
DIFFERENCES: Final = 3
"""The exit code for differences, where they are asked for (docs/spec/cli.md#exit-codes)."""
ExitCode: TypeAlias = Annotated[
    bool, option("--exit-code", help="Exit with 3 when there are differences.", show_default=False)
]
AsOf: TypeAlias = Annotated[
    datetime | None,
    option(
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
    option(
        "--no-cache",
        help="Do everything anew: neither use nor remember results.",
        envvar="LLMCFG_NO_CACHE",
        show_envvar=False,
        show_default=False,
    ),
]
ExplainCache: TypeAlias = Annotated[
    bool,
    option("--explain-cache", help="Say what was done again although there is a cache, and why.", show_default=False),
]
Author: TypeAlias = Annotated[
    str | None,
    option(
        "--author",
        metavar="NAME",
        help="Who proposes the change, as the forge says: hold it to roles and approvals.",
        show_default=False,
    ),
]
ApprovedBy: TypeAlias = Annotated[
    list[str] | None,
    option(
        "--approved-by", metavar="NAME", help="Who approved it, with --author; may be repeated.", show_default=False
    ),
]
FailOnLevel: TypeAlias = Literal["error", "warning", "note", "never"]
FailOn: TypeAlias = Annotated[
    FailOnLevel, option("--fail-on", help="Exit with 4 when a finding is at least this severe.")
]
BaseVersion: TypeAlias = Annotated[
    Path, argument(metavar="BASE", help="The version that both came from; empty: there is none.")
]
OurVersion: TypeAlias = Annotated[Path, argument(metavar="OURS", help="Our version, which becomes the merge.")]
TheirVersion: TypeAlias = Annotated[Path, argument(metavar="THEIRS", help="Their version.")]
MergedPath: TypeAlias = Annotated[
    str | None, argument(metavar="[PATH]", help="What the file is called.", show_default="OURS")
]
