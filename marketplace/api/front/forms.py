"""Multipart forms: written to disk as they arrive, up to a limit, then parsed by Django's parser in a thread."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from marketplace.api.front.http import Request
from marketplace.core.problems import NotUnderstood

IN_MEMORY = 256 * 1024  # bytes of a body that are kept in memory before it is written to disk
MULTIPART = "multipart/form-data"


@dataclass(frozen=True)
class SentFile:
    """A file of a form, on disk until the form is closed."""

    name: str
    content: BinaryIO


@dataclass(frozen=True)
class Form:
    """The fields of a form, each with its first value, and its files."""

    fields: Mapping[str, str]
    files: Mapping[str, Sequence[SentFile]]


@asynccontextmanager
async def form_of(request: Request, *, largest: int) -> AsyncIterator[Form]:
    """The request's multipart form; its files are deleted after the block.

    Raises:
        TooLarge: the body has more than `largest` bytes.
        NotUnderstood: it is not a multipart form.
    """
    content_type = request.header("content-type") or ""
    if not content_type.lower().startswith(MULTIPART):
        raise NotUnderstood(f"Send a form as {MULTIPART}, for example with curl -F content=@picture.png")
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as body:
        async for piece in request.pieces(largest=largest):
            await asyncio.to_thread(body.write, piece)
        form, close = await asyncio.to_thread(_parse, content_type, cast(BinaryIO, body))
        try:
            yield form
        finally:
            close()


def _parse(content_type: str, body: BinaryIO) -> tuple[Form, Any]:
    size = body.tell()
    body.seek(0)
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(size)}
    try:
        # Django's types require its own stream class; any readable stream works.
        parser = MultiPartParser(meta, body, [TemporaryFileUploadHandler()])  # type: ignore[arg-type]
        fields, files = parser.parse()
    except (MultiPartParserError, SuspiciousOperation, ValueError, LookupError) as error:
        raise NotUnderstood(f"The form cannot be read: {str(error)[:200] or type(error).__name__}") from None

    sent = {name: cast("list[UploadedFile[Any]]", files.getlist(name)) for name in files}

    def close() -> None:
        for file in (one for several in sent.values() for one in several):
            file.close()

    return Form(
        {name: str(fields.getlist(name)[0]) for name in fields if fields.getlist(name)},
        {
            name: [SentFile((file.name or "file").replace("\0", ""), cast(BinaryIO, file.file)) for file in several]
            for name, several in sent.items()
        },
    ), close
