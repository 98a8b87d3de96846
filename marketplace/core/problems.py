"""Errors for clients, in the form of RFC 7807 (problem details)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.core.request_ids import current_request_id

CONTENT_TYPE = "application/problem+json"
FAILED = "This was logged. If it happens again, tell the operator the request's id."


@dataclass(frozen=True)
class FieldError:
    """The error of one field of the request; `field` is its dotted path, such as `input.seed`."""

    field: str
    detail: str


class Problem(Exception):
    """An error for the client. Subclasses set `status`, `kind` and `title`; each instance names the remedy.

    Args:
        detail: one or two sentences naming what was refused and the remedy.
        errors: the invalid fields, if there are any.
        retry_after: seconds after which the same request may succeed.
    """

    status = 400
    kind = "bad-request"
    title = "The request cannot be understood"

    def __init__(
        self, detail: str, *, errors: Sequence[FieldError] = (), retry_after: int | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.extra = extra

    def document(self, *, instance: str) -> dict[str, Any]:
        """The JSON body. `instance` is the request's path; `request_id` names the request in the log."""
        body: dict[str, Any] = {
            "type": f"/docs/errors#{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            body["errors"] = [{"field": error.field, "detail": error.detail} for error in self.errors]
        if id_ := current_request_id():
            body["request_id"] = id_
        return body | self.extra

    def headers(self) -> Mapping[str, str]:
        """The response headers that belong to this error."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


class NotUnderstood(Problem):
    """400: the body has the wrong form (not JSON, not an object)."""


class NotAuthenticated(Problem):
    """401: the request has no valid API key."""

    status, kind, title = 401, "not-authenticated", "A valid API key is needed"


class PaymentRequired(Problem):
    """402: the balance or a budget does not cover the call."""

    status, kind, title = 402, "insufficient-funds", "The balance does not cover this call"


class Forbidden(Problem):
    """403: the caller may see the object but not do this."""

    status, kind, title = 403, "forbidden", "This is not allowed with these credentials"


class NotFound(Problem):
    """404: there is no such object, or the caller may not see it."""

    status, kind, title = 404, "not-found", "There is no such thing, or not for you"


class MethodNotAllowed(Problem):
    """405; `allowed` lists the methods that the URL takes."""

    status, kind, title = 405, "method-not-allowed", "This address does not take this method"

    def __init__(self, detail: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)

    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.allowed)} if self.allowed else {}


class NotAcceptable(Problem):
    """406: the requested media type is not available."""

    status, kind, title = 406, "not-acceptable", "There is no answer in the form that was asked for"


class Conflict(Problem):
    """409: the request does not fit the current state."""

    status, kind, title = 409, "conflict", "The request conflicts with the present state"


class TooLarge(Problem):
    """413: the request exceeds a size limit."""

    status, kind, title = 413, "too-large", "The request is too large"


class Invalid(Problem):
    """422: fields of the request are invalid."""

    status, kind, title = 422, "invalid-input", "Some fields are not acceptable"


class Unavailable(Problem):
    """503: a service that the request needs does not answer; try again later."""

    status, kind, title = 503, "unavailable", "The service cannot answer at the moment"


class InternalError(Problem):
    """500: an unexpected error."""

    status, kind, title = 500, "internal-error", "Something failed on our side"
