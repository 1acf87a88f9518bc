"""`llmcfg policy …`: the repository's own policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import FindingsError, NotFoundError
from llmcfg_cli.commands.validate import exit_code
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, At, Directory, Quiet, RequiredEnvironment, Tenant

if TYPE_CHECKING:
    from llmcfg.pipeline.configuration import Configuration

_NONE = "write one, policies/NAME.rego; docs/policies.md shows how"


def test(
    directory: Directory = Path(),
    at: At = None,
    output: Annotated[Literal["table", "json", "sarif", "github", "junit"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> int:
    """Run the rules test_… of policies/**_test.rego.

    A test that is not true is a finding. Exits with 4 when there is one, or when a policy cannot be evaluated.
    """
    from llmcfg.pipeline.policyfindings import run_policy_tests
    from llmcfg_cli.settings import reading_workspace
    from llmcfg_cli.views.findings import view_findings
    from llmcfg_cli.views.text import plural

    workspace = reading_workspace(directory)
    report = run_policy_tests(_with_policies(workspace.configuration(at)))
    out(view_findings(report.findings, output, colour=has_colour(), root=workspace.git_folder))
    failed = sum(finding.rule_id == "policy-test" for finding in report.findings)
    note(f"{plural(report.total, 'test')}, {failed} failed", quiet=quiet)
    return exit_code(report.findings, "error")


def evaluate(
    environment: RequiredEnvironment,
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    since: Annotated[
        str | None,
        option(
            "--since",
            metavar="REV",
            help="Ask about the change from this revision, too.",
            completes="revisions",
            show_default=False,
        ),
    ] = None,
    with_input: Annotated[
        bool, option("--input", help="Print what the policies are asked about.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> int:
    """Show what each policy gives for an environment or a tenant of it, as it gives it.

    The input holds only what some policy reads. Findings are shown by validate, at the keys that they are about. Exits with 4 when a
    policy cannot be evaluated.
    """
    from llmcfg.pipeline.gates import proposal_between
    from llmcfg.pipeline.policyfindings import verdicts
    from llmcfg_cli.settings import reading_workspace
    from llmcfg_cli.views.document import json_text
    from llmcfg_cli.views.policy import view_verdicts

    workspace = reading_workspace(directory)
    configuration = _with_policies(workspace.configuration(at))
    scope = configuration.scope(environment, tenant)
    configuration.readable(scope)
    proposal = proposal_between(workspace.configuration(since), configuration) if since else None
    asked, given = verdicts(configuration, scope, proposal)
    out(json_text(json.loads(asked)) if with_input else view_verdicts(given, output, colour=has_colour()))
    return FindingsError.exit_code if any(verdict.fault for verdict in given) else 0


def _with_policies(configuration: Configuration) -> Configuration:
    """Raises NotFoundError where there are none, so that nobody takes silence for consent."""
    from llmcfg.pipeline.policyfindings import rego_files

    if not rego_files(configuration):
        raise NotFoundError(f"{configuration.snapshot.label} has no policies in Rego", hint=_NONE)
    return configuration
