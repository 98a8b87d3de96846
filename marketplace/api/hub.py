"""The Hub's dialect of refusals: the status, headers and body from which its clients make their exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marketplace.core.problems import Invalid, NotAuthenticated, NotFound, Problem
from providers.hub.refusals import HubProblem

BAD_TOKEN = "Invalid credentials in Authorization header"  # noqa: S105  # the words by which clients know it
MAX_HEADER_LENGTH = 1_000


@dataclass(frozen=True)
class HubError:
    """What a refusal is in this dialect."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any] = field(default_factory=dict)


def hub_error(problem: Problem) -> HubError:
    """The refusal as clients read it: they show the header, and `error` where it says something else.

    What is wrong with fields is a 400, the only status whose text they show as it is.
    """
    said = _in_one_text(problem)
    message = BAD_TOKEN if isinstance(problem, NotAuthenticated) else said
    headers = {"X-Error-Message": " ".join(message.split())[:MAX_HEADER_LENGTH]} | dict(problem.headers())
    if isinstance(problem, HubProblem):
        if problem.code:
            headers["X-Error-Code"] = problem.code
        if problem.commit:
            headers["X-Repo-Commit"] = problem.commit
    return HubError(400 if isinstance(problem, Invalid) else problem.status, headers, {"error": said})


def _in_one_text(problem: Problem) -> str:
    """What was refused, with the fields that it does not name itself."""
    unsaid = [error for error in problem.errors if error.detail not in problem.detail]
    fields = [f"{error.field}: {error.detail}" if error.field else error.detail for error in unsaid]
    return f"{problem.detail.rstrip('.')}: {'; '.join(fields)}" if fields else problem.detail


def no_address(path: str) -> NotFound:
    return NotFound(
        f"This market does not answer {path[:200]}: it keeps repositories of models only, with one branch and no "
        "pull requests."
    )
