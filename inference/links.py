"""Signed addresses of what a prediction offers: its files and its events. Paths; `absolute` adds the site."""

import uuid

from django.conf import settings

from marketplace.core import links
from marketplace.core.ids import short

EVENTS_SECONDS = 24 * 3600


def artifact_path(artifact_id: uuid.UUID) -> str:
    """A signed, expiring address of an output file."""
    return links.sign(f"/artifacts/{short(artifact_id)}", seconds=settings.ARTIFACT_LINK_SECONDS)


def events_path(prediction_id: uuid.UUID) -> str:
    """A signed, expiring address of a prediction's event stream, for pages, which hold no key."""
    return links.sign(f"/v1/predictions/{short(prediction_id)}/events", seconds=EVENTS_SECONDS)


def absolute(path: str) -> str:
    """The address for clients outside of our own pages."""
    return f"{settings.BASE_URL}{path}"
