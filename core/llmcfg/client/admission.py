"""Whether a bundle may take the place of the one in use.

In this order: it is for the target that was in use before; it is signed for this program, where it has a root of trust, else not older than
what was in use; its secrets open, where this program has an identity; and the program's own check takes it. What is refused is not used,
and the reason is told to whoever delivered it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.bundlefile.bundle import target_of
from llmcfg.client.errors import RefusedError
from llmcfg.client.snapshot import Snapshot
from llmcfg.errors import LlmcfgError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.bundlefile.opened import OpenedBundle
    from llmcfg.bundlefile.tree import LeafChange
    from llmcfg.client.source import Source
    from llmcfg.client.trust import ReadRoot, Trust

    Accept = Callable[[Snapshot], object]
    OpenSecrets = Callable[[Bundle], OpenedBundle | None]

_DOCUMENTS: Final = "config/"
_SHORTEST: Final = 4  # of what is struck out of reasons; shorter secrets are no secrets
_LONGEST_REASON: Final = 500


class Admission:
    """`accept` gets a snapshot; it refuses by raising, by returning False, or by returning a text, which is the reason.

    `environment` is the one that the program means, None for any.
    """

    def __init__(
        self,
        accept: Accept | None = None,
        open_secrets: OpenSecrets | None = None,
        environment: str | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._trust = trust
        self._accept = accept
        self._open_secrets = open_secrets
        self._environment = environment

    @property
    def opens(self) -> bool:
        """Whether this program has an identity."""
        return self._open_secrets is not None

    def check(self, bundle: Bundle, before: Bundle | None, read_root: ReadRoot | None = None) -> None:
        """Raises RefusedError for a bundle that may not be used, or may not follow what was used `before`, whatever is in it.

        `read_root` reads a version of the root of trust that was delivered with it.
        """
        if before is not None:
            check_target(bundle, before)
        if self._trust is not None:
            if read_root is not None:
                self._trust.follow(read_root)
            self._trust.check(bundle, before)
        elif before is not None:
            check_order(bundle, before)

    @property
    def stops(self) -> bool:
        """Whether the program does not go on with what is out of date."""
        return self._trust is not None and self._trust.stops

    def why_stale(self, bundle: Bundle, source: Source) -> str:
        """Why a bundle that was taken may be out of date by now; empty when it is not, or nobody can tell."""
        if self._trust is None:
            return ""
        return self._trust.why_stale(bundle, source.read_heartbeat(), is_expected=source.has_heartbeats)

    def judge(self, bundle: Bundle, before: Snapshot | None, changes: Sequence[LeafChange]) -> Snapshot:
        """The snapshot of a bundle to which these changes lead. What is the same is not asked about again.

        Raises RefusedError, whose cause is the error that kept secrets closed, if any did.
        """
        target = target_of(bundle)
        if self._environment not in (None, target.environment):
            raise RefusedError(f"it is the bundle of {target}, and this program reads {self._environment}")
        opened = self._opened(bundle, before, changes)
        snapshot = Snapshot(bundle, opened) if before is None else before.following(bundle, changes, opened)
        reason = self._why_not(snapshot) if before is None or changes else ""
        if reason:
            raise RefusedError(_without(reason, opened), hint="mend the configuration and deploy it again")
        return snapshot

    def _opened(self, bundle: Bundle, before: Snapshot | None, changes: Sequence[LeafChange]) -> OpenedBundle | None:
        if self._open_secrets is None:
            return None
        if before and before.opened and all(change.name.startswith(_DOCUMENTS) for change in changes):
            return before.opened  # no sealed file changed, nor anything that says what it was made from
        try:
            opened = self._open_secrets(bundle)
        except LlmcfgError as error:
            raise RefusedError(f"its secrets cannot be opened: {error.message}", hint=error.hint) from error
        if opened is None and before is not None and before.opened is not None:
            raise RefusedError("its secrets are not opened any more", hint="give the agent its key again")
        return opened

    def _why_not(self, snapshot: Snapshot) -> str:
        if self._accept is None:
            return ""
        try:
            answer = self._accept(snapshot)
        except Exception as error:  # whatever a program's check raises is its answer
            return f"{type(error).__name__}: {error}"
        if isinstance(answer, str):
            return answer
        return "the program's check refused it" if answer is False else ""


def check_target(bundle: Bundle, before: Bundle) -> None:
    """Raises RefusedError for the bundle of another target."""
    target, expected = target_of(bundle), target_of(before)
    if target != expected:
        raise RefusedError(f"it is the bundle of {target}, and this program reads {expected}")


def check_order(bundle: Bundle, before: Bundle) -> None:
    """Raises RefusedError for a bundle that was delivered before the other. Nobody signed the order of deliveries."""
    if bundle.head.root != before.head.root and 0 < bundle.head.sequence < before.head.sequence:
        raise RefusedError(
            f"it is older than the one before it: number {bundle.head.sequence} after {before.head.sequence}",
            hint="if the delivery was set back on purpose, remove the program's state folder and start it again",
        )


def _without(reason: str, opened: OpenedBundle | None) -> str:
    """The reason without the values of secrets, and not too long."""
    for value in opened.values.values() if opened else ():
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        if len(text) >= _SHORTEST:
            reason = reason.replace(text, "***")
    return reason[:_LONGEST_REASON]
