"""Refusals of services as pages, or as problem documents for scripts."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from marketplace.core.problems import CONTENT_TYPE, Problem


class ProblemMiddleware(MiddlewareMixin):
    """Answers a `Problem` that a view raised with its status, title and remedy."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer to a `Problem`; other exceptions are left to Django."""
        if not isinstance(exception, Problem):
            return None
        if wants_json(request):
            return JsonResponse(
                exception.document(instance=request.path), status=exception.status, content_type=CONTENT_TYPE
            )
        template = f"{exception.status}.html" if exception.status in (403, 404) else "400.html"
        return render(request, template, {"problem": exception}, status=exception.status)


def wants_json(request: HttpRequest) -> bool:
    """Whether a script sent the request, rather than a person's browser."""
    return request.content_type == "application/json" or request.accepts("text/html") is False
