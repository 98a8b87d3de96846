"""The list of the provider's models."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from inference.selectors import resident_versions, stats_of
from marketplace.accounts.policy import Action
from marketplace.catalog.selectors import listings_for_provider, price_of
from marketplace.web.shared.access import PROVIDING, MemberRequest, first_page, member_page
from providers.selectors import models_for_provider, versions_for_provider


@member_page(Action.SEE_MEMBERS)
def entrance(request: MemberRequest) -> HttpResponse:
    """`/provider/{org}/`: redirect to the first page that the member may see."""
    return redirect(first_page(request.actor, PROVIDING), request.actor.organization_slug)


@member_page(Action.SEE_MODELS)
def models(request: MemberRequest) -> HttpResponse:
    """All models of the organisation, with their versions and figures."""
    organization = request.membership.organization
    published = list(models_for_provider(organization.pk))
    listings = {listing.model_id: listing for listing in listings_for_provider(organization.pk)}
    stats, resident = stats_of([model.pk for model in published]), resident_versions()
    rows = [
        {
            "model": model,
            "slug": f"{organization.slug}/{model.name}",
            "listing": listings.get(model.pk),
            "price": price_of(model.pk),
            "versions": versions_for_provider(model),
            "stats": stats[model.pk],
            "is_warm": model.pk in listings and listings[model.pk].version_id in resident,
        }
        for model in published
    ]
    return render(
        request,
        "provider/models.html",
        {"rows": rows, "publish_command": f"python manage.py publish ./weights --as {organization.slug}/icons"},
    )
