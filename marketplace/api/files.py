"""Uploads in the format of Replicate's clients."""

from typing import TYPE_CHECKING

from django.conf import settings

from inference.links import absolute, upload_download_path
from marketplace.api.shapes import answers
from marketplace.core.ids import short

if TYPE_CHECKING:
    from inference.models import InputFile


def file_document(file: "InputFile") -> answers.File:
    """An upload. A call names it by `urls.get`; `urls.download` is a signed link to its bytes."""
    id_ = short(file.pk)
    return {
        "id": id_,
        "name": file.name,
        "content_type": file.media_type,
        "size": file.size,
        "etag": file.sha256,
        "checksums": {"sha256": file.sha256},
        "metadata": file.metadata,
        "width": file.width,
        "height": file.height,
        "created_at": file.created_at.isoformat(),
        "expires_at": file.expires_at.isoformat(),
        "urls": {"get": f"{settings.BASE_URL}/v1/files/{id_}", "download": absolute(upload_download_path(file.pk))},
    }
