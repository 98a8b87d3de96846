"""Static files under ASGI: hashed names, cached permanently, served without Django's views."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise with whole bodies: Django under ASGI warns about its streamed files and copies them anyway."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        response = HttpResponse(body, status=int(found.status), content_type="")
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        if request.method == "HEAD" and found.file is not None:
            response.content = b""
        return response


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Names with content hashes; a file that was not collected keeps its plain name, so that the page does not fail."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        if self.clean_name(name) not in self.hashed_files:
            return name
        stored: str = super().stored_name(name)
        return stored
