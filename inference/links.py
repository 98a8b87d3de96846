"""Signed addresses of what a prediction offers: its files and its events. Paths; `absolute` adds the site."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from marketplace.core import links
from marketplace.core.files import references_in
from marketplace.core.ids import short

EVENTS_SECONDS = 24 * 3600
UPLOAD_SECONDS = 8 * 3600  # as long as a page may stay open


def artifact_path(artifact_id: uuid.UUID) -> str:
    """A signed, expiring address of an output file."""
    return links.sign(f"/artifacts/{short(artifact_id)}", seconds=settings.ARTIFACT_LINK_SECONDS)


def thumbnail_path(path: str, *, side: int) -> str:
    """The address of a picture's thumbnail (`inference.domain.thumbnails.SIDES`), from the picture's own.

    The signature names the picture only: who may see it may see it in every size.
    """
    return f"{path}&size={side}"


def events_path(prediction_id: uuid.UUID) -> str:
    """A signed, expiring address of a prediction's event stream, for pages, which hold no key."""
    return links.sign(f"/v1/predictions/{short(prediction_id)}/events", seconds=EVENTS_SECONDS)


def input_path(prediction_id: uuid.UUID, field: str) -> str:
    """A signed, expiring address of a file that a prediction was given."""
    path = f"/v1/predictions/{short(prediction_id)}/inputs/{field}"
    return links.sign(path, seconds=settings.ARTIFACT_LINK_SECONDS)


def upload_download_path(file_id: uuid.UUID) -> str:
    """A signed, expiring address of an upload's bytes."""
    return links.sign(f"/v1/files/{short(file_id)}/download", seconds=settings.ARTIFACT_LINK_SECONDS)


def upload_path(organization_id: uuid.UUID) -> str:
    """A signed, expiring address to upload to on behalf of an organisation, for pages, which hold no key."""
    return links.sign(f"/v1/uploads/{short(organization_id)}", seconds=UPLOAD_SECONDS)


def shown_input(prediction_id: uuid.UUID, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction's input as its buyer sees it: files are paths of signed links."""
    return {**inputs, **{field: input_path(prediction_id, field) for field in references_in(inputs)}}


def absolute(path: str) -> str:
    """The address for clients outside of our own pages."""
    return f"{settings.BASE_URL}{path}"
