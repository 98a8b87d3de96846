"""Refusals in the Hub's dialect: the status, headers and body that its clients turn into exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marketplace.core.problems import Invalid, NotAuthenticated, NotFound, Problem
from providers.hub.refusals import HubProblem

BAD_TOKEN = "Invalid credentials in Authorization header"  # noqa: S105  # clients recognise this text
MAX_HEADER_LENGTH = 1_000


@dataclass(frozen=True)
class HubError:
    """A refusal in this dialect."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any] = field(default_factory=dict)


def hub_error(problem: Problem) -> HubError:
    """The refusal for clients: they show the header, and `error` if its text differs.

    Field errors have status 400, the only status whose text clients show unchanged.
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
    """The refusal's text, with the field errors that it does not contain."""
    unsaid = [error for error in problem.errors if error.detail not in problem.detail]
    fields = [f"{error.field}: {error.detail}" if error.field else error.detail for error in unsaid]
    return f"{problem.detail.rstrip('.')}: {'; '.join(fields)}" if fields else problem.detail


def no_address(path: str) -> NotFound:
    """The error for an address of the Hub that this market does not have."""
    return NotFound(
        f"This market does not answer {path[:200]}: it keeps repositories of models only, with one branch and no "
        "pull requests."
    )
