"""The reviewer's page: one picture at a time, to accept or reject."""

import uuid

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.outcomes.domain import Verdict
from billing.outcomes.selectors import tallies
from billing.pricing.domain import rate
from billing.pricing.selectors import terms_of
from inference.links import artifact_path
from inference.selectors import predictions_under_review, reviews_of
from inference.services.review import review as give_verdict
from marketplace.accounts.policy import Action
from marketplace.core.ids import short
from marketplace.core.money import format_amount
from marketplace.web.console.contracts import own_contract
from marketplace.web.console.forms import VerdictForm
from marketplace.web.shared.access import MemberRequest, member_page

MAX_SHOWN = 200  # predictions on the reviewer's page; a reload shows the next ones


@member_page(Action.REVIEW)
def review(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """One picture at a time, to accept or reject."""
    found = own_contract(request, id)
    slug = request.membership.organization.slug
    views = predictions_under_review(request.membership.organization_id, found.pk, limit=MAX_SHOWN)
    decided = reviews_of([view.id for view in views])
    items = [
        {
            "prediction": short(view.id),
            "position": position,
            "of": view.delivered,
            "url": artifact_path(artifact.id),
            "prompt": str(view.input.get("prompt") or view.model),
            "until": f"{view.review_until:%Y-%m-%d %H:%M} UTC",
        }
        for view in views
        for position, artifact in enumerate(view.artifacts[: view.delivered])
        if position not in decided[view.id]
    ]
    terms = terms_of(found.offer.price)
    context = {
        "id": short(id),
        "offer": found.offer,
        "price": found.offer.price,
        "items": items,
        # The cost of accepting 0, 1, 2 … images, as texts: the page itself does not calculate.
        "amounts": [format_amount(rate(terms, quantity=count), terms.currency) for count in range(len(items) + 1)],
        "tally": tallies([found.pk])[found.pk],
        "form": VerdictForm(auto_id="%s"),
        "verdict_url": reverse("web:console_contract_verdict", args=[slug, id]),
    }
    return render(request, "console/review.html", context)


@require_POST
@member_page(Action.REVIEW)
def verdict(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """A verdict from the reviewer's page, answered with the prediction's outcome after it."""
    found = own_contract(request, id)
    given = VerdictForm.of_json(request).given()
    done = give_verdict(
        caller=request.actor,
        prediction_id=given["prediction"],
        position=given["position"],
        verdict=Verdict(given["verdict"]),
        reason=given["reason"],
    )
    tally = tallies([found.pk])[found.pk]
    return JsonResponse(
        {
            "verdict": done.review.verdict,
            "outcome": done.state.value,
            "accepted": tally.accepted,
            "rejected": tally.rejected,
            "charged_micro": tally.charged,
        },
        status=201 if done.is_new else 200,
    )
