"""Findings of the repository's own policies, at the keys that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding, Origin, Problem, finding_from, merge_findings
from llmcfg.pipeline.keyplaces import find_place, place_decision, place_file
from llmcfg.pipeline.policyinput import questions
from llmcfg.policies.answers import Asked
from llmcfg.policies.evaluate import evaluate
from llmcfg.policies.loading import load_policies
from llmcfg.policies.nested import place_as_written
from llmcfg.policies.reads import wants
from llmcfg.policies.results import read_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmcfg.model.proposal import Proposal
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.policyinput import Question
    from llmcfg.policies.answers import Answer, Refusal
    from llmcfg.policies.loading import Policies, Policy
    from llmcfg.policies.results import Violation

REGO: Final = ".rego"


def policy_findings(configuration: Configuration, scopes: Iterable[Scope]) -> tuple[Finding, ...]:
    """What the policies say of these scopes. What is wrong with a policy is a finding too, and then nothing is evaluated."""
    policies = policies_of(configuration)
    if not policies.is_sound:
        return tuple(problem_findings(configuration, policies.problems))
    return _ask(configuration, configuration, questions(configuration, scopes, policies.reads))


def change_policy_findings(
    configuration: Configuration, scopes: Iterable[Scope], proposal: Proposal, said_by: Configuration
) -> tuple[Finding, ...]:
    """What the policies that `said_by` holds say of the change that leads to this configuration.

    Of the scopes that have it, and beside what they say of its result anyway.
    """
    policies = policies_of(said_by)
    if not policies.is_sound or not wants(policies.reads, "change"):
        return ()
    changed = [scope for scope in scopes if proposal.concerns(scope)]
    result = _ask(configuration, said_by, questions(configuration, changed, policies.reads))
    anyway = {_said(finding) for finding in result}
    found = _ask(configuration, said_by, questions(configuration, changed, policies.reads, proposal))
    return tuple(finding for finding in found if _said(finding) not in anyway)


def policies_of(configuration: Configuration) -> Policies:
    files = rego_files(configuration)
    key = ("policies", *((path, entry.oid) for path, entry in files.items()))
    known = configuration.memo.parts.get(key)
    if known is None:
        read = {path: configuration.snapshot.read(entry.oid) for path, entry in files.items()}
        known = configuration.memo.parts[key] = load_policies(read)
    policies: Policies = known
    return policies


def rego_files(configuration: Configuration) -> Mapping[str, BlobEntry]:
    return {path: entry for path, entry in configuration.layout.policies.items() if path.endswith(REGO)}


def problem_findings(configuration: Configuration, problems: Mapping[str, tuple[Problem, ...]]) -> Iterator[Finding]:
    for file, wrong in problems.items():
        entry = configuration.layout.policies[file]
        yield from (configuration.locator.in_blob(problem, entry) for problem in wrong)


def refusal_finding(configuration: Configuration, policies: Policies, refusal: Refusal) -> Finding:
    """What the engine does not take, at its place in the module; at the first module where it does not say."""
    texts = {**policies.modules, **policies.tests}
    file = refusal.file if refusal.file in texts else next(iter(texts))
    entry = configuration.layout.policies[file]
    if not refusal.file:
        problem = Problem("policy-failed", refusal.message, hint="see docs/policies.md for what policies are held to")
        return finding_from(problem, entry.path)
    place = place_as_written(texts[file], refusal.offset)
    problem = Problem("policy-syntax", refusal.message, *place, hint="opa check --strict policies may say more; "
                      "docs/policies.md says what this engine does not take")  # fmt: skip
    return configuration.locator.in_blob(problem, entry)


def _ask(configuration: Configuration, said_by: Configuration, asked: Sequence[Question]) -> tuple[Finding, ...]:
    policies = policies_of(said_by)
    if not policies.policies or not asked:
        return ()
    entrypoints = [policy.entrypoint for policy in policies.policies]
    answered = configuration.memo.policies
    key = (id(policies), *(question.text for question in asked))
    if key not in answered:
        said = evaluate(Asked(policies.modules, entrypoints, [question.text for question in asked]))
        answered[key] = policies, said
    evaluated = answered[key][1]
    if evaluated.refusals:
        return tuple(refusal_finding(said_by, policies, refusal) for refusal in evaluated.refusals)
    return merge_findings(
        finding
        for question, answers in zip(asked, evaluated.answers, strict=True)
        for policy, answer in zip(policies.policies, answers, strict=True)
        for finding in _findings(configuration, said_by, question, policy, answer)
    )


def _findings(
    configuration: Configuration, said_by: Configuration, question: Question, policy: Policy, answer: Answer
) -> Iterator[Finding]:
    reach = [str(scope) for scope in question.scopes]
    if answer.fault:
        rule = "policy-limit" if answer.is_limit else "policy-failed"
        name = policy.entrypoint.replace("/", ".")
        problem = Problem(rule, f"{name} was not evaluated: {answer.fault}", policy.line, policy.column,
                          hint="until it is, nothing is taken as allowed; see docs/policies.md")  # fmt: skip
        yield said_by.locator.in_blob(problem, said_by.layout.policies[policy.file], reach)
        return
    for violation in read_results(answer.value):
        problem = Problem(policy.rule.id, violation.message, hint=violation.hint or policy.hint)
        found = place_violation(configuration, question, violation, problem)
        if found is None:
            problem = problem._replace(line=policy.line, column=policy.column)
            found = said_by.locator.in_blob(problem, said_by.layout.policies[policy.file], reach)
        yield found._replace(own=policy.rule, related=(Origin(policy.file, policy.line, policy.column),))


def place_violation(
    configuration: Configuration, question: Question, violation: Violation, problem: Problem
) -> Finding | None:
    """At the key, decision or file that it names; None where it names none, or none that is there."""
    reach = [str(scope) for scope in question.scopes]
    if violation.decision:
        return place_decision(configuration, violation.decision, problem, reach)
    if violation.file in configuration.snapshot.entries:
        return place_file(configuration, violation.file, problem, reach)
    return find_place(configuration, question.scopes[0], violation.key, problem, reach)


def _said(finding: Finding) -> tuple[object, ...]:
    return finding.sort_key()


class PolicyTests(NamedTuple):
    """How many tests there are, and what is wrong with them or with the policies."""

    total: int
    findings: tuple[Finding, ...]


def run_policy_tests(configuration: Configuration) -> PolicyTests:
    from llmcfg.policies.testing import run_tests

    policies = policies_of(configuration)
    if not policies.is_sound:
        return PolicyTests(0, tuple(problem_findings(configuration, policies.problems)))
    ran = run_tests(policies)
    found = [refusal_finding(configuration, policies, refusal) for refusal in ran.refusals]
    for file, test, why in ran.tests:
        if why:
            problem = Problem("policy-test", f"{test.name} failed: {why}", test.line, test.column, length=len(test.name),
                              hint="see what the policies give: llmcfg policy eval -e ENV")  # fmt: skip
            found.append(configuration.locator.in_blob(problem, configuration.layout.policies[file]))
    return PolicyTests(len(ran.tests), merge_findings(found))


class Verdict(NamedTuple):
    """What one policy gives for one scope, as it gives it; `fault` says why there is nothing."""

    policy: Policy
    value: Any
    fault: str


def verdicts(
    configuration: Configuration, scope: Scope, proposal: Proposal | None = None
) -> tuple[str, tuple[Verdict, ...]]:
    """The input of a scope as JSON, and each policy's answer. Raises FindingsError when a policy cannot be evaluated."""
    policies = policies_of(configuration)
    (question,) = questions(configuration, [scope], policies.reads, proposal)
    if not policies.is_sound:
        findings = tuple(problem_findings(configuration, policies.problems))
        raise FindingsError("the policies cannot be evaluated", findings=findings)
    names = [policy.entrypoint for policy in policies.policies]
    evaluated = evaluate(Asked(policies.modules, names, [question.text]))
    if evaluated.refusals:
        found = [refusal_finding(configuration, policies, refusal) for refusal in evaluated.refusals]
        raise FindingsError("the policies cannot be evaluated", findings=found)
    answers = evaluated.answers[0] if evaluated.answers else ()
    return question.text, tuple(
        Verdict(policy, answer.value, answer.fault) for policy, answer in zip(policies.policies, answers, strict=True)
    )
