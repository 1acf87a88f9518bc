"""Whether bundles can be sealed to the recipients that their consumer and tenant name, and whether they name any."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from llmcfg.errors import UsageError
from llmcfg.limits import AGE_RECIPIENTS
from llmcfg.model.findings import Problem
from llmcfg.pipeline.known import found_once, name_of
from llmcfg.pipeline.layers import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Target
    from llmcfg.model.value import Path
    from llmcfg.pipeline.bundle import Bundle
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.age import Recipient


def recipients_of(configuration: Configuration, target: Target) -> tuple[str, ...]:
    """Who may open the bundle of a target: the consumer's recipients, and those of its tenant, not of the tenant's ancestors."""
    return tuple(text for _, _, text in _said(configuration, target))


def recipient_findings(configuration: Configuration, bundles: Mapping[Target, Bundle]) -> Iterator[Finding]:
    """What keeps bundles from being sealed."""
    for target, bundle in bundles.items():
        if bundle.sealed:
            name = name_of("recipients", *recipients_of(configuration, target))
            find = partial(_problems, configuration, target)
            for entry, problem in found_once(configuration.memo.disk, name, "check", str(target), find):
                yield configuration.locator.in_blob(problem, entry, [str(target)])
        elif opened := _opened(configuration, target):
            yield from opened
        elif bundle.secrets:
            problem = Problem("consumer-recipients", "it gets secrets, and names nobody who could open them", path=("select",),
                              hint="name the public key of its machine under recipients: llmcfg key gen")  # fmt: skip
            yield configuration.locator.in_blob(problem, configuration.layout.consumers[target.consumer], [str(target)])


def _opened(configuration: Configuration, target: Target) -> list[Finding]:
    """Its opened outputs, when nobody could open them."""
    entry = configuration.layout.consumers[target.consumer]
    outputs = enumerate(configuration.consumer(target.consumer).outputs)
    problems = [
        Problem("consumer-opened", f"{output.path} is opened, and nobody is named who could open it", path=("outputs", index, "opened"),
                hint="name the public key of its machine under recipients: llmcfg key gen")
        for index, output in outputs if output.opened
    ]  # fmt: skip
    return [configuration.locator.in_blob(problem, entry, [str(target)]) for problem in problems]


def _said(configuration: Configuration, target: Target) -> Iterator[tuple[BlobEntry, Path, str]]:
    """Each recipient of a target, and where it stands."""
    consumer = configuration.consumer(target.consumer)
    for index, text in enumerate(consumer.recipients):
        yield configuration.layout.consumers[consumer.name], ("recipients", index), text
    if target.tenant is not None:
        manifest = configuration.snapshot.entries[MANIFEST]
        for index, text in enumerate(configuration.manifest.tenants[target.tenant].recipients):
            yield manifest, ("tenants", target.tenant, "recipients", index), text


def _problems(configuration: Configuration, target: Target) -> Iterator[tuple[BlobEntry, Problem]]:
    sound: set[Recipient] = set()
    for entry, path, text in _said(configuration, target):
        parsed = _parsed(text)
        if isinstance(parsed, UsageError):
            rule = "manifest-invalid" if entry.path == MANIFEST else "consumer-invalid"
            yield entry, Problem(rule, parsed.message, hint=parsed.hint, path=path)
        else:
            sound.add(parsed)
    consumer = configuration.layout.consumers[target.consumer]
    if len({recipient.is_post_quantum for recipient in sound}) > 1:
        message = "its recipients and its tenant's are post-quantum keys and others together"
        hint = "give all of them age1pq1 keys (llmcfg key gen --pq), or none: the others would undo the protection"
        yield consumer, Problem("consumer-invalid", message, hint=hint, path=("select",))
    if len(sound) > AGE_RECIPIENTS:
        message = f"it has {len(sound)} recipients with its tenant's, {AGE_RECIPIENTS} are allowed"
        hint = "make one consumer for each group of machines"
        yield consumer, Problem("consumer-invalid", message, hint=hint, path=("select",))


@lru_cache(maxsize=1 << 14)
def _parsed(text: str) -> Recipient | UsageError:
    from llmcfg.secrets.age import parse_recipient

    try:
        return parse_recipient(text)
    except UsageError as error:
        return error
