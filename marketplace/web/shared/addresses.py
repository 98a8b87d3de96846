"""Converters for segments of addresses. An invalid segment gives a 404 without calling a view."""

import uuid

from django.urls import register_converter

from marketplace.accounts.domain import MAX_SLUG_LENGTH
from marketplace.core.ids import parse_short, short


class IdConverter:
    """A short id, as a UUID for the view."""

    regex = "[0-9a-v]{26}"

    def to_python(self, value: str) -> uuid.UUID:
        found = parse_short(value)
        if found is None:
            raise ValueError(value)  # Django answers 404
        return found

    def to_url(self, value: uuid.UUID | str) -> str:
        return short(value) if isinstance(value, uuid.UUID) else value


class NameConverter:
    """The name of an organisation, model or alias, in any case."""

    regex = f"[A-Za-z0-9._-]{{1,{MAX_SLUG_LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")
register_converter(NameConverter, "name")
