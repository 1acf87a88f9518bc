"""Who proposes a change on GitHub or GitLab and who agreed to it, so that owners and approvals can be required.

Rules: the last word of each person counts, without plain comments. An approval is one of the commit that was proposed when it was given:
to what came after it, nobody has agreed. GitLab does not say which commit that was, so there an approval counts as long as nothing came
after the commit that this job is about. The author's own does not count, which the limits see to. Names are logins, as the forge writes
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.ci.review import Proposed
from llmcfg.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.ci.github import GitHub
    from llmcfg.ci.gitlab import GitLab
    from llmcfg.ci.occasion import Occasion

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


def ask_proposed_on_gitlab(occasion: Occasion, gitlab: GitLab) -> Proposed:
    """By the merge request that this job is about. Raises UsageError when it is about none."""
    if occasion.number is None:
        raise UsageError(
            "this job is not about a merge request, so nobody proposes or approves",
            hint='leave out --ask-forge, or run it on $CI_PIPELINE_SOURCE == "merge_request_event"',
        )
    request = gitlab.merge_request(occasion.number)
    try:
        author, head = str(request["author"]["username"]), request["sha"]
        agreed = {str(each["user"]["username"]) for each in gitlab.approvals(occasion.number)["approved_by"]}
    except (KeyError, TypeError):
        raise RemoteError("GitLab does not say who proposes or approves", hint="run the job again") from None
    is_this = head == (occasion.source or occasion.commit)
    return Proposed(author, frozenset(agreed if is_this else ()))


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
