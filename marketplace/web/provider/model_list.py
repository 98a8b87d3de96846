"""The provider's models at a glance."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from inference.selectors import measured, prediction_counts, resident_versions
from marketplace.catalog.selectors import listings_for_provider, price_of
from marketplace.web.shared.access import MemberRequest, member_page
from providers.selectors import models_for_provider, versions_for_provider


@member_page
def entrance(request: MemberRequest) -> HttpResponse:
    """`/provider/{org}/` leads to its models."""
    return redirect("web:provider_models", request.membership.organization.slug)


@member_page
def models(request: MemberRequest) -> HttpResponse:
    """All models of the organisation, with their versions and figures."""
    organization = request.membership.organization
    published = list(models_for_provider(organization))
    listings = {listing.model_id: listing for listing in listings_for_provider(organization)}
    runs, resident = prediction_counts([model.pk for model in published]), resident_versions()
    rows = [
        {
            "model": model,
            "slug": f"{organization.slug}/{model.name}",
            "listing": listings.get(model.pk),
            "price": price_of(model.pk),
            "versions": versions_for_provider(model),
            "runs": runs.get(model.pk, 0),
            "measured": measured(model.pk),
            "is_warm": model.pk in listings and listings[model.pk].version_id in resident,
        }
        for model in published
    ]
    return render(
        request,
        "provider/models.html",
        {"rows": rows, "publish_command": f"python manage.py publish ./weights --as {organization.slug}/icons"},
    )
