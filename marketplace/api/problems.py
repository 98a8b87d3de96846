"""REST framework's errors in the same RFC 7807 form as the front's."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response

from marketplace.core import problems
from marketplace.core.problems import CONTENT_TYPE, FAILED, FieldError, Problem

log = logging.getLogger(__name__)

AWAY = "The database does not answer. Nothing was run; try again shortly."


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """REST framework's exception handler. Unexpected errors are logged and answered in the same form."""
    request = context["request"]
    problem = _problem_of(error)
    if problem is None:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        problem = problems.InternalError(FAILED)
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
        case OperationalError() | PoolTimeout():
            return problems.Unavailable(AWAY, retry_after=2)
        case Http404():
            return problems.NotFound("There is nothing at this address")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return problems.NotAuthenticated(str(error.detail))
        case RequestDataTooBig():
            return problems.TooLarge(f"The body may have at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes")
        case SuspiciousOperation() | BadRequest():
            return problems.NotUnderstood("The request cannot be read")
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
