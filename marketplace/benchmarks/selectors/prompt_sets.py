"""Reads an organisation's prompt sets."""

import uuid

from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from marketplace.benchmarks.models import Benchmark, Prompt, PromptSet
from marketplace.core.problems import NotFound


def prompt_sets_for_buyer(organization_id: uuid.UUID) -> QuerySet[PromptSet]:
    """The organisation's sets, newest first, each with `size` and `uses`."""
    sets = PromptSet.objects.filter(organization=organization_id).order_by("-created_at", "-id")
    return sets.annotate(size=_count(Prompt), uses=_count(Benchmark))


def _count(of: type[Model]) -> Coalesce:
    """How many rows name the set; counted for the sets of a page only, as a join would not be."""
    rows = of._default_manager.filter(prompt_set=OuterRef("pk")).order_by().values("prompt_set")
    return Coalesce(Subquery(rows.annotate(count=Count("*")).values("count")), 0)


def prompt_set_for_buyer(organization_id: uuid.UUID, prompt_set_id: uuid.UUID | None) -> PromptSet:
    """One prompt set of the organisation. Raises NotFound."""
    found = prompt_sets_for_buyer(organization_id).filter(pk=prompt_set_id).first() if prompt_set_id else None
    if found is None:
        raise NotFound("There is no such prompt set")
    return found
