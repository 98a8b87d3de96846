"""Compresses Django's answers: pages, and the API's documents that Django makes."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

from marketplace.core.compression import MIN_PAGE_BYTES, accepts_gzip, is_text


class CompressedText(GZipMiddleware):
    """Django's own middleware, for texts that are worth it.

    Against BREACH, Django puts up to a hundred random bytes into the header of each answer, so that its length does not
    tell what of the request is in it, and masks the CSRF token of each page anew.
    """

    max_random_bytes = 100

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not isinstance(response, HttpResponse) or len(response.content) < MIN_PAGE_BYTES:
            return response
        if not is_text(response.headers.get("Content-Type", "")):
            return response
        if not accepts_gzip(request.headers.get("Accept-Encoding", "")):
            patch_vary_headers(response, ("Accept-Encoding",))
            return response
        return super().process_response(request, response)
