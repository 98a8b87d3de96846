"""The list of the provider's models."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from inference.selectors import resident_versions, stats_of
from marketplace.accounts.policy import Action
from marketplace.catalog.selectors import current_prices, listings_for_provider
from marketplace.web.shared.access import PROVIDING, MemberRequest, first_page, member_page
from marketplace.web.shared.paging import page_of
from providers.selectors import models_for_provider, newest_versions

MODELS, VERSIONS = 20, 3  # the model's own page has its other versions


@member_page(Action.SEE_MEMBERS)
def entrance(request: MemberRequest) -> HttpResponse:
    """`/provider/{org}/`: redirect to the first page that the member may see."""
    return redirect(first_page(request.actor, PROVIDING), request.actor.organization_slug)


@member_page(Action.SEE_MODELS)
def models(request: MemberRequest) -> HttpResponse:
    """The organisation's models, with their newest versions and their figures."""
    organization = request.membership.organization
    page = page_of(request, models_for_provider(organization.pk), key=("name", "id"), size=MODELS)
    published, ids = page.rows, [model.pk for model in page]
    versions, prices = newest_versions(ids, limit=VERSIONS), current_prices(ids)
    listings = {one.model_id: one for one in listings_for_provider(organization.pk).filter(model__in=ids)}
    stats, resident = stats_of(ids), resident_versions()
    rows = [
        {
            "model": model,
            "slug": f"{organization.slug}/{model.name}",
            "listing": listings.get(model.pk),
            "price": prices.get(model.pk),
            "versions": versions[model.pk],
            "stats": stats[model.pk],
            "is_warm": model.pk in listings and listings[model.pk].version_id in resident,
        }
        for model in published
    ]
    return render(
        request,
        "provider/models.html",
        {
            "page": page,
            "rows": rows,
            "publish_command": f"python manage.py publish ./weights --as {organization.slug}/icons",
        },
    )
