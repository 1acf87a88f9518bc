"""Every command by name. Nothing here is imported until its command runs, so help, completion and start-up stay fast.

A command's `target` is `module:function` under `llmcfg_cli.commands`; its `help` is the one line that overviews show.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias


class Recorded(NamedTuple):
    """The act that a command is, for the audit log. `subject` is the parameter that names what it is done to.

    The command only looks, and nothing is recorded, when `unless` is given or `needs` is not.
    """

    act: str
    subject: str = ""
    unless: str = ""
    needs: str = ""


class Command(NamedTuple):
    """`records` is None for what changes nothing but the caller's own files, and shows no secret."""

    name: str
    target: str
    help: str
    hidden: bool = False
    records: Recorded | None = None


class Family(NamedTuple):
    """Commands that share a first word: `llmcfg schema export`. Families may lie in one another.

    `before` is a `module:function` of `llmcfg_cli` that runs before any of the commands.
    `default` is the command that runs when no other is named.
    """

    name: str
    help: str
    commands: tuple[Entry, ...]
    hidden: bool = False
    before: str = ""
    default: str = ""


Entry: TypeAlias = "Command | Family"


class Panel(NamedTuple):
    """Entries under one heading of the overview."""

    title: str
    entries: tuple[Entry, ...]


PANELS: Final = (
    Panel(
        "Daily",
        (
            Command("validate", "validate:validate", "check every environment, tenant and consumer"),
            Command("lint", "lint:lint", "check files of LLM programs as they lie there"),
            Command("diff", "diff:diff", "show what changes in effect, and for whom"),
            Command("impact", "impact:impact", "show who reads a key, and in which bundles"),
            Command("parity", "parity:parity", "show how two environments differ although nobody said that they may"),
            Command("render", "render:render", "write the bundles, or one file of one bundle"),
            Command("explain", "explain:explain", "show where a value comes from"),
            Command("get", "get:get", "print the effective value of a key"),
            Command("list", "list_keys:list_keys", "list effective keys and values"),
            Command("tree", "tree:tree", "show the effective configuration as a tree"),
            Command("set", "set_value:set_value", "change a value in a file, keeping its comments"),
            Command("fmt", "fmt:fmt", "write YAML in one layout, so that every reader takes it the same"),
            Family(
                "refactor",
                "write the configuration otherwise, and prove that it says the same",
                (
                    Command("mv", "refactor:move", "give a key another path, wherever it is set and named"),
                    Command("split", "refactor:split", "split a document into one for each of its mappings"),
                ),
            ),
            Family(
                "ci",
                "check a change, and say what it does and to whom",
                (
                    Command(
                        "run",
                        "ci:run",
                        "compare, check and report; what `llmcfg ci` alone does",
                        records=Recorded("ci"),
                    ),
                    Command("post", "ci_post:post", "put a report on the pull request of a GitHub job"),
                ),
                default="run",
            ),
            Command("merge-check", "merge_check:merge_check", "tell whether two branches change the same in effect"),
        ),
    ),
    Panel(
        "Deploy",
        (
            Command("plan", "plan:plan", "show or save what apply would do"),
            Command(
                "apply", "apply:apply", "deploy bundles to an environment", records=Recorded("apply", unless="dry_run")
            ),
            Command("status", "status:status", "show what is deployed, pending and drifted"),
            Family(
                "sync",
                "keep environments at what they track, as a daemon or once",
                (
                    Command("run", "sync:run", "follow a repository; what `llmcfg sync` alone does"),
                    Command("now", "sync_control:now", "ask the daemon for a pass now"),
                    Command(
                        "suspend",
                        "sync_control:suspend",
                        "leave an environment alone",
                        records=Recorded("sync.suspend"),
                    ),
                    Command(
                        "resume",
                        "sync_control:resume",
                        "take care of an environment again",
                        records=Recorded("sync.resume"),
                    ),
                    Command(
                        "accept",
                        "sync_control:accept",
                        "follow a branch or tag although it was rewritten",
                        records=Recorded("sync.accept", "ref"),
                    ),
                    Command(
                        "redeliver",
                        "sync_control:redeliver",
                        "try sinks again that were given up",
                        records=Recorded("sync.redeliver"),
                    ),
                ),
                default="run",
            ),
            Command(
                "history", "history:history", "show deployments, or the commits that changed a key's effective value"
            ),
            Command("bisect", "bisect:bisect", "find the commit at which a key's effective value went bad"),
            Command("verify", "verify:verify", "build what was deployed again, and compare"),
            Command("log", "history:history", "the same as history", hidden=True),
            Command("tag", "tag:tag", "name a revision as a release", records=Recorded("tag", "name", needs="name")),
            Command(
                "rollback",
                "rollback:rollback",
                "go back to what was deployed before",
                records=Recorded("rollback", unless="dry_run"),
            ),
            Command(
                "open",
                "open_bundle:open_bundle",
                "open what is sealed in a bundle, with the consumer's key",
                records=Recorded("bundle.open", "bundle"),
            ),
            Family(
                "bundle",
                "bundles as consumers get them",
                (
                    Command(
                        "verify", "bundle_verify:verify", "check who signed a bundle, and that it is what was signed"
                    ),
                ),
            ),
            Command("run", "run:run", "run a program with its configuration, and tell it of changes"),
            Command("agent", "agent:agent", "serve delivered bundles to the programs of this host"),
        ),
    ),
    Panel(
        "Repository",
        (
            Command("init", "init:init", "make a configuration repository"),
            Command("doctor", "doctor:doctor", "check the repository and the installation"),
            Family(
                "hooks",
                "what makes Git good with documents and secret files",
                (
                    Command(
                        "install", "hooks:install", "set up merging by key, and showing and checking of secret files"
                    ),
                    Command("uninstall", "hooks:uninstall", "remove it"),
                    Command("status", "hooks:status", "show which of it is in place"),
                ),
            ),
            Command(
                "merge-driver", "merge_driver:merge_driver", "merge two versions of a document by key; Git runs it"
            ),
            Family(
                "import",
                "take over configuration from other programs",
                (
                    Command("litellm", "import_programs:import_litellm", "take over a LiteLLM proxy config"),
                    Command("librechat", "import_programs:import_librechat", "take over a LibreChat config"),
                    Command("mcp", "import_others:import_mcp", "take over the MCP servers of a client"),
                    Command("env", "import_others:import_env", "take over an env file"),
                ),
            ),
            Family(
                "catalogue",
                "what is known about models",
                (
                    Command("show", "catalogue:show", "show limits, prices and the last day of a model"),
                    Command("update", "catalogue:update", "pin a fresh catalogue in the repository"),
                ),
            ),
            Family(
                "policy",
                "the repository's own policies, in Rego",
                (
                    Command("test", "policy:test", "run the tests of the policies"),
                    Command("eval", "policy:evaluate", "show what the policies say of an environment or a change"),
                ),
            ),
            Family(
                "audit",
                "who did what here, on record",
                (
                    Command("init", "audit:init", "record every act from now on, or change how"),
                    Command("show", "audit:show", "show what was done, by whom, and what came of it"),
                    Command("verify", "audit_verify:verify", "check that nothing in the log was changed or cut"),
                    Command("prove", "audit_verify:prove", "prove to others what the log holds"),
                    Command("checkpoint", "audit_verify:checkpoint", "put a checkpoint of it into Git now"),
                    Command("export", "audit:export", "print entries for other programs"),
                ),
            ),
            Family(
                "cache",
                "what earlier commands left to make the next ones quick",
                (
                    Command("show", "cache:show", "show what is remembered of the repository, and where"),
                    Command("verify", "cache:verify", "check it, and remove what is damaged"),
                    Command("prune", "cache:prune", "remove what other versions and gone repositories left"),
                    Command("clear", "cache:clear", "remove it"),
                ),
            ),
            Family(
                "trust",
                "who signs commits and bundles, and what that lets count",
                (
                    Command(
                        "init",
                        "trust_change:init",
                        "begin to trust: make the root and sign it",
                        records=Recorded("trust.init"),
                    ),
                    Command("show", "trust:show", "show the root of trust"),
                    Command("check", "trust:check", "tell which commits count, and who has to do what"),
                    Command(
                        "add-signer",
                        "trust_change:add_signer",
                        "let somebody sign commits and tags",
                        records=Recorded("trust.add-signer", "name"),
                    ),
                    Command(
                        "rules",
                        "trust_change:rules",
                        "say who changes which paths, and who promotes",
                        records=Recorded("trust.rules", "file"),
                    ),
                    Command(
                        "approve",
                        "trust_tags:approve",
                        "approve a commit, for rules that take more than one",
                        records=Recorded("trust.approve", "revision"),
                    ),
                    Command(
                        "promote",
                        "trust_tags:promote",
                        "say that a commit is to run in an environment",
                        records=Recorded("trust.promote", "revision"),
                    ),
                    Command(
                        "rotate",
                        "trust_change:rotate",
                        "change the keys of the root, or those that sign bundles",
                        records=Recorded("trust.rotate"),
                    ),
                    Command(
                        "revoke",
                        "trust_change:revoke",
                        "take out a signer or a key, at once",
                        records=Recorded("trust.revoke", "what"),
                    ),
                    Command(
                        "renew",
                        "trust_change:renew",
                        "make the same root good for longer",
                        records=Recorded("trust.renew"),
                    ),
                    Command("sign", "trust_change:sign", "sign a version that others made"),
                    Command(
                        "publish",
                        "trust_change:publish",
                        "make a version that enough signed the newest",
                        records=Recorded("trust.publish", "file"),
                    ),
                    Command(
                        "pin",
                        "trust:pin",
                        "trust a root from now on, in this clone",
                        records=Recorded("trust.pin", "file"),
                    ),
                    Command("export", "trust:export", "write the root for other machines"),
                ),
            ),
            Family(
                "schema",
                "JSON Schemas of the configuration",
                (Command("export", "schema:export", "write schemas and settings for editors"),),
            ),
        ),
    ),
    Panel(
        "Models",
        (
            Command("graph", "graph:graph", "draw routes, models and fallbacks, and who uses them"),
            Command("retirements", "retirements:retirements", "list models that end soon, and what moving on breaks"),
            Command("cost", "cost:cost", "show the most that models can cost, and what they are expected to"),
        ),
    ),
    Panel(
        "Prompts",
        (
            Family(
                "prompt",
                "prompts, their versions, and which of them applications use",
                (
                    Command("list", "prompt:list_prompts", "list prompts with what is current in each environment"),
                    Command("show", "prompt:show", "print a version as it holds in an environment"),
                    Command("diff", "prompt:diff", "show what differs between two versions"),
                    Command("render", "prompt_render:render", "print the messages with values filled in"),
                    Command("test", "prompt_render:test", "run the tests of prompts, without a model"),
                    Command("new", "prompt_change:new", "begin a version from the newest one"),
                    Command("release", "prompt_change:release", "record a version that is never edited again"),
                    Command("promote", "prompt_change:promote", "make a version current in an environment"),
                    Command("import", "prompt_transfer:import_dotprompt", "take over a Dotprompt file"),
                    Command("export", "prompt_transfer:export_dotprompt", "print a version as a Dotprompt file"),
                ),
            ),
        ),
    ),
    Panel(
        "Secrets",
        (
            Family(
                "key",
                "private keys that open secrets, and their public halves",
                (
                    Command("gen", "key:gen", "make a private key and print its public key"),
                    Command("list", "key:list_places", "list where private keys are found"),
                    Command("show-public", "key:show_public", "print public keys"),
                ),
            ),
            Family(
                "secret",
                "secrets of the repository, in files that the sops tool reads too",
                (
                    Command(
                        "set",
                        "secret_set:set_secret",
                        "set a secret without showing it",
                        records=Recorded("secret.set", "name"),
                    ),
                    Command(
                        "unset",
                        "secret_set:unset",
                        "take a secret out of its file",
                        records=Recorded("secret.unset", "name"),
                    ),
                    Command(
                        "get", "secret_get:get", "print a secret, for a reason", records=Recorded("secret.get", "name")
                    ),
                    Command(
                        "reveal",
                        "secret_get:get",
                        "the same as get",
                        hidden=True,
                        records=Recorded("secret.get", "name"),
                    ),
                    Command(
                        "edit",
                        "secret_edit:edit",
                        "edit a secret or a secret file with your editor",
                        records=Recorded("secret.edit", "target"),
                    ),
                    Command("list", "secret_list:list_secrets", "list secrets, with who opens, changes and uses them"),
                    Command(
                        "copy",
                        "secret_transfer:copy",
                        "copy a secret to another environment or tenant",
                        records=Recorded("secret.copy", "name"),
                    ),
                    Command(
                        "import",
                        "secret_transfer:import_env",
                        "take over the variables of a .env file",
                        records=Recorded("secret.import", "file"),
                    ),
                    Command(
                        "export",
                        "secret_transfer:export",
                        "print all secrets of an environment, for a reason",
                        records=Recorded("secret.export"),
                    ),
                    Command(
                        "rotate",
                        "secret_rotate:rotate",
                        "set a new value and keep the old one for a while",
                        records=Recorded("secret.rotate", "name"),
                    ),
                    Command(
                        "retire",
                        "secret_rotate:retire",
                        "drop the value before the last rotation",
                        records=Recorded("secret.retire", "name"),
                    ),
                    Command(
                        "fold",
                        "secret_fold:fold_drops",
                        "take drop files into the files they belong in",
                        records=Recorded("secret.fold"),
                    ),
                    Command(
                        "decrypt",
                        "secret:decrypt",
                        "decrypt a SOPS file, as sops -d does",
                        records=Recorded("secret.decrypt", "file"),
                    ),
                    Command(
                        "encrypt",
                        "secret:encrypt",
                        "encrypt a file, as sops -e does",
                        records=Recorded("secret.encrypt", "file"),
                    ),
                    Family(
                        "recipients",
                        "who can open which secret file",
                        (
                            Command(
                                "sync",
                                "secret_recipients:sync",
                                "give every secret file the recipients of its rule",
                                records=Recorded("secret.recipients", unless="check"),
                            ),
                        ),
                    ),
                    Command(
                        "revoke",
                        "secret_revoke:revoke",
                        "list what a key could ever read, and mark it for rotation",
                        records=Recorded("secret.revoke", "recipient", unless="dry_run"),
                    ),
                    Command("lint", "secret_lint:lint", "check secret files and who can open them, without a key"),
                    Command("scan", "secret_scan:scan", "look for secrets in plain text"),
                    Command(
                        "diff",
                        "secret_diff:diff",
                        "show which secrets and recipients changed",
                        records=Recorded("secret.diff", needs="reveal"),
                    ),
                    Command("outline", "secret_outline:outline", "show a secret file without its secrets"),
                    Command("merge", "secret_merge:merge", "merge two versions of a secret file by key; Git runs it"),
                    Command(
                        "resolve",
                        "secret_merge:resolve",
                        "finish a merge that left a secret file in conflict",
                        records=Recorded("secret.resolve", "file"),
                    ),
                ),
                before="plaintext:guard",
            ),
        ),
    ),
    Panel(
        "Reference",
        (
            Command("rules", "rules:rules", "list the rules that findings name, or explain one"),
            Command("limits", "limits:limits", "list the limits that input is held to"),
            Family(
                "completion",
                "completion of commands, names and keys in your shell",
                (
                    Command("show", "completion:show", "print the script for a shell"),
                    Command("install", "completion:install", "install the script for a shell"),
                ),
            ),
        ),
    ),
)
