"""A rule of a remote Open Policy Agent, asked about a change by its data API (https://www.openpolicyagent.org/docs/latest/rest-api/#data-api).

The rule gives what a `deny` of the repository gives, over the same input. It is asked about each scope that the change reaches. Everything
that is no answer is refused: a rule that is undefined or no set, an address that does not answer in time, another status than 200. Then
nobody is asked any more, and the change has an error.
"""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any, Final

from llmcfg.ci.web import exchange, parse_address, parse_json
from llmcfg.errors import NotAuthorisedError, RemoteError, UsageError
from llmcfg.git.filenames import MANIFEST
from llmcfg.limits import POLICY_OUTPUT_BYTES
from llmcfg.model.findings import Finding, Problem, finding_from, merge_findings
from llmcfg.model.rules import Rule, Severity
from llmcfg.pipeline.policyfindings import place_violation
from llmcfg.pipeline.policyinput import questions
from llmcfg.policies.reads import EVERYTHING
from llmcfg.policies.results import read_results
from llmcfg.running import ask_for_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.proposal import Proposal
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.policyinput import Question
    from llmcfg.policies.results import Violation

SECONDS: Final = 10.0
"""For one answer."""
ALL_SECONDS: Final = 120.0
"""For the answers about all scopes of a change."""
_RULE: Final = Rule("policy/opa", Severity.ERROR, "refused by the policies of a server", "The organisation says so.")
_DATA: Final = "/v1/data/"


def token_from(command: str, environment: Mapping[str, str]) -> str:
    """The token that a program prints on a line of its own. Raises NotAuthorisedError, without any of what it printed."""
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--opa-token-command cannot be read: {error}", hint="quote it as for a shell") from None
    if not arguments:
        raise UsageError("--opa-token-command is empty", hint="name a program that prints the token")
    said = ask_for_credentials(arguments, environment, hint="see --opa-token-command")
    token = said.decode("utf-8", "replace").strip()
    if not token or not token.isprintable():
        raise NotAuthorisedError(f"{arguments[0]} prints no token on a line of its own", hint="run it by hand")
    return token


class Opa:
    """One rule: `https://opa.example.com/v1/data/llmcfg/deny`. `token` goes to that address and nowhere else."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self._parts = parse_address(address, "write https://HOST/v1/data/PACKAGE/RULE; http only on this machine")
        if _DATA not in self._parts.path or self._parts.query or self._parts.fragment:
            raise UsageError(f"{address} names no rule", hint="write https://HOST/v1/data/PACKAGE/RULE")
        self._token = token

    def __str__(self) -> str:
        return f"{self._parts.netloc}{self._parts.path}"

    def ask(self, text: str) -> Any:
        """What the rule gives for this input, as JSON. Raises RemoteError for everything that is no answer."""
        headers = {"Content-Type": "application/json", "User-Agent": "llmcfg"}
        headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        body = b'{"input": ' + text.encode() + b"}"
        answered = exchange(
            self._parts, "POST", self._parts.path, headers=headers, body=body, seconds=SECONDS, most=POLICY_OUTPUT_BYTES
        )
        if answered.status != 200:
            raise RemoteError(f"{self} answers with {answered.status}")
        said = parse_json(answered.body, f"{self} answers")
        if not isinstance(said, dict) or "result" not in said:
            raise RemoteError(f"{self} is undefined")
        return said["result"]


def opa_findings(configuration: Configuration, proposal: Proposal, opa: Opa) -> tuple[Finding, ...]:
    """What the rule says of the change, at what it is about."""
    scopes = [scope for scope in configuration.scopes if proposal.concerns(scope)]
    return merge_findings(_findings(configuration, questions(configuration, scopes, EVERYTHING, proposal), opa))


def _findings(configuration: Configuration, asked: tuple[Question, ...], opa: Opa) -> Iterator[Finding]:
    until = time.monotonic() + ALL_SECONDS
    for question in asked:
        try:
            if time.monotonic() > until:
                raise RemoteError(f"{opa} takes more than {ALL_SECONDS:g} s for all scopes")
            given = opa.ask(question.text)
        except RemoteError as error:
            problem = Problem("policy-failed", error.message, hint="until it answers, nothing is taken as allowed")
            yield finding_from(problem, MANIFEST)
            return
        for violation in read_results(given):
            yield _placed(configuration, question, violation, opa)


def _placed(configuration: Configuration, question: Question, violation: Violation, opa: Opa) -> Finding:
    """At the manifest where it names nothing."""
    reach = [str(scope) for scope in question.scopes]
    problem = Problem(_RULE.id, violation.message, hint=violation.hint or f"{opa} says so")
    found = place_violation(configuration, question, violation, problem)
    return (found or finding_from(problem, MANIFEST)._replace(reach=tuple(reach)))._replace(own=_RULE)
