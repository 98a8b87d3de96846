"""The operator's pages of organisations."""

import uuid

from django.http import HttpResponse
from django.shortcuts import render

from billing.ledger.selectors import accounts_of
from inference.selectors import calls_for_operator
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import members_of, organization_by_id, organizations_starting
from marketplace.web.operator.forms import SearchQuery
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of
from providers.selectors import models_for_provider

ORGANIZATIONS, MEMBERS, MODELS, CALLS = 50, 20, 20, 20


@operator_page(Action.OPERATE_SEE_ORGANIZATIONS)
def organizations(request: ActorRequest) -> HttpResponse:
    """All organisations, newest first, or those whose slug starts with what is searched for."""
    form = SearchQuery.of_query(request, label="Slug, or its beginning")
    text = form.value("q")
    page = page_of(request, organizations_starting(text), key=("-id",), size=ORGANIZATIONS)
    return render(request, "operator/organizations.html", {"page": page, "form": form, "q": text})


@operator_page(Action.OPERATE_SEE_ORGANIZATIONS)
def organization(request: ActorRequest, id: uuid.UUID) -> HttpResponse:
    """One organisation with its accounts, members, models and newest calls."""
    found = organization_by_id(id)
    context = {
        "found": found,
        "accounts": accounts_of(str(found.pk)),
        "members": page_of(request, members_of(found), key=("created_at", "id"), size=MEMBERS, name="members"),
        "models": page_of(request, models_for_provider(found.pk), key=("name", "id"), size=MODELS, name="models"),
        "calls": page_of(request, calls_for_operator(organization_id=found.pk), key=("-id",), size=CALLS, name="calls"),
    }
    return render(request, "operator/organization.html", context)
