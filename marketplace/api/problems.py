"""REST framework's errors in the same RFC 7807 form as the front's."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from marketplace.core import problems
from marketplace.core.problems import CONTENT_TYPE, FieldError, Problem


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler; None leaves the error to be raised."""
    problem = _problem_of(error)
    if problem is None:
        return None
    request = context["request"]
    return Response(
        problem.document(instance=request.path),
        status=problem.status,
        headers=dict(problem.headers()),
        content_type=CONTENT_TYPE,
    )


def _problem_of(error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case Http404():
            return problems.NotFound("There is nothing at this address")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return problems.NotAuthenticated(str(error.detail))
        case RequestDataTooBig():
            return problems.TooLarge(f"The body may have at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes")
        case exceptions.NotAcceptable():
            return problems.NotAcceptable(str(error.detail))
        case exceptions.MethodNotAllowed():
            return problems.MethodNotAllowed(str(error.detail))
        case exceptions.ParseError() | exceptions.UnsupportedMediaType():
            return problems.NotUnderstood(str(error.detail))
        case exceptions.ValidationError() if isinstance(error.detail, dict):
            fields = [FieldError(name, " ".join(map(str, detail))) for name, detail in error.detail.items()]
            return problems.Invalid("Some parameters are not acceptable", errors=fields)
    return None
