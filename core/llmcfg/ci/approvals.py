"""Who proposes a change on GitHub and who agreed to it, so that owners and approvals can be required.

Rules: the last word of each person counts, without plain comments. An approval is one of the commit that was proposed when it was given:
to what came after it, nobody has agreed. The author's own does not count, which the limits see to. Names are logins, as GitHub writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.ci.review import Proposed
from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.ci.github import GitHub

_NO_WORD: Final = frozenset({"COMMENTED", "PENDING"})


def ask_proposed(event: Mapping[str, Any], github: GitHub) -> Proposed:
    """By the pull request of the event that started this job. Raises UsageError when it is about none."""
    try:
        pull = event["pull_request"]
        number, head, author = int(pull["number"]), str(pull["head"]["sha"]), str(pull["user"]["login"])
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            "this job is not about a pull request, so nobody proposes or approves",
            hint="leave out --ask-forge, or run it on pull_request and pull_request_review",
        ) from None
    return Proposed(author, approvals(github.reviews(number), head))


def approvals(reviews: Iterable[Mapping[str, Any]], commit: str) -> frozenset[str]:
    """Those who approve of this commit. `reviews` are in the order in which they were given."""
    words: dict[str, Mapping[str, Any]] = {}
    for review in reviews:
        person = (review.get("user") or {}).get("login")
        if isinstance(person, str) and review.get("state") not in _NO_WORD:
            words[person] = review
    return frozenset(
        person
        for person, review in words.items()
        if review.get("state") == "APPROVED" and review.get("commit_id") == commit
    )
