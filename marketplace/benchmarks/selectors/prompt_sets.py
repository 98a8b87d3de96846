"""Reads an organisation's prompt sets."""

import uuid

from django.db.models import Count, QuerySet

from marketplace.benchmarks.models import PromptSet
from marketplace.core.problems import NotFound


def prompt_sets_for_buyer(organization_id: uuid.UUID) -> QuerySet[PromptSet]:
    """The organisation's sets, newest first, each with `size` and `uses`."""
    sets = PromptSet.objects.filter(organization=organization_id).order_by("-created_at")
    return sets.annotate(size=Count("prompts", distinct=True), uses=Count("benchmarks", distinct=True))


def prompt_set_for_buyer(organization_id: uuid.UUID, prompt_set_id: uuid.UUID | None) -> PromptSet:
    """One prompt set of the organisation. Raises NotFound."""
    found = prompt_sets_for_buyer(organization_id).filter(pk=prompt_set_id).first() if prompt_set_id else None
    if found is None:
        raise NotFound("There is no such prompt set")
    return found
