"""Refusals that a client can act on, in the form of RFC 7807 (problem details)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.core.request_ids import current_request_id

CONTENT_TYPE = "application/problem+json"
FAILED = "This was logged. If it happens again, tell the operator the request's id."


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of the request, `field` being its dotted path such as `input.seed`."""

    field: str
    detail: str


class Problem(Exception):
    """An error that a client may see. Subclasses say `status`, `kind` and `title`; each instance says what to do.

    Args:
        detail: one or two sentences naming what was refused and the remedy.
        errors: the fields that are wrong, if it is about fields.
        retry_after: seconds after which the same request may go through.
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
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


class NotUnderstood(Problem):
    """400: the body is not what the endpoint takes at all (not JSON, not an object)."""


class NotAuthenticated(Problem):
    status, kind, title = 401, "not-authenticated", "A valid API key is needed"


class PaymentRequired(Problem):
    status, kind, title = 402, "insufficient-funds", "The balance does not cover this call"


class Forbidden(Problem):
    status, kind, title = 403, "forbidden", "This is not allowed with these credentials"


class NotFound(Problem):
    status, kind, title = 404, "not-found", "There is no such thing, or not for you"


class MethodNotAllowed(Problem):
    """405, with the methods that the address does take."""

    status, kind, title = 405, "method-not-allowed", "This address does not take this method"

    def __init__(self, detail: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)

    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.allowed)} if self.allowed else {}


class NotAcceptable(Problem):
    status, kind, title = 406, "not-acceptable", "There is no answer in the form that was asked for"


class Conflict(Problem):
    status, kind, title = 409, "conflict", "The request conflicts with the present state"


class TooLarge(Problem):
    status, kind, title = 413, "too-large", "The request is too large"


class Invalid(Problem):
    status, kind, title = 422, "invalid-input", "Some fields are not acceptable"


class Unavailable(Problem):
    status, kind, title = 503, "unavailable", "The service cannot answer at the moment"


class InternalError(Problem):
    status, kind, title = 500, "internal-error", "Something failed on our side"
